// SPDX-License-Identifier: Apache-2.0
#include "egress/client.h"

#include "base/clock.h"
#include "base/sync.h"
#include <errno.h>
#include <poll.h>
#include <pthread.h>

#define GRACE_MS 2000 // the broker keeps the time; we only see to it that nobody waits for ever

struct waiter {
    uint32_t id;
    bool done;
    struct egress_answer answer;
    int fd;
    struct waiter *next;
};

struct egress_client {
    int sock;
    pthread_mutex_t lock; // guards what follows
    pthread_cond_t changed;
    struct waiter *waiters;
    uint32_t last_id;
    bool reading, broken; // one of those who wait reads for all
};

struct egress_client *egress_client_new(int sock) {
    struct egress_client *c = xcalloc(1, sizeof *c);
    c->sock = sock;
    pthread_mutex_init(&c->lock, NULL);
    cond_init(&c->changed);
    return c;
}

void egress_client_free(struct egress_client *c) {
    if (!c)
        return;
    close(c->sock);
    pthread_mutex_destroy(&c->lock);
    pthread_cond_destroy(&c->changed);
    free(c);
}

void egress_client_stop(struct egress_client *c) {
    pthread_mutex_lock(&c->lock);
    c->broken = true;
    (void)shutdown(c->sock, SHUT_RDWR); // wakes who reads
    pthread_cond_broadcast(&c->changed);
    pthread_mutex_unlock(&c->lock);
}

// Gives an answer to who waits for it. Nobody does any more: its descriptor is closed.
static void deliver(struct egress_client *c, const struct egress_answer *a, int fd) {
    for (struct waiter *w = c->waiters; w; w = w->next) {
        if (w->id != a->id || w->done)
            continue;
        w->done = true, w->answer = *a, w->fd = fd;
        return;
    }
    if (fd >= 0)
        close(fd);
}

// Waits for one message, without the lock, and delivers it, with it.
static void read_one(struct egress_client *c, int ms) {
    struct pollfd f = {c->sock, POLLIN, 0};
    char bytes[sizeof(struct egress_answer) + 1];
    struct egress_answer a;
    size_t len = 0;
    int fd = -1;
    c->reading = true;
    pthread_mutex_unlock(&c->lock);
    int ready = poll(&f, 1, ms);
    bool got = ready > 0 && egress_receive(c->sock, bytes, sizeof bytes, &len, &fd);
    bool gone = ready > 0 && ((!got && errno != EAGAIN) || (got && !egress_answer_valid(bytes, len, &a)));
    pthread_mutex_lock(&c->lock);
    c->reading = false;
    if (got && !gone)
        deliver(c, &a, fd);
    else if (fd >= 0)
        close(fd);
    c->broken = c->broken || gone;
    pthread_cond_broadcast(&c->changed);
}

static void await(struct egress_client *c, const struct waiter *w, uint64_t deadline_ms) {
    for (uint64_t now; !w->done && !c->broken && (now = clock_mono_ms()) < deadline_ms;) {
        if (c->reading)
            cond_wait_until(&c->changed, &c->lock, deadline_ms);
        else
            read_one(c, (int)(deadline_ms - now));
    }
}

static void leave(struct egress_client *c, struct waiter *w) {
    struct waiter **at = &c->waiters;
    while (*at != w)
        at = &(*at)->next;
    *at = w->next;
}

enum egress_end egress_ask(struct egress_client *c, const struct egress_question *q, struct address *address, int *fd) {
    struct egress_question mine = *q;
    *fd = -1;
    if (mine.timeout_ms > EGRESS_WAIT_MAX_MS)
        mine.timeout_ms = EGRESS_WAIT_MAX_MS;
    // The broker ends a client that sends what is not well formed. A guest's address may well be that.
    if (!mine.port)
        return EGRESS_PORT;
    if (!egress_question_valid(&mine, sizeof mine, &(struct egress_question){0}))
        return EGRESS_UNKNOWN_NAME;
    pthread_mutex_lock(&c->lock);
    struct waiter w = {.id = ++c->last_id, .fd = -1, .next = c->waiters};
    c->waiters = &w;
    mine.id = w.id;
    c->broken = c->broken || !egress_send(c->sock, &mine, sizeof mine, -1);
    await(c, &w, clock_mono_ms() + mine.timeout_ms + GRACE_MS);
    leave(c, &w);
    bool broken = c->broken;
    pthread_mutex_unlock(&c->lock);
    if (!w.done)
        return broken ? EGRESS_TROUBLE : EGRESS_NAME_LATE;
    if (w.answer.end != EGRESS_STARTED || w.fd < 0) {
        if (w.fd >= 0)
            close(w.fd);
        return w.answer.end == EGRESS_STARTED ? EGRESS_TROUBLE : (enum egress_end)w.answer.end;
    }
    *address = w.answer.address;
    *fd = w.fd;
    return EGRESS_STARTED;
}
