// SPDX-License-Identifier: Apache-2.0
// `outlayer run`: one module here and now, under exactly the limits that a worker enforces.
#include "cli/commands.h"

#include "base/file.h"
#include "base/text.h"
#include "cli/args.h"
#include "cli/env_file.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "egress/egress.h"
#include "executor/exec.h"
#include "sandbox/sandbox.h"
#include <inttypes.h>
#include <sys/stat.h>

#define WASM_MAX (64u << 20)

struct run_options {
    const char *file, *input, *input_file, *env_file;
    struct limit_options limits;
    struct egress_options egress;
    bool json;
};

static const struct arg table[] = {
    ARG_OPERAND(struct run_options, file, "FILE.wasm", "the module: core (WASI P1) or component (WASI P2)"),
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

static bool run_in_pool(struct arena *a, const struct run_options *o, struct exec_settings *s,
                        const struct exec_request *request, struct exec_result *r, struct err *e) {
    const struct egress_settings world = {
        .allow = o->egress.allow, .ports = o->egress.ports, .ca_file = o->egress.ca_file};
    struct exec_pool *pool;
    if (!egress_new(&s->egress, &world, e))
        return false;
    bool ok = exec_pool_new(&pool, s, e);
    if (ok) {
        ok = exec_run(pool, a, request, r, e);
        exec_pool_free(pool);
    }
    egress_free(s->egress);
    return ok;
}

static bool no_module(const char *path, struct err *e) {
    err_set(e, ERR_USAGE, "'%s' is no WebAssembly module", path);
    return err_hint(e, "it takes a .wasm file that is built already; outlayer request --repo DIR builds a project and "
                       "runs it, on the chain that outlayer up starts");
}

static bool read_module(struct arena *a, const char *path, struct slice *out, struct err *e) {
    struct stat st;
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return no_module(path, e);
    return file_read(a, path, WASM_MAX, out, e) && (slice_starts(*out, slice_of("\0asm", 4)) || no_module(path, e));
}

static bool run_module(struct arena *a, const struct run_options *o, struct exec_result *r, struct hash *hash,
                       struct err *e) {
    struct slice wasm, input = slice_str(o->input ? o->input : "");
    struct exec_env env[SECRETS_MAX + 3];
    size_t count = 0;
    struct exec_limits limits;
    if (!limits_from_options(&o->limits, &limits, e) || !read_module(a, o->file, &wasm, e) ||
        (o->input_file && !file_read(a, o->input_file, WASM_MAX, &input, e)) ||
        (o->env_file && !read_env(a, o->env_file, env, &count, e)))
        return false;
    add_limits(a, &limits, env, &count);
    *hash = sha256(wasm);
    const char *cache = getenv("HOME") ? arena_printf(a, "%s/.cache/outlayer/code", getenv("HOME")) : NULL;
    struct exec_settings s = {.program = arena_printf(a, "%s/outlayer-executor", file_program_dir(a)),
                              .cache_dir = cache && file_make_dirs(cache, 0700, NULL) ? cache : NULL,
                              .cache_max_bytes = 1u << 30,
                              .prestarted = 1};
    struct exec_request request = {.wasm = wasm, .input = input, .env = env, .env_count = count, .limits = limits};
    return run_in_pool(a, o, &s, &request, r, e);
}

int command_run(int argc, char **argv) {
    SCOPED_ARENA(a);
    struct run_options o = {0};
    struct exec_result r;
    struct hash hash;
    struct err e;
    bool help;
    if (!args_parse(&o, table, ARRAY_LEN(table), argc, argv, &help, &e))
        return command_failed(&e);
    if (help) {
        args_print_help("run", "runs a module here, under a worker's limits", table, ARRAY_LEN(table));
        return CLI_OK;
    }
    if (!o.file) {
        err_set(&e, ERR_USAGE, "no module given");
        err_hint(&e, "outlayer run FILE.wasm --input TEXT");
        return command_failed(&e);
    }
    if (!run_module(a, &o, &r, &hash, &e))
        return command_failed(&e);
    const struct sandbox_offer *offer = sandbox_probe(NULL);
    if (!o.json && offer->degree < SANDBOX_FULL)
        fprintf(stderr, "isolation %s: %s; missing for full: %s\n", sandbox_degree_name(offer->degree), offer->text,
                offer->missing);
    if (o.json)
        print_json(a, &r, &hash);
    else
        print_people(a, &r);
    return r.end == EXEC_OK ? CLI_OK : CLI_GUEST;
}
