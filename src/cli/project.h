// SPDX-License-Identifier: Apache-2.0
// What `outlayer init` writes: a small project that builds and runs as it is, for WASI P1 and P2.
#pragma once
#include "base/arena.h"
#include "base/err.h"

#define PROJECT_NAME_MAX 64
#define PROJECT_LANGUAGES "c, rust or cpp"

// Makes the folder `path` with a project of this language in it, named by the last part of the path, whose parent is
// there. The folder appears whole or not at all, and nothing that was there is touched: a name that is taken is
// ERR_CONFLICT; a name or language that cannot be is ERR_USAGE. *files, if not NULL, are the names of what was written,
// as a text.
[[nodiscard]] bool project_create(struct arena *a, const char *path, const char *language, const char **files,
                                  struct err *e);
// The last part of the path.
const char *project_name(struct arena *a, const char *path);
