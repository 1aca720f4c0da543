// SPDX-License-Identifier: Apache-2.0
// What a repository's .cargo/config.toml may say. The build takes the file as cargo does, since there everything may
// execute. While crates are fetched nothing of the repository may, and there is network: then only what is data is
// taken, which is where crates come from (sources, registries' addresses, patches, paths), and the rest is left out. A
// setting that would put a program in the place of the build's own compiler or linker is refused.
#pragma once
#include "base/buf.h"
#include "codec/json.h"

#define CARGO_CONFIG_MAX (256u << 10) // bytes of the file

// Adds the data among `settings`, which is cargo's own reading of one file, to `out` as TOML. Folders are relative to
// `base`.
void cargo_config_data(struct buf *out, struct arena *a, const json_t *settings, const char *base);
// The first setting that would run a program in a build for `target`, such as "build.rustc-wrapper"; NULL: none.
const char *cargo_config_program(struct arena *a, const json_t *settings, const char *target);
// The line of the file's text in which that setting stands; 0: it is not seen.
unsigned cargo_config_line(struct slice text, const char *setting);
