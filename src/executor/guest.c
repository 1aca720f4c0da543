// SPDX-License-Identifier: Apache-2.0
#include "executor/guest.h"

#include "base/clock.h"
#include "base/file.h"
#include "executor/way.h"
#include "executor/wire.h"
#include "sandbox/confine.h"
#include "sandbox/guards.h"
#include "sandbox/slot_keeper.h"
#include "wasm/engine.h"
#include "wasm/meter.h"
#include <fcntl.h>
#include <malloc.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>

#define CODE_MAX (512u << 20)
#define SETTLE_BYTES (64u << 10) // larger than what is kept by size, smaller than what is mapped by itself
#define ENV_MAX 1024
#define COMPILE_DATA (3ull << 30) // memory of a compilation
#define RUN_DATA (256ull << 20)   // of the engine, beside the guest's memory, its input and its output
#define COMPILE_CPU_S 600 // its four threads for as long as a compilation may take, and room: the clock ends it first

uint64_t guest_data(const struct slot_job *job) {
    if (job->kind == JOB_COMPILE)
        return COMPILE_DATA;
    return job->memory_ceiling + RUN_DATA + job->code_len * 2 + job->input_len * 2 + job->output_max * 4;
}

// Once the job is known: its memory, and less calls for a compilation. What holds for any job has been done before. No
// file is opened and no socket made: a guest's connections come as descriptors from the broker.
static bool confine_for(const struct slot_job *job, struct meter_page *page, struct err *e) {
    if (guard_on(GUARD_RLIMITS) && !confine_limit(RLIMIT_DATA, guest_data(job), e))
        return false;
    if (guard_on(GUARD_RLIMITS) && job->kind == JOB_COMPILE && !confine_limit(RLIMIT_CPU, COMPILE_CPU_S, e))
        return false;
    confine_guest_note(&page->forbidden_call);
    return job->kind == JOB_COMPILE ? confine_guest(CONFINE_COMPILE, e) : confine_guest_seal(e);
}

// The page that tells the asking side what became of the job, whatever becomes of this process.
static struct meter_page *map_page(int fd) {
    void *p = mmap(NULL, ENGINE_PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    return p == MAP_FAILED ? NULL : p;
}

static bool map(int fd, uint64_t len, struct slice *out, struct err *e) {
    *out = (struct slice){NULL, 0};
    if (!len)
        return true;
    void *p = mmap(NULL, len, PROT_READ, MAP_PRIVATE, fd, 0);
    if (p == MAP_FAILED)
        return err_errno(e, "cannot map a job's bytes");
    *out = slice_of(p, len);
    return true;
}

static bool answer(int sock, struct job_answer *a, struct slice output, struct slice errors) {
    a->output_len = output.len;
    a->errors_len = errors.len;
    return file_write_all(sock, slice_of(a, sizeof *a), NULL) && file_write_all(sock, output, NULL) &&
           file_write_all(sock, errors, NULL);
}

// Before this nothing of the guest's has been looked at; after it, nothing that happens is anybody's fault but its own.
static bool begin(int sock, struct err *e) {
    static const uint8_t word = JOB_BEGUN;
    return file_write_all(sock, slice_of(&word, 1), e);
}

// The run is decided once standard output is full: it ends here, in the middle of the guest's write.
struct overflow {
    int sock;
    const struct buf *errors;
    struct meter_page *page;
};
static void end_full(void *ctx) {
    const struct overflow *o = ctx;
    struct job_answer a = {.end = ENGINE_TRAPPED, .output_full = true};
    o->page->ended_us = clock_mono_us();
    _exit(answer(o->sock, &a, (struct slice){NULL, 0}, buf_slice(o->errors)) ? 0 : 1);
}

// Splits NAME NUL VALUE NUL … into two lists.
static bool split_env(struct slice env, const char **names, const char **values, uint32_t count) {
    for (uint32_t i = 0; i < 2 * count; i++) {
        const uint8_t *end = memchr(env.ptr, 0, env.len);
        if (!end)
            return false;
        *(i % 2 ? &values[i / 2] : &names[i / 2]) = (const char *)env.ptr;
        env = slice_skip(env, (size_t)(end - env.ptr) + 1);
    }
    return true;
}

static int run(struct engine *g, int sock, const struct slot_job *job, const int *fds, struct err *e) {
    struct slice bytes, code, roots = {NULL, 0};
    static const char *names[ENV_MAX], *values[ENV_MAX];
    struct meter_page *page = map_page(fds[JOB_FD_PAGE]);
    if (!page || !map(fds[JOB_FD_INPUT], job->input_len + job->env_len, &bytes, e) ||
        !map(fds[JOB_FD_CODE], job->code_len, &code, e) ||
        (job->may_connect && !map(fds[JOB_FD_ROOTS], job->roots_len, &roots, e)) || job->env_count > ENV_MAX ||
        !split_env(slice_skip(bytes, job->input_len), names, values, job->env_count))
        return 1;
    struct buf output = buf_init(job->output_max), errors = buf_init(job->errors_max);
    struct engine_run r = {.memory = {fds[JOB_FD_PAGE], page, job->memory_ceiling},
                           .code = code,
                           .kind = job->component ? WASM_COMPONENT : WASM_CORE,
                           .input = slice_of(bytes.ptr, job->input_len),
                           .names = names,
                           .values = values,
                           .env_count = job->env_count,
                           .output = &output,
                           .errors = &errors,
                           .overflow = end_full,
                           .roots = roots};
    struct engine_outcome outcome;
    r.overflow_ctx = &(struct overflow){sock, &errors, page};
    if (job->may_connect)
        way_give(&r, fds[JOB_FD_EGRESS], page);
    if (!confine_for(job, page, e) || !begin(sock, e))
        return 1;
    page->began_us = clock_mono_us();
    engine_run(g, &r, &outcome);
    page->ended_us = clock_mono_us();
    struct job_answer a = {
        .end = outcome.end, .status = outcome.status, .trap = outcome.trap, .output_full = output.full};
    memcpy(a.text, outcome.text, sizeof a.text);
    return answer(sock, &a, buf_slice(&output), buf_slice(&errors)) ? 0 : 1;
}

static bool compile_module(struct engine *g, struct slice wasm, enum wasm_kind kind, struct buf *code, struct err *e) {
    struct buf rewritten = buf_init(METER_MODULE_MAX * 4ul);
    return engine_validate(wasm, kind, e) && meter_rewrite(wasm, &meter_prices_outlayer, &rewritten, e) &&
           engine_compile(g, buf_slice(&rewritten), kind, code, e);
}

static int compile(struct engine *g, int sock, const struct slot_job *job, const int *fds, struct err *e) {
    struct slice wasm;
    struct buf code = buf_init(CODE_MAX);
    struct job_answer a = {0};
    struct meter_page *page = map_page(fds[JOB_FD_PAGE]);
    if (!page || !map(fds[JOB_FD_INPUT], job->input_len, &wasm, e) || !confine_for(job, page, e) || !begin(sock, e))
        return 1;
    page->began_us = clock_mono_us();
    bool ok = compile_module(g, wasm, job->component ? WASM_COMPONENT : WASM_CORE, &code, e);
    page->ended_us = clock_mono_us();
    if (ok)
        return answer(sock, &a, buf_slice(&code), (struct slice){NULL, 0}) ? 0 : 1;
    a.end = e->code ? e->code : ERR_INVALID;
    snprintf(a.text, sizeof a.text, "%.399s", e->msg);
    return answer(sock, &a, (struct slice){NULL, 0}, (struct slice){NULL, 0}) ? 0 : 1;
}

// One job; the exit status of its process.
static int serve(void *engine, int sock) {
    struct slot_job job;
    int fds[JOB_FDS];
    struct err e;
    if (!confine_guest(CONFINE_RUN, &e))
        return 1;
    if (!wire_receive_job(sock, &job, fds, &e))
        return e.code == ERR_UNAVAILABLE ? 0 : 1;
    int status = job.kind == JOB_RUN ? run(engine, sock, &job, fds, &e) : compile(engine, sock, &job, fds, &e);
    // No tidying up: the process ends, and with it everything that the guest may have touched.
    _exit(status);
}

// What the allocator puts off, it would do in each process anew, and with every free piece that it looks at there the
// kernel copies a page: the pieces are put together and sorted once, here.
static void settle_memory(void) {
    malloc_trim(0);
    void *volatile one = malloc(SETTLE_BYTES); // the compiler would leave out what nobody sees
    free(one);
}

int guest_keep(int sock) {
    struct engine *g;
    struct err e;
    // Everything that is ever loaded or opened is, here: what comes next has an empty root.
    if (!engine_new(&g, &e) || !confine_guest_prepare(&e))
        return 1;
    settle_memory();
    return slot_keep(sock, serve, g);
}
