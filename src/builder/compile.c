// SPDX-License-Identifier: Apache-2.0
// Phase two: everything may execute, in a box without network. What comes out is one module, found by its bytes.
#include "builder/job.h"

#include "builder/artifact.h"
#include "builder/crates.h"
#include "builder/recipe.h"

#define MODULES_MAX 200

// what: with its verb, "make failed".
static bool compile_ended(struct job *j, const struct sandbox_result *r, const char *what) {
    if (r->out_of_memory)
        return job_end(j, BUILD_FAILED, "%s: out of memory (%llu MB)", what,
                       (unsigned long long)(j->builder->memory_bytes >> 20));
    if (r->end == SANDBOX_SIGNALED)
        return job_end_log(j, BUILD_FAILED, arena_printf(j->arena, "%s: ended by signal %d", what, r->status),
                           r->output);
    return job_end_log(j, BUILD_FAILED, what, r->output);
}

// What it says is kept, also where all goes well.
static bool run_build(struct job *j, const struct sandbox_command *c, struct sandbox_result *r) {
    if (!job_run(j, c, r))
        return false;
    job_keep_log(j, r->output);
    return true;
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

// What the build left, as far as one of it can be meant.
struct outputs {
    const char *path, *other; // of programs with different bytes
    struct slice bytes;
    const char *library; // a module that is no program
    struct slice library_bytes;
};

static void add_output(struct outputs *o, const char *path, struct slice bytes) {
    if (!artifact_is_program(bytes)) {
        o->library = o->library ? o->library : path;
        o->library_bytes = o->library_bytes.len ? o->library_bytes : bytes;
    } else if (!o->path) {
        o->path = path, o->bytes = bytes;
    } else if (!slice_eq(o->bytes, bytes) && !o->other) {
        o->other = path;
    }
}

// Of the linked modules among the files the one that is a program; the same bytes twice are one.
static bool read_outputs(struct job *j, const struct sandbox_file *files, size_t count, struct outputs *o) {
    struct slice bytes;
    uint64_t total = 0;
    *o = (struct outputs){0};
    for (size_t i = 0; i < count; i++) {
        if ((total += files[i].size) > 4ull * BUILD_WASM_MAX)
            return job_end(j, BUILD_BAD_OUTPUT, "the build left more than %u MB of WebAssembly",
                           4 * (BUILD_WASM_MAX >> 20));
        if (!read_module(j, files[i].path, &bytes))
            return false;
        if (artifact_kind(bytes) == ARTIFACT_CORE || artifact_kind(bytes) == ARTIFACT_COMPONENT)
            add_output(o, files[i].path, bytes);
    }
    return true;
}

static const char *file_name(const char *path) { return strrchr(path, '/') + 1; }

static bool take_program(struct job *j, const struct outputs *o, const char *how_to_choose) {
    if (o->path && !o->other)
        return take_bytes(j, file_name(o->path), o->bytes);
    if (o->path)
        return job_end(j, BUILD_BAD_OUTPUT, "the build left two programs, %s and %s, where one is wanted: %s",
                       file_name(o->path), file_name(o->other), how_to_choose);
    if (!o->library) {
        job_end(j, BUILD_BAD_OUTPUT, "the build succeeded but left no WebAssembly module");
    } else if (!take_bytes(j, file_name(o->library), o->library_bytes)) { // the wrong kind of module is told first
        return false;
    } else {
        j->result->wasm = (struct slice){0};
        job_end(j, BUILD_BAD_OUTPUT, "%s is a library: it has no %s", file_name(o->library),
                j->source.target == TARGET_P1 ? "_start" : "wasi:cli/run");
    }
    job_add_hint(j, survey_hint(j));
    return false;
}

// --- the environment of what executes

#define ENV_MAX 40

struct tools {
    const char *env[ENV_MAX];
    size_t count;
    const char *cc, *cxx, *ar; // for make's command line
};

static void add_env(struct tools *t, const char *text) {
    BUG_ON(t->count + 1 == ENV_MAX);
    t->env[t->count++] = text;
}

// For cargo, whoever calls it: where its crates are, no network, and the target's linkers. Environment beats the
// checkout's .cargo/config.toml, which otherwise applies (here, inside the box): flags of the repository stay, ours are
// in the compiler that is called and cannot be lost. rust-toolchain.toml is a matter of rustup, which is not here.
static void cargo_env(struct tools *t) {
    static const char *const env[] = {
        "CARGO_HOME=" JOB_CARGO, "CARGO_TERM_COLOR=never", "CARGO_NET_OFFLINE=true", "CARGO_INCREMENTAL=0",
        "RUSTC=/guest/bin/rustc",
        // A wrapper that adds nothing: no wrapper of the repository's is called, and what cargo found out about the
        // compiler while it fetched is taken, which an empty name would prevent.
        "RUSTC_WRAPPER=/usr/bin/env", "RUSTC_WORKSPACE_WRAPPER=/usr/bin/env",
        "CARGO_TARGET_WASM32_WASIP1_LINKER=/usr/bin/wasm-ld-19",
        "CARGO_TARGET_WASM32_WASIP2_LINKER=/guest/bin/wasm-component-ld",
        "CC_wasm32_wasip1=/guest/bin/wasm32-wasip1-clang", "CC_wasm32_wasip2=/guest/bin/wasm32-wasip2-clang",
        "CXX_wasm32_wasip1=/guest/bin/wasm32-wasip1-clang++", "CXX_wasm32_wasip2=/guest/bin/wasm32-wasip2-clang++",
        "AR_wasm32_wasip1=/guest/bin/wasm32-wasi-ar", "AR_wasm32_wasip2=/guest/bin/wasm32-wasi-ar",
        "HOST_CC=/usr/bin/gcc", "HOST_AR=/usr/bin/ar"};
    for (size_t i = 0; i < ARRAY_LEN(env); i++)
        add_env(t, env[i]);
}

static void common_env(struct job *j, struct tools *t) {
    const char *target = source_target_text(j->source.target);
    *t = (struct tools){0};
    add_env(t, "PATH=/guest/bin:/usr/bin:/bin");
    add_env(t, "HOME=/home");
    add_env(t, "LC_ALL=C.UTF-8");
    add_env(t, arena_printf(j->arena, "SOURCE_DATE_EPOCH=%s", j->when));
    add_env(t, arena_printf(j->arena, "OUTLAYER_COMMIT=%s", j->result->commit));
    add_env(t, arena_printf(j->arena, "OUTLAYER_TARGET=%s", target));
    cargo_env(t);
}

// --- cargo

#define TWO_PROGRAMS                                                                                                   \
    "name one as default-run in Cargo.toml, write an outlayer.toml, or ask for its folder as repository//folder"

static bool build_package(struct job *j, const struct package *p, struct sandbox_result *r) {
    const char *target = source_target_text(j->source.target), *argv[20] = {"/usr/bin/cargo", "build"};
    struct tools t;
    size_t n = 2;
    static const char *const always[] = {"--offline", "--locked", "--release", "--target"};
    for (size_t i = 0; i < ARRAY_LEN(always); i++)
        argv[n++] = always[i];
    argv[n++] = target;
    if (p->meant) {
        argv[n++] = "--package", argv[n++] = p->meant->package;
        argv[n++] = "--bin", argv[n++] = p->meant->name;
        if (p->meant->features)
            argv[n++] = "--features", argv[n++] = p->meant->features;
    } else if (p->program_count) {
        argv[n++] = "--bins"; // a library beside them, such as a contract, is not built where they do not need it
    }
    common_env(j, &t);
    add_env(&t, "CARGO_TARGET_DIR=" JOB_TARGET);
    struct sandbox_command c = {.argv = argv, .env = t.env, .dir = j->dir};
    return run_build(j, &c, r);
}

static bool package_failed(struct job *j, const struct package *p, const struct sandbox_result *r) {
    // A contract, say: the guest is somewhere else.
    const char *hint = p->program_count ? "" : survey_hint(j);
    return compile_ended(j, r,
                         *hint ? arena_printf(j->arena, "the package has no program%s; cargo build failed", hint)
                               : "cargo build failed");
}

bool compile_cargo(struct job *j) {
    const char *release = arena_printf(j->arena, JOB_TARGET "/%s/release", source_target_text(j->source.target));
    struct package p;
    struct sandbox_result r;
    struct sandbox_file *files;
    struct outputs o;
    size_t count, kept = 0;
    if (!crates_fetch(j, &p) || !build_package(j, &p, &r))
        return false;
    if (r.end != SANDBOX_EXITED || r.status != 0)
        return package_failed(j, &p, &r);
    if (!find_modules(j, release, &files, &count))
        return false;
    for (size_t i = 0; i < count; i++) // not deps/ and below
        if (!strchr(files[i].path + strlen(release) + 1, '/'))
            files[kept++] = files[i];
    return read_outputs(j, files, kept, &o) && take_program(j, &o, TWO_PROGRAMS);
}

// --- make and commands

static void tools_of(struct job *j, struct tools *t) {
    bool p1 = j->source.target == TARGET_P1;
    common_env(j, t);
    t->cc = p1 ? "CC=/guest/bin/wasm32-wasip1-clang" : "CC=/guest/bin/wasm32-wasip2-clang";
    t->cxx = p1 ? "CXX=/guest/bin/wasm32-wasip1-clang++" : "CXX=/guest/bin/wasm32-wasip2-clang++";
    t->ar = "AR=/guest/bin/wasm32-wasi-ar";
    const char *env[] = {t->cc, t->cxx, t->ar, "CFLAGS=-O2", "CXXFLAGS=-O2", "LDFLAGS=-Wl,--strip-all"};
    for (size_t i = 0; i < ARRAY_LEN(env); i++)
        add_env(t, env[i]);
}

// A recipe that failed, and what it may have failed for.
static bool recipe_failed(struct job *j, const struct sandbox_result *r, const char *what, const char *missing) {
    compile_ended(j, r, what);
    if (missing)
        job_add_hint(j, arena_printf(j->arena, "; not fetched: %s", missing));
    return false;
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

#define TWO_MODULES "write an outlayer.toml that names one as output"

bool compile_make(struct job *j) {
    struct tools t;
    struct sandbox_result r;
    struct sandbox_file *before, *now;
    struct outputs o;
    size_t old, count;
    const char *missing;
    tools_of(j, &t);
    // CC, CXX and AR on make's command line too: they must win over a Makefile's own. CFLAGS and LDFLAGS come by the
    // environment alone, so that a Makefile can add to them.
    const char *argv[] = {"/usr/bin/make", t.cc, t.cxx, t.ar, NULL};
    struct sandbox_command c = {.argv = argv, .env = t.env, .dir = j->dir};
    if (!crates_fetch_all(j, &missing) || !find_modules(j, j->dir, &before, &old) || !run_build(j, &c, &r))
        return false;
    if (r.end != SANDBOX_EXITED || r.status != 0)
        return recipe_failed(j, &r, "make failed", missing);
    if (!find_modules(j, j->dir, &now, &count))
        return false;
    return read_outputs(j, now, drop_old(now, count, before, old), &o) && take_program(j, &o, TWO_MODULES);
}

bool compile_recipe(struct job *j) {
    struct err e = {0};
    struct slice text, bytes;
    struct recipe recipe;
    struct tools t;
    struct sandbox_result r;
    const char *missing, *path = arena_printf(j->arena, "%s/outlayer.toml", j->dir);
    if (!sandbox_read(j->box, j->arena, path, RECIPE_MAX, &text, &e) || !recipe_parse(&recipe, j->arena, text, &e))
        return job_end(j, BUILD_NO_RECIPE, "%s", e.msg);
    tools_of(j, &t);
    const char *argv[] = {"/bin/sh", "-ec", recipe.build, NULL};
    struct sandbox_command c = {.argv = argv, .env = t.env, .dir = j->dir};
    if (!crates_fetch_all(j, &missing) || !run_build(j, &c, &r))
        return false;
    if (r.end != SANDBOX_EXITED || r.status != 0)
        return recipe_failed(j, &r, "the build command of outlayer.toml failed", missing);
    path = arena_printf(j->arena, "%s/%s", j->dir, recipe.output);
    return read_module(j, path, &bytes) && take_bytes(j, recipe.output, bytes);
}
