// SPDX-License-Identifier: Apache-2.0
#include "executor/exec.h"

#include "base/clock.h"
#include "base/text.h"
#include "executor/cache.h"
#include "executor/pool.h"
#include "wasm/engine.h"
#include "wasm/meter.h"
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <sys/mman.h>

#define CODE_MAX (512ull << 20)
#define COMPILE_MS 120000
#define COMPILING_MAX 64
#define ENV_BYTES_MAX (1u << 20)
#define ENV_COUNT_MAX 1024
#define MEMORY_MB_MAX 4096

struct exec_pool {
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
    case EXEC_CRASH: return "crash";
    }
    return "";
}

bool exec_pool_new(struct exec_pool **out, const struct exec_settings *s, struct err *e) {
    struct exec_pool *p = xcalloc(1, sizeof *p);
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->compiled, NULL);
    if (!code_cache_new(&p->cache, s->cache_dir, s->cache_max_bytes, e) ||
        !process_pool_new(&p->processes, s->program, s->prestarted ? s->prestarted : 2, s->egress_allow, e)) {
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

// --- the shared page ------------------------------------------------------------------------------------------------

struct page {
    int fd;
    struct meter_page *at;
};

// Sealed, or an escaped guest could shorten it and have us die of SIGBUS when we read it.
static bool page_new(struct page *out, uint64_t limit, struct err *e) {
    *out = (struct page){memfd_create("page", MFD_CLOEXEC | MFD_ALLOW_SEALING), NULL};
    if (out->fd < 0 || ftruncate(out->fd, ENGINE_PAGE_BYTES) != 0 ||
        fcntl(out->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
        return err_errno(e, "cannot make a shared page");
    void *p = mmap(NULL, ENGINE_PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, out->fd, 0);
    if (p == MAP_FAILED)
        return err_errno(e, "cannot map a shared page");
    out->at = p;
    meter_page_init(out->at, limit);
    return true;
}

static void page_free(struct page *p) {
    if (p->at)
        munmap(p->at, ENGINE_PAGE_BYTES);
    if (p->fd >= 0)
        close(p->fd);
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
    struct page page = {-1, NULL};
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
        enum process_read read = process_answer(&x, &job, clock_mono_ms() + COMPILE_MS, a, &answer, &code, &none);
        out->compile_us = clock_mono_us() - start;
        if (read == PROCESS_LATE)
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
    process_end(&x);
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

static const char *last_words(struct arena *a, struct slice errors) {
    while (errors.len && isspace(errors.ptr[errors.len - 1]))
        errors.len--;
    size_t from = errors.len > 300 ? errors.len - 300 : 0;
    while (from && from < errors.len && (errors.ptr[from] & 0xC0) == 0x80)
        from++;
    return arena_text(a, slice_skip(errors, from));
}

static void set_end(struct exec_result *out, struct arena *a, const struct exec_limits *l, const struct job_answer *n) {
    char number[32];
    switch (out->end) {
    case EXEC_OK: out->detail = NULL; return;
    case EXEC_EXIT:
        out->detail = arena_printf(a, "exit status %d%s%s", out->exit_status, out->errors.len ? ": " : "",
                                   last_words(a, out->errors));
        return;
    case EXEC_TRAP:
        out->trap = engine_trap_text(n->trap);
        out->detail = arena_printf(a, "the guest trapped: %s%s%s", out->trap, out->errors.len ? ": " : "",
                                   last_words(a, out->errors));
        return;
    case EXEC_INSTRUCTIONS:
        out->detail =
            arena_printf(a, "the guest used up its %s instructions", text_grouped(l->max_instructions, number));
        return;
    case EXEC_MEMORY:
        out->detail = arena_printf(a, "the guest needs more memory than its %" PRIu32 " MB", l->max_memory_mb);
        return;
    case EXEC_DEADLINE:
        out->detail = arena_printf(a, "the guest ran longer than its %" PRIu32 " seconds", l->max_seconds);
        return;
    case EXEC_OUTPUT:
        out->detail =
            arena_printf(a, "the guest wrote more than %s bytes of output", text_grouped(l->max_output, number));
        return;
    case EXEC_INVALID: (void)invalid(out, a, n->text); return;
    case EXEC_CRASH: out->detail = "the process that ran the guest died"; return;
    }
}

static enum exec_end classify(const struct job_answer *n, const struct meter_page *page) {
    bool refused = page->refused_memory;
    if (meter_page_exhausted(page) && n->end == ENGINE_TRAPPED)
        return EXEC_INSTRUCTIONS;
    if (n->output_full)
        return EXEC_OUTPUT;
    switch ((enum engine_end)n->end) {
    case ENGINE_RETURNED: return EXEC_OK;
    case ENGINE_EXITED: return refused ? EXEC_MEMORY : EXEC_EXIT;
    case ENGINE_TRAPPED: return refused ? EXEC_MEMORY : EXEC_TRAP;
    case ENGINE_REFUSED: return refused ? EXEC_MEMORY : EXEC_INVALID;
    case ENGINE_STALE: return EXEC_INVALID;
    }
    return EXEC_CRASH; // not an answer of ours
}

static void take_result(struct exec_result *out, enum process_read read, const struct job_answer *n,
                        const struct page *page, const struct exec_limits *l, struct arena *a) {
    struct meter_page seen = *page->at; // read once: the executor's copy may still change under a forged page
    out->end = read == PROCESS_LATE ? EXEC_DEADLINE : read == PROCESS_DIED ? EXEC_CRASH : classify(n, &seen);
    bool clean = out->end == EXEC_OK || out->end == EXEC_EXIT || out->end == EXEC_INSTRUCTIONS ||
                 (read == PROCESS_ANSWERED && (n->end == ENGINE_RETURNED || n->end == ENGINE_EXITED));
    out->instructions = meter_page_used(&seen, l->max_instructions, clean);
    uint64_t ceiling = (uint64_t)l->max_memory_mb << 20;
    out->peak_memory = seen.peak_memory < ceiling ? seen.peak_memory : ceiling;
    out->memory_refused = seen.refused_memory;
    out->exit_status = read == PROCESS_ANSWERED ? n->status : 0;
    set_end(out, a, l, n);
}

// `stale` becomes true when the code is of another engine: compile again.
static bool run(struct exec_pool *p, struct arena *a, const struct exec_request *r, enum wasm_kind kind, int code_fd,
                uint64_t code_len, bool *stale, struct exec_result *out, struct err *e) {
    struct process x;
    struct page page = {-1, NULL};
    SCOPED_WIPED_BUF(env, ENV_BYTES_MAX);
    struct job job = {.kind = JOB_RUN,
                      .component = kind == WASM_COMPONENT,
                      .memory_ceiling = (uint64_t)r->limits.max_memory_mb << 20,
                      .input_len = r->input.len,
                      .code_len = code_len,
                      .output_max = r->limits.max_output,
                      .errors_max = EXEC_STDERR_MAX};
    struct job_answer answer = {0};
    if (!put_env(&env, r, &job.env_count, e) || !process_take(p->processes, &x, e))
        return false;
    job.env_len = env.len;
    int input = -1;
    struct slice parts[] = {r->input, buf_slice(&env)};
    bool ok = page_new(&page, r->limits.max_instructions, e) && wire_memfd("input", parts, 2, &input, e) &&
              wire_send_job(x.sock, &job, (int[]){input, code_fd, page.fd, page.fd, page.fd}, e);
    if (ok) {
        uint64_t start = clock_mono_us();
        enum process_read read = process_answer(&x, &job, clock_mono_ms() + r->limits.max_seconds * 1000ull, a, &answer,
                                                &out->output, &out->errors);
        if (read == PROCESS_LATE)
            process_end(&x); // stopped before its counter is read
        out->run_us = read == PROCESS_ANSWERED ? answer.run_us : clock_mono_us() - start;
        *stale = read == PROCESS_ANSWERED && answer.end == ENGINE_STALE;
        take_result(out, read, &answer, &page, &r->limits, a);
    }
    process_end(&x);
    if (input >= 0)
        close(input);
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
    for (int attempt = 0; attempt < 2; attempt++) {
        int fd;
        uint64_t len;
        bool stale = false;
        if (!get_code(p, a, r, kind, &wasm, &fd, &len, out, e))
            return false;
        if (fd < 0)
            return true; // EXEC_INVALID
        bool ok = run(p, a, r, kind, fd, len, &stale, out, e);
        close(fd);
        if (!ok || !stale)
            return ok;
        code_cache_drop(p->cache, &wasm);
    }
    return err_set(e, ERR_INTERNAL, "code that was just compiled cannot be loaded");
}
