// SPDX-License-Identifier: Apache-2.0
#include "redis/bell.h"

#include "base/clock.h"
#include "base/figures.h"
#include "base/log.h"
#include "base/sync.h"
#include "crypto/hash.h"
#include "redis/redis_internal.h"
#include "redis/redis_link.h"
#include <stdatomic.h>
#include <sys/eventfd.h>

#define SILENCE_MS 5000 // then the server is asked whether it is still there

struct bell {
    struct redis *redis; // borrowed
    bell_heard *heard;
    void *ctx;
    char channel[REDIS_NAME_LEN + 24];
    char id[REDIS_NAME_LEN + 1]; // ours, in front of every text
    int stop_fd;
    pthread_t thread;
    bool runs;
    _Atomic uint64_t rung, heard_count;
};

void bell_ring(struct bell *b, struct slice text) {
    char said[REDIS_NAME_LEN + BELL_TEXT_MAX];
    if (text.len > BELL_TEXT_MAX)
        return;
    memcpy(said, b->id, REDIS_NAME_LEN);
    memcpy(said + REDIS_NAME_LEN, text.ptr, text.len);
    const struct slice words[] = {SLICE_LIT("PUBLISH"), slice_str(b->channel),
                                  slice_of(said, REDIS_NAME_LEN + text.len)};
    if (redis_ask(b->redis, words, ARRAY_LEN(words), NULL, NULL))
        atomic_fetch_add(&b->rung, 1);
}

// --- hearing

static struct slice text_of(const redisReply *r) {
    return r->type == REDIS_REPLY_STRING || r->type == REDIS_REPLY_STATUS ? slice_of(r->str, r->len)
                                                                          : slice_of(NULL, 0);
}

bool bell_text(const redisReply *reply, struct slice *out) {
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 3 ||
        !slice_eq_str(text_of(reply->element[0]), "message"))
        return false;
    *out = text_of(reply->element[2]);
    return out->len >= REDIS_NAME_LEN && out->len <= REDIS_NAME_LEN + BELL_TEXT_MAX;
}

static void hear(struct bell *b, const redisReply *reply) {
    struct slice said;
    if (!bell_text(reply, &said) || memcmp(said.ptr, b->id, REDIS_NAME_LEN) == 0)
        return;
    atomic_fetch_add(&b->heard_count, 1);
    b->heard(b->ctx, slice_of(said.ptr + REDIS_NAME_LEN, said.len - REDIS_NAME_LEN));
}

static bool hear_next(struct bell *b, struct redis_link *l, uint64_t until_ms, struct err *e) {
    redisReply *reply;
    if (!redis_link_read(l, until_ms, &reply, e))
        return false;
    bool refused = reply->type == REDIS_REPLY_ERROR;
    hear(b, reply);
    freeReplyObject(reply);
    return !refused || err_set(e, ERR_UNAVAILABLE, "Redis: the server refuses to tell what happens");
}

static bool listen_to(struct bell *b, struct redis_link *l, struct err *e) {
    redis_link_put(l, 2, (const struct slice[]){SLICE_LIT("SUBSCRIBE"), slice_str(b->channel)});
    if (!hear_next(b, l, deadline_in(REDIS_ANSWER_MS), e))
        return false;
    b->heard(b->ctx, slice_of(NULL, 0));
    for (bool asked = false;;) {
        if (hear_next(b, l, deadline_in(asked ? REDIS_ANSWER_MS : SILENCE_MS), e)) {
            asked = false;
            continue;
        }
        if (asked || e->code != ERR_TIMEOUT)
            return false;
        redis_link_put(l, 1, (const struct slice[]){SLICE_LIT("PING")});
        asked = true;
    }
}

static void *keep(void *arg) {
    struct bell *b = arg;
    struct redis_link l;
    struct err e;
    redis_thread_init();
    for (uint64_t pause_ms = RECONNECT_MIN_MS; !event_is_raised(b->stop_fd);) {
        uint64_t began_ms = clock_mono_ms();
        if (redis_link_open(&l, redis_url_of(b->redis), b->stop_fd, deadline_in(REDIS_CONNECT_MS), &e)) {
            (void)!listen_to(b, &l, &e); // until the connection breaks
            redis_link_close(&l);
        }
        log_err(LOG_DEBUG, "the bell is not heard", &e); // whoever asks says it aloud
        pause_ms = reconnect_pause(b->stop_fd, began_ms, pause_ms);
    }
    return NULL;
}

// --- life

bool bell_new(struct bell **out, struct redis *redis, bell_heard *heard, void *ctx, struct err *e) {
    struct bell *b = xcalloc(1, sizeof *b);
    struct hash random;
    char hex[65];
    *b = (struct bell){.redis = redis, .heard = heard, .ctx = ctx, .stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    random_bytes(random.b, sizeof random.b);
    snprintf(b->id, sizeof b->id, "%s", hash_hex(&random, hex));
    snprintf(b->channel, sizeof b->channel, "outlayer:%s:wake", redis_name(redis));
    bool ok = b->stop_fd >= 0 || err_errno(e, "cannot make an eventfd");
    b->runs = ok && pthread_create(&b->thread, NULL, keep, b) == 0;
    if (b->runs) {
        *out = b;
        return true;
    }
    bell_free(b);
    return ok ? err_set(e, ERR_IO, "cannot start a thread") : false;
}

void bell_free(struct bell *b) {
    if (!b)
        return;
    event_raise(b->stop_fd);
    if (b->runs)
        pthread_join(b->thread, NULL);
    if (b->stop_fd >= 0)
        close(b->stop_fd);
    free(b);
}

void bell_figures(struct bell *b, struct buf *out) {
    figure_one(out, FIGURE_COUNTER, "outlayer_wakes_sent_total", "Times that other coordinators were told to look.",
               b->rung);
    figure_one(out, FIGURE_COUNTER, "outlayer_wakes_received_total", "Times that another coordinator told to look.",
               b->heard_count);
}
