// SPDX-License-Identifier: Apache-2.0
#include "executor/exec.h"

#include "base/clock.h"
#include "base/log.h"
#include "egress/egress.h"
#include "executor/cache.h"
#include "executor/page.h"
#include "executor/verdict.h"
#include "wasm/meter.h"
#include <inttypes.h>
#include <pthread.h>

#define CODE_MAX (512ull << 20)
#define START_MS 20000 // until a process that is there has confined itself
#define COMPILE_MS 120000
#define COMPILING_MAX 64
#define ENV_BYTES_MAX (1u << 20)
#define ENV_COUNT_MAX 1024
#define MEMORY_MB_MAX 4096

struct exec_pool {
    struct egress *egress;
    struct process_pool *processes;
    struct code_cache *cache;
    pthread_mutex_t lock; // guards what is being compiled: nobody compiles the same module twice at once
    pthread_cond_t compiled;
    struct hash compiling[COMPILING_MAX];
    size_t compiling_count;
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
    case EXEC_FORBIDDEN: return "forbidden";
    case EXEC_CRASH: return "crash";
    }
    return "";
}

bool exec_pool_new(struct exec_pool **out, const struct exec_settings *s, struct err *e) {
    struct exec_pool *p = xcalloc(1, sizeof *p);
    p->egress = s->egress;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->compiled, NULL);
    if (!code_cache_new(&p->cache, s->cache_dir, s->cache_max_bytes, e) ||
        !process_pool_new(&p->processes, s->program, s->prestarted ? s->prestarted : 2, e)) {
        exec_pool_free(p);
        return false;
    }
    *out = p;
    return true;
}

void exec_pool_free(struct exec_pool *p) {
    if (!p)
        return;
    process_pool_free(p->processes);
    code_cache_free(p->cache);
    pthread_mutex_destroy(&p->lock);
    pthread_cond_destroy(&p->compiled);
    free(p);
}

// --- compiling
// -----------------------------------------------------------------------------------------------------------

static bool invalid(struct exec_result *out, struct arena *a, const char *why) {
    out->end = EXEC_INVALID;
    out->detail = arena_printf(a, "the module cannot be run: %s", why);
    return true;
}

// Gives the code's memory file, or *fd -1 and a result of EXEC_INVALID.
static bool compile(struct exec_pool *p, struct arena *a, const struct exec_request *r, enum wasm_kind kind,
                    const struct hash *wasm, int *fd, uint64_t *len, struct exec_result *out, struct err *e) {
    struct process x;
    struct page page = PAGE_NONE;
    int fds[JOB_FDS] = {[JOB_FD_INPUT] = -1};
    struct job job = {
        .kind = JOB_COMPILE, .component = kind == WASM_COMPONENT, .input_len = r->wasm.len, .output_max = CODE_MAX};
    struct job_answer answer;
    struct slice code, none;
    *fd = -1;
    if (!process_take(p->processes, &x, e))
        return false;
    bool ok = page_new(&page, 0, e) && wire_memfd("module", &r->wasm, 1, &fds[JOB_FD_INPUT], e);
    fds[JOB_FD_CODE] = fds[JOB_FD_PAGE] = fds[JOB_FD_EGRESS] = fds[JOB_FD_ROOTS] = page.fd; // not used
    ok = ok && wire_send_job(x.sock, &job, fds, e);
    if (ok) {
        uint64_t start = clock_mono_us();
        enum process_read read = process_begun(&x, clock_mono_ms() + START_MS);
        if (read == PROCESS_ANSWERED)
            read = process_answer(&x, &job, clock_mono_ms() + COMPILE_MS, a, &answer, &code, &none);
        out->compile_us = clock_mono_us() - start;
        if (read == PROCESS_UNBEGUN)
            ok = err_set(e, ERR_UNAVAILABLE, "a process for compiling did not begin");
        else if (read == PROCESS_LATE)
            ok = invalid(out, a, "compiling it takes too long");
        else if (read == PROCESS_DIED)
            ok = invalid(out, a, "compiling it takes more memory than it may");
        else if (answer.end)
            ok = invalid(out, a, answer.text);
        else {
            code_cache_put(p->cache, wasm, code);
            *len = code.len;
            ok = wire_memfd("code", &code, 1, fd, e);
        }
    }
    process_end(&x, NULL);
    if (fds[JOB_FD_INPUT] >= 0)
        close(fds[JOB_FD_INPUT]);
    page_free(&page);
    return ok;
}

static bool is_compiling(const struct exec_pool *p, const struct hash *wasm) {
    for (size_t i = 0; i < p->compiling_count; i++)
        if (hash_eq(&p->compiling[i], wasm))
            return true;
    return p->compiling_count == COMPILING_MAX;
}

// Precompiled code, compiled where it is not there; one compilation of a module at a time.
static bool get_code(struct exec_pool *p, struct arena *a, const struct exec_request *r, enum wasm_kind kind,
                     const struct hash *wasm, int *fd, uint64_t *len, struct exec_result *out, struct err *e) {
    if (code_cache_get(p->cache, wasm, fd, len))
        return true;
    pthread_mutex_lock(&p->lock);
    while (is_compiling(p, wasm))
        pthread_cond_wait(&p->compiled, &p->lock);
    p->compiling[p->compiling_count++] = *wasm;
    pthread_mutex_unlock(&p->lock);
    bool ok = code_cache_get(p->cache, wasm, fd, len) || compile(p, a, r, kind, wasm, fd, len, out, e);
    pthread_mutex_lock(&p->lock);
    for (size_t i = 0; i < p->compiling_count; i++) {
        if (hash_eq(&p->compiling[i], wasm)) {
            p->compiling[i] = p->compiling[--p->compiling_count];
            break;
        }
    }
    pthread_cond_broadcast(&p->compiled);
    pthread_mutex_unlock(&p->lock);
    return ok;
}

// --- running
// ---------------------------------------------------------------------------------------------------------------

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

// Waits for the end and judges it. The page is read when nobody can write to it any more.
static enum verdict end_of(struct process *x, const struct job *job, const struct page *page,
                           const struct exec_limits *l, struct arena *a, struct exec_result *out) {
    struct job_answer answer = {0};
    struct verdict_facts f = {.answer = &answer, .limits = l};
    f.read = process_begun(x, clock_mono_ms() + START_MS);
    uint64_t start = clock_mono_us(), most = l->max_seconds * 1000000ull;
    if (f.read == PROCESS_ANSWERED)
        f.read = process_answer(x, job, clock_mono_ms() + most / 1000, a, &answer, &out->output, &out->errors);
    out->run_us = clock_mono_us() - start;
    if (out->run_us > most)
        out->run_us = most;
    process_end(x, &f.fate);
    struct meter_page seen = *page->at;
    f.page = &seen;
    return verdict_of(&f, a, out);
}

// A component's way out, beside what every run has.
static bool open_way(struct exec_pool *p, struct job *job, struct egress_way *way, int *fds, struct err *e) {
    if (!p->egress || !job->component)
        return true;
    job->may_connect = 1;
    fds[JOB_FD_ROOTS] = egress_roots(p->egress, &job->roots_len);
    bool ok = egress_open(p->egress, EGRESS_GUEST, way, e);
    fds[JOB_FD_EGRESS] = way->fd;
    return ok;
}

// What the run met on its way out that is our own trouble: without network or resolver another worker has to run it; a
// broker that died meanwhile is a reason to run it once more, however it ended.
static bool close_way(struct exec_pool *p, struct egress_way *way, enum verdict *verdict, struct err *e) {
    struct egress_facts facts = {0};
    if (p->egress)
        egress_close(p->egress, way, &facts);
    if (facts.no_way)
        return err_set(e, ERR_UNAVAILABLE, "%s", facts.text);
    if (facts.lost && *verdict == VERDICT_GUEST)
        *verdict = VERDICT_AGAIN;
    return true;
}

// One process, one try.
static bool attempt(struct exec_pool *p, struct arena *a, const struct exec_request *r, enum wasm_kind kind,
                    int code_fd, uint64_t code_len, enum verdict *verdict, struct exec_result *out, struct err *e) {
    struct process x;
    struct page page = PAGE_NONE;
    struct egress_way way = EGRESS_NO_WAY;
    SCOPED_WIPED_BUF(env, ENV_BYTES_MAX);
    struct job job = {.kind = JOB_RUN,
                      .component = kind == WASM_COMPONENT,
                      .memory_ceiling = (uint64_t)r->limits.max_memory_mb << 20,
                      .input_len = r->input.len,
                      .code_len = code_len,
                      .output_max = r->limits.max_output,
                      .errors_max = EXEC_STDERR_MAX};
    if (!put_env(&env, r, &job.env_count, e) || !process_take(p->processes, &x, e))
        return false;
    job.env_len = env.len;
    struct slice parts[] = {r->input, buf_slice(&env)};
    int fds[JOB_FDS] = {[JOB_FD_INPUT] = -1, [JOB_FD_CODE] = code_fd};
    bool ok = page_new(&page, r->limits.max_instructions, e) && wire_memfd("input", parts, 2, &fds[JOB_FD_INPUT], e);
    fds[JOB_FD_PAGE] = fds[JOB_FD_EGRESS] = fds[JOB_FD_ROOTS] = page.fd;
    ok = ok && open_way(p, &job, &way, fds, e);
    if (ok && wire_send_job(x.sock, &job, fds, e))
        *verdict = end_of(&x, &job, &page, &r->limits, a, out);
    else if (ok) // it died while it waited for its job
        *verdict = VERDICT_OURS;
    process_end(&x, NULL);
    ok = close_way(p, &way, verdict, ok ? e : NULL) && ok;
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

bool exec_run(struct exec_pool *p, struct arena *a, const struct exec_request *r, struct exec_result *out,
              struct err *e) {
    enum wasm_kind kind;
    struct err why;
    *out = (struct exec_result){0};
    if (!check(r, e))
        return false;
    if (!wasm_kind_of(r->wasm, &kind, &why))
        return invalid(out, a, why.msg);
    struct hash wasm = sha256(r->wasm);
    for (bool tried[VERDICT_OURS + 1] = {false};;) {
        int fd;
        uint64_t len, compiled_us = out->compile_us;
        enum verdict v = VERDICT_OURS;
        out->compile_us = 0;
        if (!get_code(p, a, r, kind, &wasm, &fd, &len, out, e))
            return false;
        if (fd < 0)
            return true; // EXEC_INVALID
        *out = (struct exec_result){.compile_us = compiled_us + out->compile_us};
        bool ok = attempt(p, a, r, kind, fd, len, &v, out, e);
        close(fd);
        if (!ok)
            return false;
        if (v == VERDICT_GUEST || (tried[v] && v != VERDICT_OURS))
            return true;
        if (tried[v])
            return err_set(e, ERR_UNAVAILABLE, "the processes that run guests do not begin");
        tried[v] = true;
        log_warn("a run is tried once more: %s", v == VERDICT_OURS ? "its process did not begin"
                                                 : out->detail     ? out->detail
                                                                   : "the broker died meanwhile");
        if (v == VERDICT_STALE)
            code_cache_drop(p->cache, &wasm);
    }
}
