// SPDX-License-Identifier: Apache-2.0
// Attempts of escaped guests, inside the processes of executors: the pool's own, with `escaped` as the executor.
#include "hostile.h"

#include "base/buf.h"
#include "base/file.h"
#include "escaped.h"
#include "executor/exec.h"

#define RUN_MB 64
#define RUN_SECONDS 2

struct confinement {
    struct arena *arena;
    struct exec_pool *pool;
    enum where where;
    const char *facts;
    struct slice core, component;
};

// (module (memory (export "memory") 1) (func (export "_start")))
static const uint8_t core[] = {0x00, 'a',  's', 'm', 1,   0,   0,    0,    0x01, 4, 1,    0x60, 0,   0,   0x03, 2,   1,
                               0,    0x05, 3,   1,   0,   1,   0x07, 0x13, 2,    6, 'm',  'e',  'm', 'o', 'r',  'y', 2,
                               0,    6,    '_', 's', 't', 'a', 'r',  't',  0,    0, 0x0a, 4,    1,   2,   0,    0x0b};
// An empty component: it can be compiled, and what would run it has been replaced.
static const uint8_t component[] = {0x00, 'a', 's', 'm', 0x0d, 0, 1, 0};

bool runs_new(struct confinement **out, const struct surroundings *g, enum where where, struct err *e) {
    struct arena *a = arena_new();
    struct confinement *c = arena_calloc(a, 1, sizeof *c);
    struct exec_settings s = {.program = arena_printf(a, "%s/escaped", file_program_dir(a)), .prestarted = 1};
    *c = (struct confinement){
        .arena = a, .where = where, .core = SLICE_LIT(core), .component = slice_of(component, sizeof component)};
    c->core.len = sizeof core;
    c->facts = ground_words(g, a);
    *out = c;
    return exec_pool_new(&c->pool, &s, e);
}

void runs_free(struct confinement *c) {
    exec_pool_free(c->pool);
    arena_free(c->arena);
}

// A module that holds the order in a custom section, which the engine would pass over.
static struct slice module_with(struct arena *a, const char *order) {
    struct buf b = buf_init(4096);
    uint8_t text[1024];
    size_t n = 0;
    const char *name = "order";
    text[n++] = (uint8_t)strlen(name);
    memcpy(text + n, name, strlen(name));
    n += strlen(name);
    memcpy(text + n, order, strlen(order));
    n += strlen(order);
    buf_add(&b, core, sizeof core);
    buf_add(&b, (uint8_t[]){0, (uint8_t)(n | 0x80), (uint8_t)(n >> 7)}, 3);
    buf_add(&b, text, n);
    struct slice out = arena_copy(a, buf_slice(&b));
    buf_free(&b);
    return out;
}

static bool run(struct confinement *c, struct arena *a, struct slice wasm, const char *input, struct exec_result *r,
                struct err *e) {
    struct exec_request q = {
        .wasm = wasm,
        .input = slice_str(input),
        .limits = {
            .max_instructions = 1000000, .max_memory_mb = RUN_MB, .max_seconds = RUN_SECONDS, .max_output = 65536}};
    return exec_run(c->pool, a, &q, r, e);
}

static void judge(const struct attempt *a, const struct exec_result *r, struct finding *f) {
    if (found_line(f, a, r->output) || (r->detail && found_line(f, a, slice_str(r->detail))))
        return;
    const char *why = r->detail ? r->detail : "it ended well";
    bool died = r->end == EXEC_FORBIDDEN || (a->flags & FATAL && r->end != EXEC_OK);
    // What is forged may be anything that a run can say for itself.
    bool forged = strncmp(a->name, "forged-", 7) == 0;
    found(f, died || forged ? OUTCOME_HELD : OUTCOME_ODD, "%s: %s", exec_end_slug(r->end), why);
}

// The slot has to be there afterwards, for a guest that does nothing wrong.
static void still_serves(struct confinement *c, struct arena *a, struct finding *f) {
    struct exec_result r;
    struct err e = {0};
    if (f->outcome != OUTCOME_HELD)
        return;
    if (!run(c, a, c->core, "", &r, &e))
        found(f, OUTCOME_BROKE, "no run after it: %s", e.msg);
    else if (r.end != EXEC_OK)
        found(f, OUTCOME_BROKE, "the run after it: %s", r.detail);
}

void runs_try(struct confinement *c, const struct attempt *a, struct finding *f) {
    SCOPED_ARENA(arena);
    struct exec_result r;
    struct err e = {0};
    const char *order = arena_printf(arena, ESCAPED_MARKER "%s %s\n", a->name, c->facts);
    struct slice wasm = c->where == IN_RUN ? c->core : c->where == IN_CALL ? c->component : module_with(arena, order);
    if (!run(c, arena, wasm, c->where == IN_COMPILE ? "" : order, &r, &e))
        found(f, OUTCOME_BROKE, "a failure of the platform: %s", e.msg);
    else
        judge(a, &r, f);
    still_serves(c, arena, f);
}
