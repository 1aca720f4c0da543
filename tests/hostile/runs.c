// SPDX-License-Identifier: Apache-2.0
// Attempts of escaped guests, inside the processes of executors: the pool's own, with `escaped` as the executor.
#include "hostile.h"

#include "base/buf.h"
#include "base/file.h"
#include "egress/egress.h"
#include "escaped.h"
#include "executor/exec.h"
#include "sandbox/guards.h"
#include "sandbox/sandbox.h"

#define RUN_MB 64
#define RUN_SECONDS 30
#define SILENT_SECONDS 1 // for who says nothing, for ever
#define COMPILE_MS 30000
#define SILENT_COMPILE_MS 3000
// What a run may have in all (guest.c), somewhat rounded up, and its slot (pool.c).
#define MEMORY ((RUN_MB + 256 + 8ull) << 20)
#define COMPILE_MEMORY (3ull << 30) // the same of a compilation
#define PROCESSES 128

struct confinement {
    struct arena *arena;
    struct exec_pool *pool;
    struct egress *egress; // of a component: a broker of its own, which is asked for nothing but by attempts
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
    c->facts = arena_printf(a, "%s memory=%llu processes=%d", ground_words(g, a),
                            where == IN_COMPILE ? COMPILE_MEMORY : MEMORY, PROCESSES);
    fprintf(stderr, "%s\n", sandbox_probe(NULL)->text);
    *out = c;
    if (where == IN_CALL && !egress_new(&c->egress, &(struct egress_settings){.allow = NULL}, e))
        return false;
    s.egress = c->egress;
    return exec_pool_new(&c->pool, &s, e);
}

void runs_free(struct confinement *c) {
    if (c->pool)
        exec_pool_free(c->pool);
    egress_free(c->egress);
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

static bool run(struct confinement *c, struct arena *a, struct slice wasm, const char *input, bool silent,
                struct exec_result *r, struct err *e) {
    uint32_t seconds = silent ? SILENT_SECONDS : RUN_SECONDS;
    struct exec_request q = {
        .wasm = wasm,
        .input = slice_str(input),
        .compile_ms = silent ? SILENT_COMPILE_MS : COMPILE_MS,
        .limits = {.max_instructions = 1000000, .max_memory_mb = RUN_MB, .max_seconds = seconds, .max_output = 65536}};
    return exec_run(c->pool, a, &q, r, e);
}

static void judge(const struct attempt *a, const struct exec_result *r, struct finding *f) {
    if (found_line(f, a, r->output) || (r->detail && found_line(f, a, slice_str(r->detail))))
        return;
    const char *why = r->detail ? r->detail : "it ended well";
    // Of a compilation whose process died it is only told that the module cannot be compiled.
    bool died = r->end == EXEC_FORBIDDEN || r->end == EXEC_COMPILE || (a->flags & FATAL && r->end != EXEC_OK);
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
    if (!run(c, a, c->core, "", false, &r, &e))
        found(f, OUTCOME_BROKE, "no run after it: %s", e.msg);
    else if (r.end != EXEC_OK)
        found(f, OUTCOME_BROKE, "the run after it: %s", r.detail);
}

static bool attempted(struct confinement *c, struct arena *a, const char *name, const char *more, struct exec_result *r,
                      struct err *e) {
    const char *order = arena_printf(a, ESCAPED_MARKER "%s %s%s\n", name, c->facts, more);
    bool silent = strcmp(name, "forged-silence") == 0;
    switch (c->where) {
    case IN_RUN: return run(c, a, c->core, order, silent, r, e);
    case IN_CALL: return run(c, a, c->component, order, silent, r, e);
    case IN_COMPILE: return run(c, a, module_with(a, order), "", silent, r, e);
    case IN_BUILD:
    case IN_FETCH: break;
    }
    return err_set(e, ERR_INTERNAL, "not a confinement of executors");
}

void runs_try(struct confinement *c, const struct attempt *a, struct finding *f) {
    SCOPED_ARENA(arena);
    struct exec_result r;
    struct err e = {0};
    const struct sandbox_offer *o = sandbox_probe(NULL);
    if (a->flags & NEEDS_CGROUP && !o->cgroup.memory)
        return found(f, OUTCOME_UNTRIED, "without a cgroup memory is limited for each process alone");
    if (a->flags & NEEDS_COUNT && o->degree == SANDBOX_PROCESS && o->slot_uid == geteuid())
        return found(f, OUTCOME_UNTRIED, "a run's threads cannot be told from those of the user's other processes");
    if (!attempted(c, arena, a->name, "", &r, &e))
        found(f, OUTCOME_BROKE, "a failure of the platform: %s", e.msg);
    else
        judge(a, &r, f);
    still_serves(c, arena, f);
    bool namespaces = o->degree > SANDBOX_PROCESS, rights = namespaces || geteuid() == 0;
    if (f->outcome == OUTCOME_HELD && guard_environment() &&
        ((a->flags & NAMESPACED && namespaces) || (a->flags & RIGHTFUL && !rights)))
        f->outcome = OUTCOME_ABSENT;
}

bool runs_call(struct confinement *c, int number, bool *comes_back, struct err *e) {
    SCOPED_ARENA(a);
    struct exec_result r;
    if (!attempted(c, a, "any-call", arena_printf(a, " call=%d", number), &r, e))
        return false;
    struct finding f;
    *comes_back = found_line(&f, attempt_named("any-call"), c->where == IN_COMPILE ? slice_str(r.detail) : r.output);
    return true;
}
