// SPDX-License-Identifier: Apache-2.0
// One build (or one resolution of a ref) under way: its box, its deadline, its result. Used by the builder's own files.
// Steps return whether the job goes on; when they return false, either result->end says why (the repository's fault) or
// `failed` is set and *e tells of our own trouble.
#pragma once
#include "builder/build.h"
#include "builder/source.h"
#include "sandbox/sandbox.h"

struct builder {
    struct arena *arena;   // of the builder itself
    const char *guest_dir; // NULL: nothing can be built, only looked up
    const char *system;    // what a box shows, in it
    const char *ca_file;
    struct blobs *crates; // downloads that are kept (builder/crate_cache.h); NULL: none are
    const char *crates_dir;
    struct egress *egress;
    struct source_map map;
    char *toolchain; // digest, hex; NULL without guest_dir
    const struct sandbox_offer *offer;
    uint64_t work_bytes, memory_bytes;
};

// Why a repository could not be had.
enum git_trouble {
    GIT_NOT_THERE, // or not public
    GIT_TOO_LARGE, // for the box
    GIT_CUT_OFF,   // host unknown, no connection, and whatever else
};

struct job {
    struct builder *builder;
    struct arena *arena;
    struct source source;
    const char *local;       // folder of a mapped repository, NULL: fetched over https
    const char *url;         // what git is told inside the box
    const char *folder;      // of the guest in the checkout, "" for its root
    const char *dir;         // the same in the box
    const char *when;        // the commit's time, seconds since 1970 as text
    const char *locks;       // made for the repository, each below its name; NULL: none
    struct slice known_lock; // made for this build before; empty: none
    uint64_t known_made;
    unsigned configs; // files that were written for cargo to read
    struct sandbox *box;
    struct proxy *proxy;
    struct patience patience; // has an end
    struct build_result *result;
    enum git_trouble trouble; // of BUILD_NO_REPOSITORY
    struct err *e;
    bool failed;
};

// Reads what is asked for; ends the job where nothing can be done for this source.
[[nodiscard]] bool job_start(struct job *j, const struct build_source *s, const struct patience *w);
[[nodiscard]] bool job_box(struct job *j);  // the box alone
[[nodiscard]] bool job_open(struct job *j); // the box and its way out
void job_close(struct job *j);
// Ends the job with a class and a reason; returns false.
bool job_end(struct job *j, enum build_end end, const char *fmt, ...) PRINTF_LIKE(3, 4);
// Says more at the end of the reason, where there is room.
void job_add_hint(struct job *j, const char *hint);
// The same with the useful lines of a log behind `what`.
bool job_end_log(struct job *j, enum build_end end, const char *what, struct slice log);
void job_keep_log(struct job *j, struct slice log); // in place of what was kept before
bool job_fail(struct job *j);                       // our own trouble, *e has been set; returns false
// Runs a command; false (job ended or failed) when it could not be run or met the deadline. Its own failure is in *r.
[[nodiscard]] bool job_run(struct job *j, const struct sandbox_command *c, struct sandbox_result *r);

// fetch.c: phase one. Network, nothing of the repository executes.
[[nodiscard]] bool fetch_resolve(struct job *j);  // result->commit
[[nodiscard]] bool fetch_checkout(struct job *j); // JOB_SRC
// compile.c: crates (crates.h), and phase two. Everything may execute, no network.
[[nodiscard]] bool compile_cargo(struct job *j);
[[nodiscard]] bool compile_recipe(struct job *j);
[[nodiscard]] bool compile_make(struct job *j);

#define JOB_SRC SANDBOX_WORK "/src"
#define JOB_CARGO SANDBOX_WORK "/cargo"
#define JOB_TARGET SANDBOX_WORK "/target"
#define JOB_LOG_MAX (96u << 10)
