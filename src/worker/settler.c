// SPDX-License-Identifier: Apache-2.0
#include "worker/settler.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/sync.h"
#include <inttypes.h>
#include <pthread.h>

#define THREADS 16
#define UNDER_WAY_MAX 256 // answers whose fate is not known yet; more wait in the lease threads
#define STACK_BYTES (512u << 10)

struct settler {
    struct worker *worker;
    pthread_t threads[THREADS];
    size_t started, running;
    pthread_mutex_t lock; // guards what follows
    pthread_cond_t work, room;
    bool stop;
    struct submission *waiting, **last; // in order
    struct submission *active[THREADS];
    uint64_t since_ms[THREADS]; // of the active
    size_t count;               // waiting and active
};

static void set_request(const struct submission *s) { log_request_of(s->task.contract_id, s->task.request_id); }

static struct submission *take(struct settler *s, size_t slot) {
    pthread_mutex_lock(&s->lock);
    while (!s->stop && !s->waiting)
        pthread_cond_wait(&s->work, &s->lock);
    struct submission *sub = s->stop ? NULL : s->waiting;
    if (sub) {
        s->waiting = sub->next;
        if (!s->waiting)
            s->last = &s->waiting;
        s->active[slot] = sub;
        s->since_ms[slot] = clock_mono_ms();
    } else {
        s->running--;
        pthread_cond_broadcast(&s->room);
    }
    pthread_mutex_unlock(&s->lock);
    return sub;
}

static void finished(struct settler *s, size_t slot) {
    pthread_mutex_lock(&s->lock);
    s->active[slot] = NULL;
    s->count--;
    pthread_cond_broadcast(&s->room);
    pthread_mutex_unlock(&s->lock);
}

struct slot {
    struct settler *settler;
    size_t index;
};

static void *run(void *ctx) {
    struct slot slot = *(struct slot *)ctx;
    struct settler *s = slot.settler;
    free(ctx);
    for (struct submission *sub; (sub = take(s, slot.index));) {
        set_request(sub);
        settle_follow(s->worker, sub);
        held_drop(s->worker->held, sub->lease);
        finished(s, slot.index);
        submission_free(sub);
        log_request(NULL);
    }
    return NULL;
}

bool settler_start(struct settler **out, struct worker *w, struct err *e) {
    struct settler *s = xcalloc(1, sizeof *s);
    pthread_attr_t attr;
    s->worker = w;
    s->last = &s->waiting;
    pthread_mutex_init(&s->lock, NULL);
    cond_init(&s->work);
    cond_init(&s->room);
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK_BYTES);
    *out = s;
    bool ok = true;
    for (size_t i = 0; ok && i < THREADS; i++) {
        struct slot *slot = xcalloc(1, sizeof *slot);
        *slot = (struct slot){s, i};
        pthread_mutex_lock(&s->lock);
        s->running++;
        pthread_mutex_unlock(&s->lock);
        ok = pthread_create(&s->threads[i], &attr, run, slot) == 0;
        s->started += ok;
        if (!ok)
            free(slot);
    }
    pthread_attr_destroy(&attr);
    return ok || err_set(e, ERR_INTERNAL, "cannot start threads");
}

bool settler_stop(struct settler *s, uint64_t ms) {
    if (!s)
        return true;
    uint64_t end = deadline_in(ms);
    pthread_mutex_lock(&s->lock);
    s->stop = true;
    pthread_cond_broadcast(&s->work);
    pthread_cond_broadcast(&s->room);
    while (s->running && cond_wait_until(&s->room, &s->lock, end))
        ;
    bool ended = !s->running;
    pthread_mutex_unlock(&s->lock);
    if (!ended)
        return false;
    for (size_t i = 0; i < s->started; i++)
        pthread_join(s->threads[i], NULL);
    s->started = 0;
    return true;
}

void settler_free(struct settler *s) {
    if (!s)
        return;
    while (s->waiting) {
        struct submission *sub = s->waiting;
        s->waiting = sub->next;
        submission_free(sub);
    }
    pthread_cond_destroy(&s->work);
    pthread_cond_destroy(&s->room);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

// Nobody is free to send it now.
static bool is_busy(struct settler *s) {
    pthread_mutex_lock(&s->lock);
    bool busy = s->count >= THREADS;
    pthread_mutex_unlock(&s->lock);
    return busy;
}

// With the lock held.
static void append(struct settler *s, struct submission *sub) {
    s->count++;
    sub->next = NULL;
    *s->last = sub;
    s->last = &sub->next;
    pthread_cond_signal(&s->work);
}

void settler_add(struct settler *s, struct submission *sub) {
    if (is_busy(s))
        settle_push(s->worker, sub);
    pthread_mutex_lock(&s->lock);
    while (s->count >= UNDER_WAY_MAX && !s->stop)
        pthread_cond_wait(&s->room, &s->lock);
    append(s, sub);
    pthread_mutex_unlock(&s->lock);
}

void settler_look(struct settler *s, struct settler_state *out) {
    uint64_t now = clock_mono_ms();
    *out = (struct settler_state){0};
    pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < THREADS; i++) {
        out->followed += s->active[i] != NULL;
        out->stuck += s->active[i] && now - s->since_ms[i] > SETTLER_STUCK_MS;
    }
    out->waiting = s->count - out->followed;
    pthread_mutex_unlock(&s->lock);
}

static bool is_for(const struct submission *s, const char *contract_id, uint64_t request_id) {
    return s && s->task.request_id == request_id && strcmp(s->task.contract_id, contract_id) == 0;
}

bool settler_has(struct settler *s, const char *contract_id, uint64_t request_id) {
    bool has = false;
    pthread_mutex_lock(&s->lock);
    for (const struct submission *sub = s->waiting; sub && !has; sub = sub->next)
        has = is_for(sub, contract_id, request_id);
    for (size_t i = 0; i < THREADS && !has; i++)
        has = is_for(s->active[i], contract_id, request_id);
    pthread_mutex_unlock(&s->lock);
    return has;
}

// --- an earlier life

static struct submission *submission_of(const struct journal_entry *n, struct arena *a, json_t *report) {
    struct task t = {.contract_id = n->contract_id,
                     .request_id = n->request_id,
                     .data_id = n->data_id,
                     .sender_id = n->sender_id,
                     .repo = n->repo,
                     .ref = n->ref,
                     .target = n->target,
                     .context = {.has_height = n->has_height,
                                 .block_height = n->block_height,
                                 .transaction_hash = n->request_transaction,
                                 .signer_id = n->request_signer}};
    struct submission *s = submission_new(&t, NULL, n->token, NULL, report);
    (void)a;
    s->entry = *n;
    s->entry.contract_id = s->task.contract_id;
    s->entry.token = s->token;
    s->entry.sender_id = s->task.sender_id;
    s->entry.repo = s->task.repo;
    s->entry.ref = s->task.ref;
    s->entry.target = s->task.target;
    s->entry.request_transaction = s->task.context.transaction_hash;
    s->entry.request_signer = s->task.context.signer_id;
    s->entry.signer_id = arena_strdup(s->arena, n->signer_id);
    s->entry.public_key = arena_strdup(s->arena, n->public_key);
    s->entry.bytes = arena_copy(s->arena, n->bytes);
    s->entry.report = report;
    return s;
}

bool settler_recover(struct settler *s, struct err *e) {
    SCOPED_ARENA(a);
    const char **paths;
    size_t count;
    if (!journal_list(s->worker->set.pending_dir, a, &paths, &count, e))
        return false;
    for (size_t i = 0; i < count; i++) {
        struct journal_entry entry;
        struct err bad;
        json_t *report;
        if (!journal_read(&entry, &report, a, paths[i], &bad)) {
            // Of a machine that lost its power: the lease has run out, and whoever gets the next one asks the chain.
            log_err(LOG_WARN, "an entry of the journal is dropped", &bad);
            unlink(paths[i]);
            continue;
        }
        log_request_of(entry.contract_id, entry.request_id);
        log_info("recovering request=%" PRIu64 " transaction=%s", entry.request_id, entry.hash);
        log_request(NULL);
        sender_skip_nonce(s->worker->sender, entry.nonce);
        struct submission *sub = submission_of(&entry, a, report);
        pthread_mutex_lock(&s->lock);
        append(s, sub); // all at once: a start waits for no settler, and for no server
        pthread_mutex_unlock(&s->lock);
    }
    return true;
}
