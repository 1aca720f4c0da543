// SPDX-License-Identifier: Apache-2.0
#include "executor/code.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/sync.h"
#include "executor/cache.h"
#include "executor/page.h"
#include "executor/refusals.h"
#include <inttypes.h>
#include <signal.h>
#include <sys/wait.h>

#define CODE_MAX (512ull << 20)

// Somebody compiles it.
struct under_way {
    struct hash wasm;
    struct under_way *next;
};

struct code_store {
    struct process_pool *processes;
    struct code_cache *cache;
    struct refusals *refusals;
    struct permits *permits;
    pthread_mutex_t lock; // guards the list
    pthread_cond_t ended; // one of the list is gone
    struct under_way *list;
};

bool code_store_new(struct code_store **out, const struct code_settings *c, struct err *e) {
    struct code_store *s = xcalloc(1, sizeof *s);
    s->processes = c->processes;
    s->refusals = refusals_new();
    s->permits = permits_new(c->compiles);
    pthread_mutex_init(&s->lock, NULL);
    cond_init(&s->ended);
    if (!code_cache_new(&s->cache, c->dir, c->max_bytes, e)) {
        code_store_free(s);
        return false;
    }
    *out = s;
    return true;
}

void code_store_free(struct code_store *s) {
    if (!s)
        return;
    code_cache_free(s->cache);
    refusals_free(s->refusals);
    permits_free(s->permits);
    pthread_mutex_destroy(&s->lock);
    pthread_cond_destroy(&s->ended);
    free(s);
}

// --- one compilation

struct compilation {
    struct code_store *store;
    struct arena *arena;
    const struct code_wanted *wanted;
    uint64_t budget_ms;
    struct slot_job job;
    struct job_answer answer;
    struct slice code;
    enum process_read read;
    struct process_fate fate;
    uint64_t us; // by our own clock
};

// false: it could not be asked to.
static bool ask_process(struct compilation *c, struct err *e) {
    struct process x;
    struct page page = PAGE_NONE;
    struct slice none;
    int fds[JOB_FDS] = {[JOB_FD_INPUT] = -1};
    if (!process_take(c->store->processes, &c->job, &c->wanted->patience, &x, e))
        return false;
    bool ok = page_new(&page, 0, e) && wire_memfd("module", &c->wanted->wasm, 1, &fds[JOB_FD_INPUT], e);
    for (int i = JOB_FD_INPUT + 1; i < JOB_FDS; i++)
        fds[i] = page.fd; // a compilation uses none of them
    c->read = PROCESS_UNBEGUN;
    c->us = 0;
    uint64_t sent = clock_mono_us(), start = 0, end = 0;
    if (ok && wire_send_job(x.sock, &c->job, fds, NULL)) {
        c->read = process_begun(&x, &c->wanted->patience);
        start = clock_mono_us();
        struct patience w = patience_within(&c->wanted->patience, c->budget_ms);
        if (c->read == PROCESS_ANSWERED)
            c->read = process_answer(&x, &c->job, &w, c->arena, &c->answer, &c->code, &none);
        end = clock_mono_us();
    }
    process_end(&x, &c->fate);
    if (start) {
        struct meter_page seen = *page.at;
        uint64_t us = page_time_us(&seen, sent, start, end);
        c->us = us ? us : 1; // begun microseconds
    }
    if (fds[JOB_FD_INPUT] >= 0)
        close(fds[JOB_FD_INPUT]);
    page_free(&page);
    return ok;
}

static void too_long(const struct compilation *c, struct refusal *out) {
    out->took_ms = c->budget_ms;
    if (c->budget_ms < CODE_COMPILE_MS_MAX)
        snprintf(out->why, sizeof out->why,
                 "it takes longer than the %.1f s that are left of what the request pays for; attach more to buy more",
                 (double)c->budget_ms / 1000);
    else
        snprintf(out->why, sizeof out->why, "it takes longer than %u s", CODE_COMPILE_MS_MAX / 1000);
}

// *again: nothing explains the death.
static void explain_death(const struct compilation *c, struct refusal *out, bool *again) {
    const struct process_fate *f = &c->fate;
    int number = f->known && WIFSIGNALED(f->status) ? WTERMSIG(f->status) : 0;
    *again = false;
    out->took_ms = UINT64_MAX;
    if (f->out_of_memory)
        snprintf(out->why, sizeof out->why, "it takes more memory than it may");
    else if (number == SIGABRT)
        snprintf(out->why, sizeof out->why,
                 "the compiler gave up on it (signal 6): it takes more memory than it may, or meets a limit of the "
                 "compiler");
    else if (number == SIGSYS)
        snprintf(out->why, sizeof out->why, "the compiler made a system call that no compilation may make");
    else {
        *again = true;
        if (number == SIGKILL || !f->known) // perhaps this machine's own trouble: says nothing of the next try
            out->took_ms = 0;
        snprintf(out->why, sizeof out->why, "the compiler died on it, twice (status %d)", f->status);
    }
}

enum step { STEP_DONE, STEP_REFUSED, STEP_AGAIN, STEP_FAILED };

static enum step try_once(struct compilation *c, struct refusal *n, struct err *e) {
    bool again = false;
    if (!ask_process(c, e))
        return STEP_FAILED;
    switch (c->read) {
    case PROCESS_UNBEGUN: err_set(e, ERR_UNAVAILABLE, "the processes that compile do not begin"); return STEP_AGAIN;
    case PROCESS_CANCELLED: patience_fail(&c->wanted->patience, "a compilation", e); return STEP_FAILED;
    case PROCESS_LATE:
        if (patience_over(&c->wanted->patience)) // not what is paid; says nothing of the next try
            snprintf(n->why, sizeof n->why, "the request's time on chain was used up before it was done");
        else
            too_long(c, n);
        return STEP_REFUSED;
    case PROCESS_DIED: explain_death(c, n, &again); return again ? STEP_AGAIN : STEP_REFUSED;
    case PROCESS_ANSWERED: break;
    }
    if (!c->answer.end)
        return STEP_DONE;
    n->invalid = true;
    n->took_ms = UINT64_MAX;
    snprintf(n->why, sizeof n->why, "%s", c->answer.text);
    return STEP_REFUSED;
}

static void refuse(struct code *out, struct arena *a, const struct refusal *n) {
    out->end = n->invalid ? CODE_INVALID : CODE_COSTLY;
    out->why = arena_strdup(a, n->why);
}

// A death that repeats itself was the module's doing both times, and is paid, up to what may be; what a second try
// shows to have been our own trouble is not.
static uint64_t both(uint64_t first_us, const struct compilation *second) {
    uint64_t sum = first_us + second->us, most = second->budget_ms * 1000;
    return sum < most ? sum : most > second->us ? most : second->us;
}

static bool compile(struct code_store *s, struct arena *a, const struct code_wanted *w, uint64_t budget_ms,
                    struct code *out, struct err *e) {
    struct compilation c = {.store = s, .wanted = w, .budget_ms = budget_ms};
    struct refusal n = {0};
    SCOPED_ARENA(bytes); // up to CODE_MAX: not for the rest of the request
    c.arena = bytes;
    c.job = (struct slot_job){
        .kind = JOB_COMPILE, .component = w->kind == WASM_COMPONENT, .input_len = w->wasm.len, .output_max = CODE_MAX};
    uint64_t first_us = 0;
    enum step step = try_once(&c, &n, e);
    if (step == STEP_AGAIN) {
        log_warn("a compilation is tried once more: %s", c.read == PROCESS_UNBEGUN ? e->msg : n.why);
        first_us = c.us;
        step = try_once(&c, &n, e);
    }
    out->compile_us = c.read == PROCESS_DIED ? both(first_us, &c) : c.us;
    if (step == STEP_FAILED || (step == STEP_AGAIN && c.read == PROCESS_UNBEGUN))
        return false;
    if (step != STEP_DONE) {
        refusals_keep(s->refusals, &w->hash, &n);
        refuse(out, a, &n);
        return true;
    }
    out->end = CODE_READY;
    out->len = c.code.len;
    return code_cache_put(s->cache, &w->hash, c.code, &out->fd, e);
}

// --- once at a time

static bool is_under_way(const struct code_store *s, const struct hash *wasm) {
    for (const struct under_way *u = s->list; u; u = u->next)
        if (hash_eq(&u->wasm, wasm))
            return true;
    return false;
}

static bool enter(struct code_store *s, struct under_way *u, const struct patience *w, struct err *e) {
    bool free = true;
    pthread_mutex_lock(&s->lock);
    while (is_under_way(s, &u->wasm) && (free = patience_wait(w, &s->ended, &s->lock)))
        ;
    if (free) {
        u->next = s->list;
        s->list = u;
    }
    pthread_mutex_unlock(&s->lock);
    return free || patience_fail(w, "another request's compilation of the same module", e);
}

static void leave(struct code_store *s, struct under_way *u) {
    pthread_mutex_lock(&s->lock);
    struct under_way **at = &s->list;
    while (*at != u)
        at = &(*at)->next;
    *at = u->next;
    pthread_cond_broadcast(&s->ended);
    pthread_mutex_unlock(&s->lock);
}

bool code_find(struct code_store *s, const struct hash *wasm, struct code *out) {
    *out = (struct code){.fd = -1};
    return code_cache_find(s->cache, wasm, &out->fd, &out->len);
}

bool code_get(struct code_store *s, struct arena *a, const struct code_wanted *w, struct code *out, struct err *e) {
    struct under_way me = {.wasm = w->hash};
    struct refusal n;
    uint64_t budget_ms = w->budget_ms < CODE_COMPILE_MS_MAX ? w->budget_ms : CODE_COMPILE_MS_MAX;
    if (code_find(s, &w->hash, out))
        return true;
    if (!enter(s, &me, &w->patience, e))
        return false;
    bool ok = true;
    if (code_cache_load(s->cache, &w->hash, &out->fd, &out->len)) // it may be there by now
        out->end = CODE_READY;
    else if (refusals_find(s->refusals, &w->hash, budget_ms, &n))
        refuse(out, a, &n);
    else if (permit_take(s->permits, &w->patience, e)) {
        ok = compile(s, a, w, budget_ms, out, e);
        permit_give(s->permits);
    } else
        ok = false;
    leave(s, &me);
    return ok;
}

void code_drop(struct code_store *s, const struct hash *wasm) { code_cache_drop(s->cache, wasm); }
