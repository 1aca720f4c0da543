// SPDX-License-Identifier: Apache-2.0
// The operator's examples, with which the playground begins: a file of JSON that is read once, an array of objects with
// `id`, `title`, perhaps `what`, and either `request` (of a repository) or `call` (of a contract that asks by itself).
#pragma once
#include "base/err.h"

#define EXAMPLES_BYTES_MAX (256u << 10)
#define EXAMPLES_MAX 64
#define EXAMPLE_TEXT_MAX 1024
#define EXAMPLE_INPUT_MAX (64u << 10)

// What /public/examples answers; the caller frees it. path NULL: there are none. An error names the example and what is
// wrong with it.
[[nodiscard]] bool examples_read(char **out, const char *path, struct err *e);
