// SPDX-License-Identifier: Apache-2.0
// `outlayer run`: one module here and now, under exactly the limits that a worker enforces; or a folder, which is built
// first, as a worker would build it.
#include "cli/commands.h"

#include "base/ends.h"
#include "base/file.h"
#include "base/text.h"
#include "cli/args.h"
#include "cli/env_file.h"
#include "cli/folder_build.h"
#include "cli/folder_watch.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "egress/egress.h"
#include "executor/exec.h"
#include "sandbox/sandbox.h"
#include <inttypes.h>
#include <sys/stat.h>

#define WASM_MAX (64u << 20)

struct run_options {
    const char *what, *input, *input_file, *env_file, *build_target;
    struct limit_options limits;
    struct egress_options egress;
    bool watch, json;
};

static const struct arg table[] = {
    ARG_OPERAND(struct run_options, what, "FILE.wasm|FOLDER",
                "a module: core (WASI P1) or component (WASI P2); or a project, which is built first"),
    ARG_OPTION(struct run_options, build_target, "--target", "T",
               "what a folder is built for: wasm32-wasip1 or wasm32-wasip2 (wasm32-wasip1)"),
    ARG_SWITCH(struct run_options, watch, "--watch", "build and run a folder again at each change, until Ctrl-C"),
    ARG_OPTION(struct run_options, input, "--input", "TEXT", "standard input of the guest (empty)"),
    ARG_OPTION(struct run_options, input_file, "--input-file", "FILE", "the same from a file"),
    ARG_OPTION(struct run_options, env_file, "--env-file", "FILE",
               "a .env file for the guest's environment, as its secrets would be"),
    LIMIT_OPTIONS(struct run_options, limits),
    EGRESS_OPTIONS(struct run_options, egress),
    ARG_SWITCH(struct run_options, json, "--json", "one JSON object on one line"),
};

// What the guest's secrets would be.
static bool read_env(struct arena *a, const char *path, struct exec_env *env, size_t *count, struct err *e) {
    struct slice text;
    struct secrets s;
    if (!file_read_secret(a, path, ENV_FILE_MAX, &text, e))
        return false;
    if (!env_file_read(&s, a, text, MADE_BY_KEYSTORE, e))
        return err_wrap(e, "%s", path);
    for (size_t i = 0; i < s.count; i++)
        env[(*count)++] = (struct exec_env){s.items[i].name, s.items[i].value};
    return true;
}

static void add_limits(struct arena *a, const struct exec_limits *l, struct exec_env *env, size_t *count) {
    env[(*count)++] = (struct exec_env){"NEAR_MAX_INSTRUCTIONS", arena_printf(a, "%" PRIu64, l->max_instructions)};
    env[(*count)++] = (struct exec_env){"NEAR_MAX_MEMORY_MB", arena_printf(a, "%" PRIu32, l->max_memory_mb)};
    env[(*count)++] = (struct exec_env){"NEAR_MAX_EXECUTION_SECONDS", arena_printf(a, "%" PRIu32, l->max_seconds)};
}

static void print_json(struct arena *a, const struct exec_result *r, const struct hash *hash) {
    char hex[65];
    SCOPED_JSON(j) = json_object();
    bool text = text_is_utf8(r->output);
    json_object_set_new(j, "success", json_boolean(r->end == EXEC_OK));
    if (r->end != EXEC_OK)
        json_set_text(j, "output", NULL);
    else
        json_set_text(j, text ? "output" : "output_base64",
                      text ? arena_text(a, r->output) : base64_text(a, r->output));
    json_set_text(j, "error", r->detail);
    json_set_text(j, "end", exec_end_slug(r->end));
    json_object_set_new(j, "exit_status", json_integer((uint32_t)r->exit_status));
    json_set_u64(j, "instructions", r->instructions);
    json_set_u64(j, "time_ms", (r->run_us + 999) / 1000);
    json_set_u64(j, "compile_us", r->compile_us);
    json_set_u64(j, "peak_memory_bytes", r->peak_memory);
    json_set_text(j, "stderr", text_is_utf8(r->errors) ? arena_text(a, r->errors) : base64_text(a, r->errors));
    json_set_text(j, "wasm_hash", hash_hex(hash, hex));
    print_json_line(a, j);
}

static void print_people(struct arena *a, const struct exec_result *r) {
    char count[32], run[24], compile[24];
    print_output(a, r->output);
    if (r->output.len && r->output.ptr[r->output.len - 1] != '\n')
        fprintf(stderr, "\n");
    if (r->errors.len)
        fprintf(stderr, "--- standard error\n%s\n---\n", printable(a, r->errors));
    fprintf(stderr, "%s; %s instructions, %s, peak memory %.1f MiB%s%s\n",
            r->detail ? printable(a, slice_str(r->detail)) : "ok", // among it names that the module imports
            text_grouped(r->instructions, count), text_duration(r->run_us, run),
            (double)r->peak_memory / (1024.0 * 1024.0), r->compile_us ? ", compiled in " : "",
            r->compile_us ? text_duration(r->compile_us, compile) : "");
}

// --- the module: a file, or what a folder is built to

struct run {
    const struct run_options *o;
    struct arena *arena; // of the whole command
    struct exec_limits limits;
    struct egress *egress; // for the guest, and for the crates that a folder needs
    struct exec_pool *pool;
    struct folder_builder *builder; // NULL: a module is run
    struct folder_watch *watch;     // NULL: once
    sigset_t ends;
    atomic_bool ended; // by one of these
    char last[41];     // the commit that was built last
    // Of one round.
    struct arena *a; // freed wiped: the guest's environment may hold secrets
    struct err *e;
    bool ok;
    int status;
};

static bool no_module(const char *path, struct err *e) {
    err_set(e, ERR_USAGE, "'%s' is no WebAssembly module", path);
    return err_hint(e, "it takes a .wasm file that is built already, or a folder that can be built: outlayer run .");
}

static bool read_module(struct arena *a, const char *path, struct slice *out, struct err *e) {
    if (!file_read(a, path, WASM_MAX, out, e))
        return err_hint(e, "it takes a .wasm file or a folder; `outlayer init NAME --lang c` makes one to start from");
    return slice_starts(*out, slice_of("\0asm", 4)) || no_module(path, e);
}

// The folder of this machine that is meant, without what stands behind "//"; NULL where there is none.
static const char *folder_of(struct arena *a, const char *what) {
    char *dir = arena_strdup(a, what), *below = strstr(dir, "//");
    struct stat st;
    if (below && below != dir)
        *below = 0;
    return stat(dir, &st) == 0 && S_ISDIR(st.st_mode) ? dir : NULL;
}

static void show_failed_build(struct arena *a, const struct run_options *o, const struct build_result *b) {
    if (!o->json) {
        fprintf(stderr, "failed      %s\n", printable(a, slice_str(b->reason)));
        return;
    }
    SCOPED_JSON(j) = json_object();
    json_object_set_new(j, "success", json_false());
    json_set_text(j, "output", NULL);
    json_set_text(j, "error", b->reason);
    json_set_text(j, "end", build_end_slug(b->end));
    json_set_text(j, "commit", b->commit);
    print_json_line(a, j);
}

static bool build_fault_is_ours(enum build_end end) { return end == BUILD_NO_ISOLATION || end == BUILD_PLATFORM; }

// The folder's module. *same: nothing was changed since the last round, so nothing is built. Without wasm, *same or a
// failed build has been told.
static bool build_folder(struct run *r, struct slice *wasm, bool *same, struct err *e) {
    struct repo_ref at;
    struct build_result b = {0};
    char time[24], bytes[32];
    *wasm = (struct slice){0}, *same = false;
    if (!folder_builder_look(r->builder, r->a, &at, e))
        return false;
    *same = strcmp(at.commit, r->last) == 0;
    if (*same)
        return true;
    snprintf(r->last, sizeof r->last, "%s", at.commit);
    if (!folder_builder_build(r->builder, r->a, &at, &r->ended, &b, e))
        return false;
    if (b.end != BUILD_OK) {
        show_failed_build(r->a, r->o, &b);
        r->status = build_fault_is_ours(b.end) ? CLI_PLATFORM : CLI_GUEST;
        return true;
    }
    if (!r->o->json)
        fprintf(stderr, "built       %.12s, %s bytes, in %s\n", b.commit, text_grouped(b.wasm.len, bytes),
                text_duration(1000 * b.build_ms, time));
    *wasm = b.wasm;
    return true;
}

// --- running it

static bool run_module(struct run *r, struct slice wasm, struct err *e) {
    const struct run_options *o = r->o;
    struct slice input = slice_str(o->input ? o->input : "");
    struct exec_env env[SECRETS_MAX + 3];
    struct exec_result result;
    size_t count = 0;
    struct hash hash = sha256(wasm);
    if ((o->input_file && !file_read(r->a, o->input_file, WASM_MAX, &input, e)) ||
        (o->env_file && !read_env(r->a, o->env_file, env, &count, e)))
        return false;
    add_limits(r->a, &r->limits, env, &count);
    const struct exec_request request = {
        .wasm = wasm, .input = input, .env = env, .env_count = count, .limits = r->limits, .patience = {0, &r->ended}};
    if (!exec_run(r->pool, r->a, &request, &result, e))
        return false;
    if (o->json)
        print_json(r->a, &result, &hash);
    else
        print_people(r->a, &result);
    fflush(stdout);
    r->status = result.end == EXEC_OK ? CLI_OK : CLI_GUEST;
    return true;
}

// One round: from what is there to an answer, or to a build that failed.
static bool run_once(struct run *r, bool *same, struct err *e) {
    struct slice wasm;
    *same = false;
    if (!r->builder)
        return read_module(r->a, r->o->what, &wasm, e) && run_module(r, wasm, e);
    return build_folder(r, &wasm, same, e) && (!wasm.len || run_module(r, wasm, e));
}

static void round_of_watch(void *ctx) {
    struct run *r = ctx;
    bool same;
    r->ok = run_once(r, &same, r->e);
    if (r->ok && !same && !r->o->json)
        fprintf(stderr, "waiting     for a change in %s; Ctrl-C ends it\n", r->o->what);
}

static void end_watch(void *ctx) { atomic_store(&((struct run *)ctx)->ended, true); }

// Until it is ended. What fails for a reason of the moment, such as a file that is gone while it is being replaced, is
// told, and waited out.
static bool run_at_changes(struct run *r, struct err *e) {
    bool ended = false;
    while (!ended) {
        struct err why;
        r->a = arena_new();
        r->e = &why;
        ends_during(round_of_watch, end_watch, r);
        arena_free_wiped(r->a);
        ended = atomic_load(&r->ended);
        if (!r->ok)
            r->last[0] = 0; // what was not tried is tried again
        if (!ended && !r->ok)
            command_failed(&why);
        if (!ended && !folder_watch_wait(r->watch, &r->ends, &ended, e))
            return false;
    }
    r->status = CLI_OK;
    return true;
}

static bool open_run(struct run *r, struct err *e) {
    const struct run_options *o = r->o;
    const struct egress_settings world = {
        .allow = o->egress.allow, .ports = o->egress.ports, .ca_file = o->egress.ca_file};
    const char *cache = getenv("HOME") ? arena_printf(r->arena, "%s/.cache/outlayer/code", getenv("HOME")) : NULL;
    struct exec_settings s = {.program = arena_printf(r->arena, "%s/outlayer-executor", file_program_dir(r->arena)),
                              .cache_dir = cache && file_make_dirs(cache, 0700, NULL) ? cache : NULL,
                              .cache_max_bytes = 1u << 30,
                              .prestarted = 1};
    const char *folder = folder_of(r->arena, o->what), *target;
    if (!folder && (o->watch || o->build_target)) {
        err_set(e, ERR_USAGE, "%s goes with a folder, and '%s' is none", o->watch ? "--watch" : "--target", o->what);
        return err_hint(e, "outlayer run . builds this folder and runs it");
    }
    if (!limits_from_options(&o->limits, &r->limits, e) || !build_target_of(o->build_target, &target, e) ||
        !egress_new(&r->egress, &world, e) || (o->watch && !folder_watch_new(&r->watch, folder, e)))
        return false;
    s.egress = r->egress;
    return (!folder || folder_builder_new(&r->builder, o->what, target, r->egress, e)) &&
           exec_pool_new(&r->pool, &s, e);
}

static void close_run(struct run *r) {
    exec_pool_free(r->pool);
    folder_builder_free(r->builder);
    folder_watch_free(r->watch);
    egress_free(r->egress);
    arena_free(r->arena);
}

static bool run(struct run *r, struct err *e) {
    bool same;
    if (!open_run(r, e))
        return false;
    const struct sandbox_offer *offer = sandbox_probe(NULL);
    if (!r->o->json && offer->degree < SANDBOX_FULL)
        fprintf(stderr, "isolation %s: %s; missing for full: %s\n", sandbox_degree_name(offer->degree), offer->text,
                offer->missing);
    if (r->watch)
        return run_at_changes(r, e);
    r->a = arena_new();
    bool ok = run_once(r, &same, e);
    arena_free_wiped(r->a);
    return ok;
}

int command_run(int argc, char **argv) {
    struct run_options o = {0};
    struct err e;
    bool help;
    if (!args_parse(&o, table, ARRAY_LEN(table), argc, argv, &help, &e))
        return command_failed(&e);
    if (help) {
        args_print_help("run", "runs a module or a folder here, under a worker's limits", table, ARRAY_LEN(table));
        return CLI_OK;
    }
    if (!o.what) {
        err_set(&e, ERR_USAGE, "nothing to run was given");
        err_hint(&e, "outlayer run FILE.wasm --input TEXT, or outlayer run . for this folder");
        return command_failed(&e);
    }
    struct run r = {.o = &o, .arena = arena_new()};
    if (o.watch)
        ends_block(&r.ends); // before the first thread and the first child start
    bool ok = run(&r, &e);
    close_run(&r);
    return ok ? r.status : command_failed(&e);
}
