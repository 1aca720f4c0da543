// SPDX-License-Identifier: Apache-2.0
// From a repository to one WebAssembly module: resolve the ref to a commit, fetch it (network, nothing of it executes),
// build it (anything executes, no network, no secrets). The steps are separate so that a cached build needs only the
// first. All of it happens in a box (sandbox/sandbox.h) whose files live in memory: nothing is written to this
// machine's disk, so nothing is left behind, whatever ends a build.
#pragma once
#include "base/arena.h"
#include "base/patience.h"
#include "crypto/hash.h"

#define BUILD_WASM_MAX (64u << 20)
#define BUILD_LOCK_MAX (1u << 20)
#define BUILD_LOG_MAX 16384 // bytes

struct egress; // egress/egress.h

struct build_settings {
    const char *guest_dir;  // the tree that guests are built in, made by `make` (build/guest), see builder/tree.h;
                            // NULL: for builder_branch alone
    const char *repo_map;   // "host/owner/name=DIR,host=DIR,…" local repositories, NULL: none
    const char *crates_dir; // downloads of the public registry are kept here, the newest of them; NULL: nowhere
    uint64_t crates_bytes;  // so much of them; 0: 1 GiB
    struct egress *egress;  // how fetches reach the world, kept; NULL: they do not
    uint64_t disk_bytes; // all files of a build together; they are kept in memory. 0: 1 GiB, or a quarter of the memory
    uint64_t memory_bytes; // all processes of a build together, its files included. 0: 4 GiB, or half of the memory
};

// Why there is no module. Everything but the last two is the repository's own fault and an answer for the caller.
enum build_end {
    BUILD_OK,
    BUILD_BAD_SOURCE,    // repository, ref or target not acceptable as written
    BUILD_NO_REPOSITORY, // cannot be had: unknown host, not found, not public
    BUILD_NO_COMMIT,     // the ref is in no branch or tag of this repository
    BUILD_NO_RECIPE,     // neither Cargo.toml nor outlayer.toml nor Makefile
    BUILD_DEPENDENCY,    // a dependency cannot be had
    BUILD_FAILED,        // the compiler or the recipe failed
    BUILD_TIMEOUT,       // over its deadline
    BUILD_BAD_OUTPUT,    // no module, several, too large, or not WebAssembly
    BUILD_NO_ISOLATION,  // this machine offers no way to isolate a build
    BUILD_PLATFORM,      // our own trouble: retry elsewhere
};
const char *build_end_slug(enum build_end end);

struct build_source {
    const char *repo;   // as the request says, with //folder perhaps (repo/repo.h)
    const char *ref;    // branch, tag or commit
    const char *target; // "wasm32-wasip1", "wasm32-wasi" (the same) or "wasm32-wasip2"
};

struct build_result {
    enum build_end end;
    const char *reason; // for people, with the useful lines of the log; NULL when ok
    const char *log;    // the end of what the command said that built it, or that it failed by; NULL: none ran
    const char *repo;   // https://host/owner/name, with //folder where the request has one
    const char
        *branch; // the ref is this branch, and the commit was its tip when that was asked; NULL: a tag, a commit, HEAD
    char commit[41];
    struct hash build_key; // SHA-256 over length-prefixed (repository with folder, commit, target, toolchain digest: of
                           // the tree and the steps)
    struct slice wasm;     // in the caller's arena
    struct hash wasm_hash;
    // Cargo.lock, where the repository has none and it was made for this build; whoever puts it there builds the same.
    // Empty, zeros and 0: the repository's own, or no need of one. builder_build takes one that is there already, with
    // its time, instead of making one.
    struct slice lock;
    struct hash lock_hash;
    uint64_t lock_made; // seconds of the wall clock
    uint64_t resolve_ms,
        build_ms; // by our clock: looking the ref up in the repository (0: there was no need), building
};

struct builder;
[[nodiscard]] bool builder_new(struct builder **out, const struct build_settings *s, struct err *e);
void builder_free(struct builder *b);
// What this machine can isolate with, as a sentence; false when builds are refused.
bool builder_can_isolate(const struct builder *b, const char **how);
const char *builder_toolchain(const struct builder *b); // digest text, part of the build key

// Resolves the ref: fills repo, commit, build_key and resolve_ms, or end and reason. Never false for the repository's
// own faults; BUILD_TIMEOUT where it does not answer in time. w has an end; where it is cancelled, what is under way
// ends within a second (ERR_UNAVAILABLE).
[[nodiscard]] bool builder_resolve(struct builder *b, struct arena *a, const struct build_source *s,
                                   const struct patience *w, struct build_result *out, struct err *e);
// Builds what builder_resolve filled in, as patient; any number of threads at once.
[[nodiscard]] bool builder_build(struct builder *b, struct arena *a, const struct build_source *s,
                                 const struct patience *w, struct build_result *io, struct err *e);
