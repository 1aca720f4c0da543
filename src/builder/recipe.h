// SPDX-License-Identifier: Apache-2.0
// outlayer.toml: how a repository is built, where that is said and not found out. It wins over Cargo.toml and Makefile.
//   build = "zig cc …"        a shell command, run in the file's folder
//   output = "out/app.wasm"   the module that it leaves, from there
// The file is a subset of TOML: comments and `key = "string"` (basic or literal strings on one line).
#pragma once
#include "base/arena.h"
#include "base/err.h"

#define RECIPE_MAX 16384 // bytes of the file

struct recipe {
    const char *build, *output;
};
// Both keys, once each, nothing else; output stays inside the repository. ERR_INVALID names the line.
[[nodiscard]] bool recipe_parse(struct recipe *out, struct arena *a, struct slice text, struct err *e);
// The same recipe as text that parses to it again.
const char *recipe_text(struct arena *a, const struct recipe *r);
