// SPDX-License-Identifier: Apache-2.0
#include "executor/exec.h"

#include "base/clock.h"
#include "base/log.h"
#include "egress/egress.h"
#include "executor/code.h"
#include "executor/page.h"
#include "executor/verdict.h"
#include "wasm/meter.h"
#include <inttypes.h>
#include <pthread.h>

#define ENV_BYTES_MAX (1u << 20)
#define ENV_COUNT_MAX 1024
#define MEMORY_MB_MAX 4096

struct exec_pool {
    struct egress *egress;
    struct process_pool *processes;
    struct code_store *code;
    struct permits *runs;
};

const char *exec_end_slug(enum exec_end end) {
    switch (end) {
    case EXEC_OK: return "ok";
    case EXEC_EXIT: return "exit";
    case EXEC_TRAP: return "trap";
    case EXEC_INSTRUCTIONS: return "instructions";
    case EXEC_MEMORY: return "memory";
    case EXEC_DEADLINE: return "deadline";
    case EXEC_OUTPUT: return "output";
    case EXEC_INVALID: return "invalid";
    case EXEC_COMPILE: return "compile";
    case EXEC_FORBIDDEN: return "forbidden";
    case EXEC_CRASH: return "crash";
    }
    return "";
}

static unsigned or_two(unsigned n) { return n ? n : 2; }

bool exec_pool_new(struct exec_pool **out, const struct exec_settings *s, struct err *e) {
    struct exec_pool *p = xcalloc(1, sizeof *p);
    p->egress = s->egress;
    p->runs = permits_new(or_two(s->runs));
    struct code_settings code = {.dir = s->cache_dir, .max_bytes = s->cache_max_bytes, .compiles = or_two(s->compiles)};
    if (!process_pool_new(&p->processes, s->program, or_two(s->prestarted), e) ||
        (code.processes = p->processes, !code_store_new(&p->code, &code, e))) {
        exec_pool_free(p);
        return false;
    }
    *out = p;
    return true;
}

void exec_pool_free(struct exec_pool *p) {
    if (!p)
        return;
    code_store_free(p->code);
    process_pool_free(p->processes);
    permits_free(p->runs);
    free(p);
}

// --- running

static bool is_repeated_later(const struct exec_request *r, size_t i) {
    for (size_t k = i + 1; k < r->env_count; k++)
        if (strcmp(r->env[i].name, r->env[k].name) == 0)
            return true;
    return false;
}

// Later entries of a name win: earlier ones are left out. NAME NUL VALUE NUL … Room for all is made at once: a buffer
// that grows leaves what it outgrew, secrets, in freed memory.
static bool put_env(struct buf *out, const struct exec_request *r, uint32_t *count, struct err *e) {
    size_t all = 0;
    for (size_t i = 0; i < r->env_count; i++)
        all += strlen(r->env[i].name) + strlen(r->env[i].value) + 2;
    (void)buf_room(out, all); // too much of it shows below
    for (size_t i = 0; i < r->env_count; i++) {
        if (is_repeated_later(r, i))
            continue;
        buf_add(out, r->env[i].name, strlen(r->env[i].name) + 1);
        buf_add(out, r->env[i].value, strlen(r->env[i].value) + 1);
        ++*count;
    }
    return (!out->full && *count <= ENV_COUNT_MAX) ||
           err_set(e, ERR_TOO_LARGE, "the environment is larger than %u bytes or %d variables", ENV_BYTES_MAX,
                   ENV_COUNT_MAX);
}

// Of the guest's own seconds, those that are left: the last is a whole one, as most runs need but a small part of it.
static uint32_t seconds_left(const struct exec_request *r) {
    uint64_t ms = patience_left(&r->patience), left = ms && ms < 1000 ? 1 : ms / 1000;
    return left < r->limits.max_seconds ? (uint32_t)left : r->limits.max_seconds;
}

static uint64_t compile_ms_left(const struct exec_request *r, const struct exec_result *so_far) {
    uint64_t paid = r->compile_ms ? r->compile_ms : CODE_COMPILE_MS_MAX, spent = so_far->compile_us / 1000;
    return spent < paid ? paid - spent : 0;
}

// Waits for the end and judges it. The page is read when nobody can write to it any more.
static enum verdict end_of(struct process *x, const struct slot_job *job, const struct page *page, uint64_t sent_us,
                           const struct exec_request *r, struct arena *a, struct exec_result *out) {
    struct job_answer answer = {0};
    struct exec_limits l = r->limits;
    struct verdict_facts f = {.read = process_begun(x, &r->patience), .answer = &answer, .limits = &l};
    l.max_seconds = seconds_left(r);
    if (f.read == PROCESS_ANSWERED && !l.max_seconds)
        f.read = PROCESS_UNBEGUN; // it took all the time there was, and the guest had none
    uint64_t start = clock_mono_us(), most = l.max_seconds * 1000000ull;
    struct patience w = {start / 1000 + most / 1000, r->patience.cancel};
    if (f.read == PROCESS_ANSWERED)
        f.read = process_answer(x, job, &w, a, &answer, &out->output, &out->errors);
    uint64_t end = clock_mono_us();
    out->seconds = l.max_seconds;
    process_end(x, &f.fate);
    struct meter_page seen = *page->at;
    out->run_us = page_time_us(&seen, sent_us, start, end);
    if (out->run_us > most || f.read == PROCESS_LATE)
        out->run_us = most;
    f.page = &seen;
    return verdict_of(&f, a, out);
}

// A component's way out, beside what every run has.
static bool open_way(struct exec_pool *p, struct slot_job *job, struct egress_way *way, int *fds, struct err *e) {
    if (!p->egress || !job->component)
        return true;
    job->may_connect = 1;
    fds[JOB_FD_ROOTS] = egress_roots(p->egress, &job->roots_len);
    bool ok = egress_open(p->egress, EGRESS_GUEST, way, e);
    fds[JOB_FD_EGRESS] = way->fd;
    return ok;
}

// What the run met on its way out that is our own trouble: without network or resolver another worker has to run it. A
// broker that died meanwhile is a reason to run it once more, however it ended, if one of its questions was lost with
// it; else it was served, and what it did in the world would only be done twice.
static bool close_way(struct exec_pool *p, struct egress_way *way, const struct exec_request *r,
                      const struct meter_page *page, enum verdict *verdict, struct err *e) {
    struct egress_facts facts = {0};
    if (p->egress)
        egress_close(p->egress, way, r->patience.cancel, &facts);
    if (facts.no_way)
        return err_set(e, ERR_UNAVAILABLE, "%s", facts.text);
    if (facts.lost && page->lost_questions && *verdict == VERDICT_GUEST)
        *verdict = VERDICT_AGAIN;
    return true;
}

// One process, one try.
static bool attempt(struct exec_pool *p, struct arena *a, const struct exec_request *r, enum wasm_kind kind,
                    const struct code *code, enum verdict *verdict, struct exec_result *out, struct err *e) {
    struct process x;
    struct page page = PAGE_NONE;
    struct egress_way way = EGRESS_NO_WAY;
    SCOPED_WIPED_BUF(env, ENV_BYTES_MAX);
    struct slot_job job = {.kind = JOB_RUN,
                           .component = kind == WASM_COMPONENT,
                           .memory_ceiling = (uint64_t)r->limits.max_memory_mb << 20,
                           .input_len = r->input.len,
                           .code_len = code->len,
                           .output_max = r->limits.max_output,
                           .errors_max = EXEC_STDERR_MAX};
    if (!put_env(&env, r, &job.env_count, e) || !process_take(p->processes, &job, &r->patience, &x, e))
        return false;
    job.env_len = env.len;
    struct slice parts[] = {r->input, buf_slice(&env)};
    int fds[JOB_FDS] = {[JOB_FD_INPUT] = -1, [JOB_FD_CODE] = code->fd};
    bool ok = page_new(&page, r->limits.max_instructions, e) && wire_memfd("input", parts, 2, &fds[JOB_FD_INPUT], e);
    fds[JOB_FD_PAGE] = fds[JOB_FD_EGRESS] = fds[JOB_FD_ROOTS] = page.fd;
    ok = ok && open_way(p, &job, &way, fds, e);
    uint64_t sent_us = clock_mono_us();
    if (ok && wire_send_job(x.sock, &job, fds, e))
        *verdict = end_of(&x, &job, &page, sent_us, r, a, out);
    else if (ok) // it died while it waited for its job
        *verdict = VERDICT_OURS;
    process_end(&x, NULL);
    if (page.at)
        ok = close_way(p, &way, r, page.at, verdict, ok ? e : NULL) && ok;
    if (fds[JOB_FD_INPUT] >= 0)
        close(fds[JOB_FD_INPUT]);
    page_free(&page);
    return ok;
}

static bool check(const struct exec_request *r, struct err *e) {
    const struct exec_limits *l = &r->limits;
    if (l->max_instructions <= METER_LIMIT_MAX && l->max_memory_mb && l->max_memory_mb <= MEMORY_MB_MAX &&
        l->max_seconds && l->max_output <= EXEC_OUTPUT_MAX)
        return true;
    return err_set(e, ERR_INVALID,
                   "limits out of range: %" PRIu64 " instructions, %" PRIu32 " MB, %" PRIu32 " s, %" PRIu32 " bytes",
                   l->max_instructions, l->max_memory_mb, l->max_seconds, l->max_output);
}

// --- all of it

// Machine code, or a result that says why there is none (then *ready is false).
static bool get_code(struct exec_pool *p, struct arena *a, const struct exec_request *r, const struct code_wanted *w,
                     struct code *code, bool *ready, struct exec_result *out, struct err *e) {
    bool ok = true;
    if (!code_find(p->code, &w->hash, code)) {
        if (r->parked)
            r->parked(r->ctx, true);
        ok = code_get(p->code, a, w, code, e);
        if (r->parked)
            r->parked(r->ctx, false);
    }
    *ready = ok && code->end == CODE_READY;
    *out = (struct exec_result){.compile_us = out->compile_us + code->compile_us};
    if (!ok || *ready)
        return ok;
    out->end = code->end == CODE_INVALID ? EXEC_INVALID : EXEC_COMPILE;
    out->detail = arena_printf(
        a, code->end == CODE_INVALID ? "the module cannot be run: %s" : "the module cannot be compiled: %s", code->why);
    return true;
}

static bool run(struct exec_pool *p, struct arena *a, const struct exec_request *r, enum wasm_kind kind,
                const struct code *code, enum verdict *v, struct exec_result *out, struct err *e) {
    if (!permit_take(p->runs, &r->patience, e))
        return false;
    bool ok = seconds_left(r) ? attempt(p, a, r, kind, code, v, out, e) : patience_fail(&r->patience, "a run", e);
    permit_give(p->runs);
    if (ok && *v == VERDICT_OURS && !seconds_left(r))
        return patience_fail(&r->patience, "a run", e);
    return ok;
}

// Another try is for what is not explained, once for each reason; a death only where the guest has all its time again.
static bool is_worth_another(const struct exec_request *r, enum verdict v, bool tried) {
    return !tried && (v != VERDICT_AGAIN || seconds_left(r) == r->limits.max_seconds);
}

bool exec_run(struct exec_pool *p, struct arena *a, const struct exec_request *r, struct exec_result *out,
              struct err *e) {
    struct code_wanted w = {.wasm = r->wasm, .hash = sha256(r->wasm), .patience = r->patience};
    struct err why;
    *out = (struct exec_result){.end = EXEC_INVALID};
    if (!check(r, e))
        return false;
    if (!wasm_kind_of(r->wasm, &w.kind, &why)) {
        out->detail = arena_printf(a, "the module cannot be run: %s", why.msg);
        return true;
    }
    for (bool tried[VERDICT_OURS + 1] = {false};;) {
        struct code code;
        bool ready;
        enum verdict v = VERDICT_OURS;
        w.budget_ms = compile_ms_left(r, out);
        if (!get_code(p, a, r, &w, &code, &ready, out, e))
            return false;
        if (!ready)
            return true;
        bool ok = run(p, a, r, w.kind, &code, &v, out, e);
        close(code.fd);
        if (!ok)
            return false;
        if (v == VERDICT_GUEST)
            return true;
        if (!is_worth_another(r, v, tried[v]))
            return v != VERDICT_OURS || err_set(e, ERR_UNAVAILABLE, "the processes that run guests do not begin");
        tried[v] = true;
        log_warn("a run is tried once more: %s", v == VERDICT_OURS ? "its process did not begin"
                                                 : out->detail     ? out->detail
                                                                   : "the broker died meanwhile");
        if (v == VERDICT_STALE)
            code_drop(p->code, &w.hash);
    }
}
