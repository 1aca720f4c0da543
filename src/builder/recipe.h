// SPDX-License-Identifier: Apache-2.0
// outlayer.toml: how a repository that is neither a Cargo package nor a Makefile is built.
//   build = "zig cc …"        a shell command, run in the repository's root
//   output = "out/app.wasm"   the module that it leaves
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
