// SPDX-License-Identifier: Apache-2.0
// What the playground of `outlayer up` begins with: the examples of the checkout that need neither network nor secrets,
// as the coordinator's EXAMPLES_FILE has them.
#pragma once
#include "base/arena.h"
#include "base/err.h"

// Takes the folders below `examples` as repositories of `home` and writes the file; *path NULL: no folder is there.
[[nodiscard]] bool presets_write(const char **path, struct arena *a, const char *home, const char *examples,
                                 struct err *e);
