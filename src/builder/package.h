// SPDX-License-Identifier: Apache-2.0
// What a Cargo package is made of, as `cargo metadata --no-deps` tells it: which programs a plain `cargo build` in its
// folder makes, and which one is meant where there is a choice.
#pragma once
#include "codec/json.h"

struct program {
    const char *name, *package;
    const char *features; // that it wants, with commas; NULL: none
};
struct package {
    const char *root;             // the workspace's folder, where Cargo.lock is
    const char *const *manifests; // of the workspace's members
    size_t manifest_count;
    struct program *programs; // of the members that are built when none is named
    size_t program_count;
    const struct program *meant; // the one that the package's default-run names; or the only one, if it wants features
};
// manifest: the Cargo.toml that was asked about. All is in the arena.
[[nodiscard]] bool package_read(struct package *out, struct arena *a, const json_t *metadata, const char *manifest,
                                struct err *e);
