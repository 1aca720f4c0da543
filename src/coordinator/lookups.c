// SPDX-License-Identifier: Apache-2.0
#include "coordinator/lookups.h"

#include "base/sync.h"
#include "http/client_address.h"
#include <pthread.h>

struct question {
    char *repo, *ref, asker[CLIENT_MAX]; // repo NULL: a free place
    bool begun;
    uint64_t number; // in the order of asking
    struct http_request *waiting[LOOKUPS_WAITING / 8];
    size_t count;
};

struct branch_lookups {
    struct branch_lookups_config config;
    pthread_t threads[LOOKUPS_AT_WORK];
    size_t thread_count;
    pthread_mutex_t mutex; // for all below
    pthread_cond_t asked;
    bool stop;
    struct question at[LOOKUPS_MAX];
    size_t waiting;
    uint64_t next_number;
};

static void refuse_all(struct branch_lookups *l, struct question *q, const struct err *e) {
    for (size_t i = 0; i < q->count; i++)
        http_reply_err(q->waiting[i], e);
    l->waiting -= q->count;
    q->count = 0;
}

static void forget(struct question *q) {
    free(q->repo);
    free(q->ref);
    *q = (struct question){0};
}

static bool stopping(struct err *e) { return err_set(e, ERR_UNAVAILABLE, "the coordinator is stopping"); }

// --- at work

static bool is_served(const struct branch_lookups *l, const char *asker) {
    for (const struct question *q = l->at; q < l->at + LOOKUPS_MAX; q++)
        if (q->repo && q->begun && strcmp(q->asker, asker) == 0)
            return true;
    return false;
}

// The oldest question of somebody for whom no thread works yet: one with many slow repositories does not hold all.
static struct question *next(const struct branch_lookups *l) {
    const struct question *best = NULL;
    for (const struct question *q = l->at; q < l->at + LOOKUPS_MAX; q++)
        if (q->repo && !q->begun && (!best || q->number < best->number) && !is_served(l, q->asker))
            best = q;
    return (struct question *)best;
}

// Called with the mutex held, which is free meanwhile: the place is this thread's until it forgets the question.
static void answer(struct branch_lookups *l, struct question *q) {
    SCOPED_ARENA(a);
    const char *branch = NULL;
    struct err e;
    q->begun = true;
    pthread_mutex_unlock(&l->mutex);
    bool ok = l->config.find(l->config.ctx, a, q->repo, q->ref, &branch, &e);
    pthread_mutex_lock(&l->mutex);
    if (ok) { // replies never wait
        for (size_t i = 0; i < q->count; i++)
            l->config.answer(l->config.ctx, q->waiting[i], q->repo, q->ref, branch);
        l->waiting -= q->count;
    } else {
        refuse_all(l, q, &e);
    }
    forget(q);
}

static void *work(void *arg) {
    struct branch_lookups *l = arg;
    pthread_mutex_lock(&l->mutex);
    while (!l->stop) {
        struct question *q = next(l);
        if (q) {
            answer(l, q);
            pthread_cond_signal(&l->asked); // whose turn it was may have one more
        } else {
            pthread_cond_wait(&l->asked, &l->mutex);
        }
    }
    pthread_mutex_unlock(&l->mutex);
    return NULL;
}

bool branch_lookups_new(struct branch_lookups **out, const struct branch_lookups_config *config, struct err *e) {
    struct branch_lookups *l = xcalloc(1, sizeof *l);
    l->config = *config;
    pthread_mutex_init(&l->mutex, NULL);
    cond_init(&l->asked);
    for (; l->thread_count < LOOKUPS_AT_WORK; l->thread_count++) {
        if (pthread_create(&l->threads[l->thread_count], NULL, work, l) != 0) {
            branch_lookups_free(l);
            return err_set(e, ERR_INTERNAL, "cannot start a thread");
        }
    }
    *out = l;
    return true;
}

// --- asking

static bool too_many(struct err *e, enum err_code code, const char *what) {
    err_set(e, code, "%s", what);
    return err_hint(e, "ask again in a few seconds");
}

// The question's place, or one for it; NULL with *e when there is none.
static struct question *place_of(struct branch_lookups *l, const char *asker, const char *repo, const char *ref,
                                 struct err *e) {
    struct question *place = NULL;
    size_t of_one = 0;
    for (struct question *q = l->at; q < l->at + LOOKUPS_MAX; q++) {
        if (q->repo && strcmp(q->repo, repo) == 0 && strcmp(q->ref, ref) == 0) {
            if (!q->begun && is_served(l, q->asker)) // whoever joins need not wait for the first one's turn
                snprintf(q->asker, sizeof q->asker, "%s", asker);
            return q;
        }
        of_one += q->repo && strcmp(q->asker, asker) == 0;
        place = q->repo ? place : q;
    }
    if (of_one >= LOOKUPS_OF_ONE) {
        (void)too_many(e, ERR_TOO_MANY, "too many questions of yours wait for their repositories");
        return NULL;
    }
    if (!place) {
        (void)too_many(e, ERR_UNAVAILABLE, "too many questions wait for their repositories");
        return NULL;
    }
    *place = (struct question){.repo = xstrdup(repo), .ref = xstrdup(ref), .number = l->next_number++};
    snprintf(place->asker, sizeof place->asker, "%s", asker);
    return place;
}

void branch_lookups_ask(struct branch_lookups *l, struct http_request *r, const char *asker, const char *repo,
                        const char *ref) {
    struct err e;
    struct question *q = NULL;
    pthread_mutex_lock(&l->mutex);
    bool ok = !l->stop || stopping(&e);
    ok = ok && (l->waiting < LOOKUPS_WAITING || too_many(&e, ERR_UNAVAILABLE, "too many wait for repositories"));
    ok = ok && (q = place_of(l, asker, repo, ref, &e)) != NULL;
    ok = ok && (q->count < ARRAY_LEN(q->waiting) || too_many(&e, ERR_UNAVAILABLE, "too many wait for this answer"));
    if (ok) {
        q->waiting[q->count++] = r;
        l->waiting++;
        pthread_cond_signal(&l->asked);
    }
    pthread_mutex_unlock(&l->mutex);
    if (!ok)
        http_reply_err(r, &e);
}

void branch_lookups_stop(struct branch_lookups *l) {
    if (!l)
        return;
    struct err e;
    (void)stopping(&e);
    pthread_mutex_lock(&l->mutex);
    l->stop = true;
    for (struct question *q = l->at; q < l->at + LOOKUPS_MAX; q++)
        refuse_all(l, q, &e);
    pthread_cond_broadcast(&l->asked);
    pthread_mutex_unlock(&l->mutex);
    for (size_t i = 0; i < l->thread_count; i++)
        pthread_join(l->threads[i], NULL);
    l->thread_count = 0;
}

void branch_lookups_free(struct branch_lookups *l) {
    if (!l)
        return;
    branch_lookups_stop(l);
    for (struct question *q = l->at; q < l->at + LOOKUPS_MAX; q++)
        forget(q);
    pthread_mutex_destroy(&l->mutex);
    pthread_cond_destroy(&l->asked);
    free(l);
}
