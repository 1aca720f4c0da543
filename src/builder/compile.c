// SPDX-License-Identifier: Apache-2.0
// Phase two: everything may execute, in a box without network. What comes out is one module, found by its bytes.
#include "builder/job.h"

#include "builder/artifact.h"
#include "builder/recipe.h"

#define MODULES_MAX 200
#define RUST_LIB "/usr/lib/rustlib/x86_64-unknown-linux-gnu"

static bool compile_ended(struct job *j, const struct sandbox_result *r, const char *what) {
    if (r->out_of_memory)
        return job_end(j, BUILD_FAILED, "%s ran out of memory (%llu MB)", what,
                       (unsigned long long)(j->builder->memory_bytes >> 20));
    if (r->end == SANDBOX_SIGNALED)
        return job_end_log(j, BUILD_FAILED, arena_printf(j->arena, "%s was ended by signal %d", what, r->status),
                           r->output);
    return job_end_log(j, BUILD_FAILED, arena_printf(j->arena, "%s failed", what), r->output);
}

static const char *component_or_core(enum artifact_kind kind) {
    switch (kind) {
    case ARTIFACT_COMPONENT: return "a component";
    case ARTIFACT_CORE: return "a core module";
    case ARTIFACT_OBJECT: return "an object file that has not been linked";
    case ARTIFACT_NONE: break;
    }
    return "not WebAssembly";
}

static bool take_bytes(struct job *j, const char *path, struct slice bytes) {
    enum artifact_kind kind = artifact_kind(bytes);
    enum artifact_kind want = j->source.target == TARGET_P1 ? ARTIFACT_CORE : ARTIFACT_COMPONENT;
    if (kind != want)
        return job_end(j, BUILD_BAD_OUTPUT, "%s is %s; %s wants %s", path, component_or_core(kind),
                       source_target_text(j->source.target), component_or_core(want));
    j->result->wasm = bytes;
    j->result->wasm_hash = sha256(bytes);
    j->result->end = BUILD_OK;
    return true;
}

static bool read_module(struct job *j, const char *path, struct slice *out) {
    struct err e = {0};
    if (sandbox_read(j->box, j->arena, path, BUILD_WASM_MAX, out, &e))
        return true;
    if (e.code == ERR_NOT_FOUND)
        return job_end(j, BUILD_BAD_OUTPUT, "the build left no %s", path);
    if (e.code == ERR_TOO_LARGE)
        return job_end(j, BUILD_BAD_OUTPUT, "%s is larger than %u MB", path, (unsigned)(BUILD_WASM_MAX >> 20));
    if (e.code == ERR_INVALID)
        return job_end(j, BUILD_BAD_OUTPUT, "%s", e.msg);
    *j->e = e;
    return job_fail(j);
}

static bool find_modules(struct job *j, const char *dir, struct sandbox_file **files, size_t *count) {
    struct err e = {0};
    bool cut = false;
    *count = 0;
    if (sandbox_scan(j->box, j->arena, dir, slice_of("\0asm", 4), MODULES_MAX, files, count, &cut, &e))
        return !cut || job_end(j, BUILD_BAD_OUTPUT, "the build left too many files to find its module among them");
    if (e.code == ERR_NOT_FOUND)
        return true;
    *j->e = e;
    return job_fail(j);
}

static bool several(struct job *j, const char *first, const char *second) {
    return job_end(j, BUILD_BAD_OUTPUT, "the build left several modules (%s, %s, …) where one is wanted", first,
                   second);
}

// The one linked module among the files; the same bytes twice are one.
static bool take_only(struct job *j, const struct sandbox_file *files, size_t count) {
    const char *path = NULL;
    struct slice taken = {0}, bytes;
    uint64_t total = 0;
    for (size_t i = 0; i < count; i++) {
        if ((total += files[i].size) > 4ull * BUILD_WASM_MAX)
            return job_end(j, BUILD_BAD_OUTPUT, "the build left more than %u MB of WebAssembly",
                           4 * (BUILD_WASM_MAX >> 20));
        if (!read_module(j, files[i].path, &bytes))
            return false;
        if (artifact_kind(bytes) == ARTIFACT_OBJECT || artifact_kind(bytes) == ARTIFACT_NONE)
            continue;
        if (path && !slice_eq(taken, bytes))
            return several(j, path, files[i].path);
        path = files[i].path, taken = bytes;
    }
    return path ? take_bytes(j, path, taken)
                : job_end(j, BUILD_BAD_OUTPUT, "the build succeeded but left no WebAssembly module");
}

// --- cargo

bool compile_cargo(struct job *j) {
    static const char *const argv[] = {"/usr/bin/cargo", "build",    "--offline",     "--locked",
                                       "--release",      "--target", "wasm32-wasip1", NULL};
    // Environment beats the checkout's .cargo/config.toml, which otherwise applies (here, inside the box): flags of the
    // repository stay, ours are in the compiler that is called and cannot be lost. rust-toolchain.toml is a matter of
    // rustup, which is not here.
    const char *env[] = {
        "PATH=/guest/bin:/usr/bin:/bin", "HOME=/home", "LC_ALL=C.UTF-8", "CARGO_HOME=" JOB_CARGO,
        "CARGO_TARGET_DIR=" JOB_TARGET, "CARGO_TERM_COLOR=never", "CARGO_NET_OFFLINE=true", "CARGO_INCREMENTAL=0",
        "RUSTC=/guest/bin/rustc",
        // A wrapper that adds nothing: no wrapper of the repository's is called, and what cargo found
        // out about the compiler while it fetched is taken, which an empty name would prevent.
        "RUSTC_WRAPPER=/usr/bin/env", "RUSTC_WORKSPACE_WRAPPER=/usr/bin/env", "CARGO_BUILD_TARGET=wasm32-wasip1",
        "SOURCE_DATE_EPOCH=0", "CC_wasm32_wasip1=/guest/bin/wasm32-wasip1-clang",
        "AR_wasm32_wasip1=/guest/bin/wasm32-wasi-ar",
        j->source.target == TARGET_P1 ? "CARGO_TARGET_WASM32_WASIP1_LINKER=/usr/bin/wasm-ld-19"
                                      : "CARGO_TARGET_WASM32_WASIP1_LINKER=" RUST_LIB "/bin/wasm-component-ld",
        NULL};
    struct sandbox_command c = {.argv = argv, .env = env, .dir = JOB_SRC};
    struct sandbox_result r;
    struct sandbox_file *files;
    size_t count, kept = 0;
    if (!job_run(j, &c, &r))
        return false;
    if (r.end != SANDBOX_EXITED || r.status != 0)
        return compile_ended(j, &r, "cargo build");
    static const char release[] = JOB_TARGET "/wasm32-wasip1/release";
    if (!find_modules(j, release, &files, &count))
        return false;
    for (size_t i = 0; i < count; i++) // not deps/ and below
        if (!strchr(files[i].path + sizeof release, '/'))
            files[kept++] = files[i];
    return take_only(j, files, kept);
}

// --- make and commands

struct tools {
    const char *env[20];
    const char *cc, *ar;
};

static void tools_of(struct job *j, struct tools *t) {
    bool p1 = j->source.target == TARGET_P1;
    *t = (struct tools){.cc = p1 ? "CC=/guest/bin/wasm32-wasip1-clang" : "CC=/guest/bin/wasm32-wasip2-clang",
                        .ar = "AR=/guest/bin/wasm32-wasi-ar"};
    const char *env[] = {"PATH=/guest/bin:/usr/bin:/bin",
                         "HOME=/home",
                         "LC_ALL=C.UTF-8",
                         "SOURCE_DATE_EPOCH=0",
                         t->cc,
                         t->ar,
                         "CFLAGS=-O2",
                         "LDFLAGS=-Wl,--strip-all",
                         p1 ? "OUTLAYER_TARGET=wasm32-wasip1" : "OUTLAYER_TARGET=wasm32-wasip2"};
    memcpy(t->env, env, sizeof env);
}

// Modules that were in the checkout and that the build has not written are none of its output.
static size_t drop_old(struct sandbox_file *now, size_t count, const struct sandbox_file *before, size_t old) {
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        bool same = false;
        for (size_t k = 0; k < old && !same; k++)
            same = strcmp(now[i].path, before[k].path) == 0 && now[i].inode == before[k].inode &&
                   now[i].changed_ns == before[k].changed_ns;
        if (!same)
            now[kept++] = now[i];
    }
    return kept;
}

bool compile_make(struct job *j) {
    struct tools t;
    tools_of(j, &t);
    // CC and AR on make's command line too: they must win over a Makefile's own. CFLAGS and LDFLAGS come by the
    // environment alone, so that a Makefile can add to them.
    const char *argv[] = {"/usr/bin/make", t.cc, t.ar, NULL};
    struct sandbox_command c = {.argv = argv, .env = t.env, .dir = JOB_SRC};
    struct sandbox_result r;
    struct sandbox_file *before, *now;
    size_t old, count;
    if (!find_modules(j, JOB_SRC, &before, &old) || !job_run(j, &c, &r))
        return false;
    if (r.end != SANDBOX_EXITED || r.status != 0)
        return compile_ended(j, &r, "make");
    if (!find_modules(j, JOB_SRC, &now, &count))
        return false;
    return take_only(j, now, drop_old(now, count, before, old));
}

bool compile_recipe(struct job *j) {
    struct err e = {0};
    struct slice text, bytes;
    struct recipe recipe;
    struct tools t;
    struct sandbox_result r;
    if (!sandbox_read(j->box, j->arena, JOB_SRC "/outlayer.toml", RECIPE_MAX, &text, &e) ||
        !recipe_parse(&recipe, j->arena, text, &e))
        return job_end(j, BUILD_NO_RECIPE, "%s", e.msg);
    tools_of(j, &t);
    const char *argv[] = {"/bin/sh", "-ec", recipe.build, NULL};
    struct sandbox_command c = {.argv = argv, .env = t.env, .dir = JOB_SRC};
    if (!job_run(j, &c, &r))
        return false;
    if (r.end != SANDBOX_EXITED || r.status != 0)
        return compile_ended(j, &r, "the build command of outlayer.toml");
    const char *path = arena_printf(j->arena, JOB_SRC "/%s", recipe.output);
    return read_module(j, path, &bytes) && take_bytes(j, recipe.output, bytes);
}
