// SPDX-License-Identifier: Apache-2.0
#include "executor/pool.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/sync.h"
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>

#define SLOTS_MAX 256
#define TAKE_MS 30000     // until a slot is free and its process is there
#define PROCESSES_MAX 128 // of a slot, threads and the keeper included
#define LOOK_MS 100       // how often a flag that nobody signals is looked at
#define START_MS 20000    // until a process that is there has confined itself

struct process_pool {
    struct arena *arena;
    const char *program;
    const struct sandbox_offer *offer;
    pthread_mutex_t lock; // guards what follows; a slot that is busy belongs to whoever made it so
    pthread_cond_t freed;
    struct place {
        struct slot *slot; // NULL: to be opened (again)
        bool busy;
        uint64_t freed;    // when it came free, by `turn`
        uint64_t asked_ms; // its next process is waited for since then; 0: nobody has waited in vain
    } places[SLOTS_MAX];
    unsigned count; // places that have ever been used
    uint64_t turn;
};

static bool open_slot(struct process_pool *p, unsigned place, struct err *e) {
    bool own = p->offer->slot_uid != geteuid();
    struct slot_spec spec = {.program = p->program,
                             .degree = p->offer->degree,
                             .uid = p->offer->slot_uid + (own ? place : 0),
                             .processes = PROCESSES_MAX};
    _Static_assert(SLOTS_MAX <= SANDBOX_SLOT_UIDS, "each slot has a user of its own");
    return slot_open(&p->places[place].slot, &spec, e);
}

bool process_pool_new(struct process_pool **out, const char *program, unsigned ready, struct err *e) {
    struct process_pool *p = xcalloc(1, sizeof *p);
    p->arena = arena_new();
    p->program = arena_strdup(p->arena, program);
    p->offer = sandbox_probe(NULL);
    pthread_mutex_init(&p->lock, NULL);
    cond_init(&p->freed);
    bool ok = sandbox_require(p->offer, sandbox_degree_name(SANDBOX_PROCESS), e);
    if (ok && access(program, X_OK) != 0)
        ok = err_errno(e, "cannot start '%s'", program) ||
             err_hint(e, "outlayer-executor belongs beside the other programs");
    for (; ok && p->count < ready && p->count < SLOTS_MAX; p->count++)
        ok = open_slot(p, p->count, e);
    if (!ok) {
        process_pool_free(p);
        return false;
    }
    *out = p;
    return true;
}

void process_pool_free(struct process_pool *p) {
    if (!p)
        return;
    for (unsigned i = 0; i < p->count; i++)
        slot_close(p->places[i].slot);
    pthread_mutex_destroy(&p->lock);
    pthread_cond_destroy(&p->freed);
    arena_free(p->arena);
    free(p);
}

// The one that has been free for longest: its next process is most likely to be there.
static struct place *oldest_free(struct process_pool *p) {
    struct place *found = NULL;
    for (unsigned i = 0; i < p->count; i++)
        if (!p->places[i].busy && (!found || p->places[i].freed < found->freed))
            found = &p->places[i];
    return found;
}

// A place nobody has: of those in use, or one more. NULL: none came free in time.
static struct place *find_place(struct process_pool *p, const struct patience *w) {
    struct place *found = NULL;
    pthread_mutex_lock(&p->lock);
    for (bool more = true; !found && more;) {
        found = oldest_free(p);
        if (!found && p->count < SLOTS_MAX)
            found = &p->places[p->count++];
        more = found || patience_wait(w, &p->freed, &p->lock);
    }
    if (found)
        found->busy = true;
    pthread_mutex_unlock(&p->lock);
    return found;
}

static void free_place(struct process_pool *p, struct place *at) {
    pthread_mutex_lock(&p->lock);
    at->busy = false;
    at->freed = ++p->turn;
    pthread_cond_signal(&p->freed);
    pthread_mutex_unlock(&p->lock);
}

// The process of a slot; *keep where it is the caller's time that was over and the slot is as good as before: its next
// process is still to come. Not so where callers together have waited as long as anybody would.
static bool take_now(struct place *at, uint64_t memory, const struct patience *own, const struct patience *soon,
                     struct slot_process *out, bool *keep, struct err *e) {
    uint64_t start = clock_mono_ms();
    if (slot_take(at->slot, memory, soon->deadline_ms, soon->cancel, out, e)) {
        at->asked_ms = 0;
        return true;
    }
    if (!at->asked_ms)
        at->asked_ms = start;
    *keep = patience_over(own) && clock_mono_ms() - at->asked_ms < TAKE_MS;
    return false;
}

static void give_up_slot(struct place *at) {
    slot_close(at->slot);
    at->slot = NULL;
    at->asked_ms = 0;
}

// A keeper that has died, of whatever, is replaced once.
static bool take_from(struct process_pool *p, struct place *at, uint64_t memory, const struct patience *own,
                      const struct patience *soon, struct slot_process *out, struct err *e) {
    struct err why = {0};
    bool keep = false;
    if (at->slot && take_now(at, memory, own, soon, out, &keep, &why))
        return true;
    if (at->slot && !keep) {
        log_err(LOG_WARN, "a slot is made anew", &why);
        give_up_slot(at);
    }
    if (patience_over(soon))
        return patience_fail(soon, "an executor", e);
    if (!open_slot(p, (unsigned)(at - p->places), e))
        return false;
    if (take_now(at, memory, own, soon, out, &keep, e))
        return true;
    if (!keep)
        give_up_slot(at);
    return false;
}

bool process_take(struct process_pool *p, const struct slot_job *job, const struct patience *w, struct process *out,
                  struct err *e) {
    struct patience soon = patience_within(w, TAKE_MS);
    *out = PROCESS_NONE;
    struct place *at = find_place(p, &soon);
    struct slot_process x;
    if (!at)
        return patience_fail(&soon, "a slot for an executor", e);
    // The same bound as the process's own, and what that does not see: its input and its code are memory files of ours.
    if (!take_from(p, at, guest_data(job), w, &soon, &x, e)) {
        free_place(p, at);
        return err_wrap(e, "cannot have an executor");
    }
    *out = (struct process){x.pidfd, x.sock, p, at};
    return true;
}

void process_end(struct process *x, struct process_fate *fate) {
    struct slot_fate f = {0};
    struct place *at = x->place;
    if (at) {
        // After one that used up the memory the kernel may take a while to count it as free: the next would be ended
        // for what is not its own, so it gets a slot with a group of its own.
        if (!slot_finish(at->slot, &f) || f.out_of_memory)
            give_up_slot(at);
        free_place(x->pool, at);
    }
    if (fate)
        *fate = (struct process_fate){f.known, f.status, f.out_of_memory};
    *x = PROCESS_NONE;
}

// Reads exactly n bytes; a closed socket is a death.
static enum process_read read_exactly(const struct process *x, void *to, size_t n, const struct patience *w) {
    for (size_t got = 0; got < n;) {
        uint64_t left = patience_left(w);
        struct pollfd f = {x->sock, POLLIN, 0};
        if (!left)
            return patience_cancelled(w) ? PROCESS_CANCELLED : PROCESS_LATE;
        int rc = poll(&f, 1, left < LOOK_MS ? (int)left : LOOK_MS);
        if (rc == 0 || (rc < 0 && errno == EINTR))
            continue;
        ssize_t m = recv(x->sock, (uint8_t *)to + got, n - got, MSG_DONTWAIT);
        if (m < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (m <= 0)
            return PROCESS_DIED;
        got += (size_t)m;
    }
    return PROCESS_ANSWERED;
}

enum process_read process_begun(struct process *x, const struct patience *w) {
    struct patience start = patience_within(w, START_MS);
    uint8_t word;
    switch (read_exactly(x, &word, 1, &start)) {
    case PROCESS_ANSWERED: return word == JOB_BEGUN ? PROCESS_ANSWERED : PROCESS_UNBEGUN;
    case PROCESS_CANCELLED: return PROCESS_CANCELLED;
    case PROCESS_UNBEGUN:
    case PROCESS_DIED:
    case PROCESS_LATE: break;
    }
    return PROCESS_UNBEGUN;
}

enum process_read process_answer(struct process *x, const struct slot_job *job, const struct patience *w,
                                 struct arena *a, struct job_answer *answer, struct slice *output,
                                 struct slice *errors) {
    *output = *errors = (struct slice){NULL, 0};
    enum process_read r = read_exactly(x, answer, sizeof *answer, w);
    if (r != PROCESS_ANSWERED)
        return r;
    answer->text[sizeof answer->text - 1] = 0;
    if (answer->output_len > job->output_max || answer->errors_len > job->errors_max)
        return PROCESS_DIED; // not what our own code writes
    uint8_t *o = arena_alloc(a, answer->output_len + 1), *s = arena_alloc(a, answer->errors_len + 1);
    r = read_exactly(x, o, answer->output_len, w);
    if (r == PROCESS_ANSWERED)
        r = read_exactly(x, s, answer->errors_len, w);
    if (r == PROCESS_ANSWERED) {
        o[answer->output_len] = s[answer->errors_len] = 0;
        *output = slice_of(o, answer->output_len);
        *errors = slice_of(s, answer->errors_len);
    }
    return r;
}
