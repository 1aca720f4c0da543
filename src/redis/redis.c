// SPDX-License-Identifier: Apache-2.0
#include "redis/redis.h"

#include "base/clock.h"
#include "base/figures.h"
#include "base/log.h"
#include "base/sync.h"
#include "redis/redis_internal.h"
#include "redis/redis_link.h"
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/eventfd.h>

#define AT_ONCE 64   // commands that are under way
#define PING_MS 1000 // of a connection that nobody uses

struct ask {
    struct ask *next;
    redis_answered *done;
    void *ctx;
    size_t count, bytes;
    struct slice words[REDIS_WORDS_MAX]; // into what follows
    uint8_t text[];
};

struct redis {
    struct redis_url url;
    char name[REDIS_NAME_LEN + 1];
    pthread_t thread;
    bool runs;
    int stop_fd, asked_fd;
    pthread_mutex_t mutex; // over what follows
    struct ask *first, *last;
    size_t waiting;
    bool connected;
    atomic_uint_fast64_t since_ms; // since when answers are waited for; 0: none is
    atomic_uint_fast64_t connections, lost, refused, unasked;
};

const struct redis_url *redis_url_of(const struct redis *r) { return &r->url; }

const char *redis_name(const struct redis *r) { return r->name; }

bool redis_up(struct redis *r) {
    pthread_mutex_lock(&r->mutex);
    bool connected = r->connected;
    pthread_mutex_unlock(&r->mutex);
    uint64_t since = atomic_load(&r->since_ms);
    return connected && (!since || clock_mono_ms() < since + REDIS_LATE_MS);
}

// --- questions

static struct ask *ask_new(const struct slice *words, size_t count) {
    size_t bytes = 0, at = 0;
    BUG_ON(count > REDIS_WORDS_MAX);
    for (size_t i = 0; i < count; i++)
        bytes += words[i].len;
    BUG_ON(bytes > REDIS_ASK_BYTES_MAX);
    struct ask *a = xmalloc(sizeof *a + bytes);
    *a = (struct ask){.count = count, .bytes = bytes};
    for (size_t i = 0; i < count; i++) {
        memcpy(a->text + at, words[i].ptr, words[i].len);
        a->words[i] = slice_of(a->text + at, words[i].len);
        at += words[i].len;
    }
    return a;
}

bool redis_ask(struct redis *r, const struct slice *words, size_t count, redis_answered *done, void *ctx) {
    struct ask *a = ask_new(words, count);
    a->done = done;
    a->ctx = ctx;
    pthread_mutex_lock(&r->mutex);
    bool taken = r->connected && r->waiting < REDIS_ASKS_MAX, first = !r->first;
    if (taken) {
        *(r->last ? &r->last->next : &r->first) = a;
        r->last = a;
        r->waiting++;
    }
    pthread_mutex_unlock(&r->mutex);
    if (!taken) {
        atomic_fetch_add(&r->unasked, 1);
        free(a);
    } else if (first) {
        event_raise(r->asked_fd);
    }
    return taken;
}

static size_t take_asks(struct redis *r, struct ask **out) {
    size_t n = 0;
    pthread_mutex_lock(&r->mutex);
    while (n < AT_ONCE && r->first) {
        out[n] = r->first;
        r->first = out[n++]->next;
        r->waiting--;
    }
    r->last = r->first ? r->last : NULL;
    pthread_mutex_unlock(&r->mutex);
    return n;
}

static void answer(struct ask *a, const struct redis_answer *with) {
    if (a->done)
        a->done(a->ctx, with);
    free(a);
}

static void answer_none(struct redis *r, struct ask **asks, size_t n) {
    atomic_fetch_add(&r->unasked, n);
    for (size_t i = 0; i < n; i++)
        answer(asks[i], NULL);
}

// --- answers

void redis_answer_read(struct redis_answer *out, const redisReply *reply) {
    *out = (struct redis_answer){.refused = reply->type == REDIS_REPLY_ERROR};
    if (reply->type == REDIS_REPLY_INTEGER)
        out->numbers[out->count++] = reply->integer;
    for (size_t i = 0; reply->type == REDIS_REPLY_ARRAY && i < reply->elements && out->count < REDIS_NUMBERS_MAX; i++) {
        if (reply->element[i]->type != REDIS_REPLY_INTEGER)
            return;
        out->numbers[out->count++] = reply->element[i]->integer;
    }
}

static bool read_answer(struct redis *r, struct redis_link *l, uint64_t until_ms, struct redis_answer *out,
                        struct err *e) {
    redisReply *reply;
    if (!redis_link_read(l, until_ms, &reply, e))
        return false;
    redis_answer_read(out, reply);
    freeReplyObject(reply);
    atomic_fetch_add(&r->refused, out->refused);
    return true;
}

// What nobody asked for would be taken for the answer to the next question.
static bool nothing_is_left(const struct redis_link *l, struct err *e) {
    return l->c->reader->len == l->c->reader->pos || err_set(e, ERR_UNAVAILABLE, "Redis: an answer to no question");
}

// Sends some of what waits, and reads all answers to it. false: the connection is of no use any more.
static bool serve(struct redis *r, struct redis_link *l, struct err *e) {
    struct ask *asks[AT_ONCE];
    struct redis_answer a;
    size_t n = take_asks(r, asks), i = 0;
    uint64_t until_ms = deadline_in(REDIS_ANSWER_MS);
    for (size_t k = 0; k < n; k++)
        redis_link_put(l, asks[k]->count, asks[k]->words);
    for (; i < n && read_answer(r, l, until_ms, &a, e); i++)
        answer(asks[i], &a);
    answer_none(r, asks + i, n - i);
    return i == n && nothing_is_left(l, e);
}

static bool ping(struct redis *r, struct redis_link *l, struct err *e) {
    struct redis_answer a;
    redis_link_put(l, 1, (const struct slice[]){SLICE_LIT("PING")});
    return read_answer(r, l, deadline_in(REDIS_ANSWER_MS), &a, e) && nothing_is_left(l, e);
}

// --- the thread

static bool has_asks(struct redis *r) {
    pthread_mutex_lock(&r->mutex);
    bool has = r->first;
    pthread_mutex_unlock(&r->mutex);
    return has;
}

// Waits until something is asked, the server closes the connection, or a while has passed.
static void wait_for_asks(const struct redis *r, const struct redis_link *l) {
    struct pollfd fds[] = {{.fd = r->asked_fd, .events = POLLIN},
                           {.fd = r->stop_fd, .events = POLLIN},
                           {.fd = l->c->fd, .events = POLLIN}};
    poll(fds, ARRAY_LEN(fds), PING_MS);
    event_clear(r->asked_fd);
}

static bool serve_while_it_lasts(struct redis *r, struct redis_link *l, struct err *e) {
    for (bool ok = true; ok && !event_is_raised(r->stop_fd);) {
        wait_for_asks(r, l);
        do {
            atomic_store(&r->since_ms, clock_mono_ms());
            ok = has_asks(r) ? serve(r, l, e) : ping(r, l, e);
            atomic_store(&r->since_ms, 0);
        } while (ok && has_asks(r));
        if (!ok)
            return false;
    }
    return true;
}

static void set_connected(struct redis *r, bool connected) {
    struct ask *asks[AT_ONCE];
    pthread_mutex_lock(&r->mutex);
    r->connected = connected;
    pthread_mutex_unlock(&r->mutex);
    for (size_t n = 1; !connected && n;) {
        n = take_asks(r, asks);
        answer_none(r, asks, n);
    }
}

static bool use(struct redis *r, bool *said, struct err *e) {
    struct redis_link l;
    if (!redis_link_open(&l, &r->url, r->stop_fd, deadline_in(REDIS_CONNECT_MS), e))
        return false;
    atomic_fetch_add(&r->connections, 1);
    set_connected(r, true);
    log_info(*said ? "Redis is there again" : "Redis is there");
    *said = false;
    bool ok = serve_while_it_lasts(r, &l, e);
    set_connected(r, false);
    redis_link_close(&l);
    return ok;
}

static void *keep(void *arg) {
    struct redis *r = arg;
    struct err e;
    bool said = false;
    redis_thread_init();
    for (uint64_t pause_ms = RECONNECT_MIN_MS; !event_is_raised(r->stop_fd);) {
        uint64_t began_ms = clock_mono_ms();
        if (use(r, &said, &e) || event_is_raised(r->stop_fd))
            break;
        atomic_fetch_add(&r->lost, 1);
        if (!said)
            log_err(LOG_WARN, "nothing is told or counted through Redis", &e);
        said = true;
        pause_ms = reconnect_pause(r->stop_fd, began_ms, pause_ms);
    }
    return NULL;
}

// --- life

bool redis_open(struct redis **out, const struct redis_config *config, struct err *e) {
    struct redis *r = xcalloc(1, sizeof *r);
    r->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    r->asked_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pthread_mutex_init(&r->mutex, NULL);
    snprintf(r->name, sizeof r->name, "%s", config->name);
    bool ok = redis_url_parse(&r->url, config->url, e) &&
              ((r->stop_fd >= 0 && r->asked_fd >= 0) || err_errno(e, "cannot make an eventfd"));
    r->runs = ok && pthread_create(&r->thread, NULL, keep, r) == 0;
    if (ok && !r->runs)
        ok = err_set(e, ERR_IO, "cannot start a thread");
    if (ok)
        *out = r;
    else
        redis_free(r);
    return ok;
}

void redis_free(struct redis *r) {
    if (!r)
        return;
    event_raise(r->stop_fd);
    if (r->runs)
        pthread_join(r->thread, NULL);
    redis_url_release(&r->url);
    for (int *fd = (int[]){r->stop_fd, r->asked_fd, -2}; *fd != -2; fd++)
        if (*fd >= 0)
            close(*fd);
    pthread_mutex_destroy(&r->mutex);
    free(r);
}

void redis_figures(struct redis *r, struct buf *out) {
    figure_one(out, FIGURE_GAUGE, "outlayer_redis_up", "Whether Redis answers in time.", redis_up(r));
    figure_one(out, FIGURE_COUNTER, "outlayer_redis_connections_total", "Connections to Redis that were made.",
               r->connections);
    figure_one(out, FIGURE_COUNTER, "outlayer_redis_lost_total",
               "Connections to Redis that broke or could not be made.", r->lost);
    figure_one(out, FIGURE_COUNTER, "outlayer_redis_refused_total", "Commands that Redis refused.", r->refused);
    figure_one(out, FIGURE_COUNTER, "outlayer_redis_unasked_total", "Commands that Redis did not answer or never got.",
               r->unasked);
}
