// SPDX-License-Identifier: Apache-2.0
#include "coordinator/readers.h"

#include "base/clock.h"
#include "crypto/hash.h"
#include "http/tags.h"
#include "queue/database.h"
#include <pthread.h>

#define QUEUE_MAX 512

struct readers {
    struct deferred *open, *own, *probes;
    pthread_mutex_t mutex; // over the next
    struct db *idle[READERS_MAX];
    size_t idle_count;
};

bool readers_new(struct readers **out, unsigned count, const char *home, const char *database_url,
                 const struct db_keep *keep, struct err *e) {
    struct readers *all = xcalloc(1, sizeof *all);
    bool ok = true;
    struct db_keep own = *keep;
    own.pages_by_index = true;
    BUG_ON(count < 2 || count > READERS_MAX);
    pthread_mutex_init(&all->mutex, NULL);
    while (ok && all->idle_count < count) {
        ok = database_open_as(&all->idle[all->idle_count], home, database_url, &own, e);
        all->idle_count += ok;
    }
    if (!ok) {
        readers_free(all);
        return false;
    }
    all->open = deferred_new(count / 2, QUEUE_MAX);
    all->own = deferred_new(count - count / 2, QUEUE_MAX);
    all->probes = deferred_new(1, QUEUE_MAX);
    *out = all;
    return true;
}

void readers_run(struct readers *all, struct http_request *r, bool own, http_handler handler, void *ctx) {
    deferred_run(own ? all->own : all->open, r, handler, ctx);
}

void readers_probe(struct readers *all, struct http_request *r, http_handler handler, void *ctx) {
    deferred_run(all->probes, r, handler, ctx);
}

void readers_stop(struct readers *all) {
    if (!all)
        return;
    deferred_stop(all->open);
    deferred_stop(all->own);
    deferred_stop(all->probes);
}

void readers_free(struct readers *all) {
    if (!all)
        return;
    deferred_free(all->open);
    deferred_free(all->own);
    deferred_free(all->probes);
    for (size_t i = 0; i < all->idle_count; i++)
        db_close(all->idle[i]);
    pthread_mutex_destroy(&all->mutex);
    free(all);
}

struct db *readers_take(struct readers *all) {
    pthread_mutex_lock(&all->mutex);
    BUG_ON(!all->idle_count); // there are as many as threads
    struct db *db = all->idle[--all->idle_count];
    pthread_mutex_unlock(&all->mutex);
    return db;
}

void readers_put(struct readers *all, struct db *db) {
    pthread_mutex_lock(&all->mutex);
    all->idle[all->idle_count++] = db;
    pthread_mutex_unlock(&all->mutex);
}

// --- what is kept --------------------------------------------------------------------------------------------------

#define KEPT_MAX 64
#define KEPT_BYTES_MAX (4u << 20)      // of one; larger ones are made anew each time
#define KEPT_ALL_BYTES_MAX (16u << 20) // of all, also of those that nobody asks for any more

#define TAG_MAX 40
struct kept {
    char key[KEPT_KEY_MAX]; // "": none
    char *text;             // NULL: none
    char tag[TAG_MAX];
    size_t len;
    uint64_t fresh_until_ms, until_ms;
};
struct kept_answers {
    pthread_mutex_t mutex; // over all
    size_t bytes;
    struct kept at[KEPT_MAX];
};

struct kept_answers *kept_answers_new(void) {
    struct kept_answers *k = xcalloc(1, sizeof *k);
    pthread_mutex_init(&k->mutex, NULL);
    return k;
}

void kept_answers_free(struct kept_answers *k) {
    if (!k)
        return;
    for (size_t i = 0; i < KEPT_MAX; i++)
        free(k->at[i].text);
    pthread_mutex_destroy(&k->mutex);
    free(k);
}

// The place of `key`, or the one that ends first, to be its own.
static struct kept *place_of(struct kept_answers *k, const char *key) {
    struct kept *best = k->at;
    for (struct kept *x = k->at; x < k->at + KEPT_MAX; x++) {
        if (strcmp(x->key, key) == 0)
            return x;
        if (x->until_ms < best->until_ms)
            best = x;
    }
    return best;
}

static void forget(struct kept_answers *k, struct kept *x) {
    k->bytes -= x->len;
    free(x->text);
    *x = (struct kept){0};
}

// Drops what is over, and then what ends first, until `len` bytes more have room.
static void make_room(struct kept_answers *k, size_t len) {
    uint64_t now = clock_mono_ms();
    for (struct kept *x = k->at; x < k->at + KEPT_MAX; x++)
        if (x->until_ms <= now)
            forget(k, x);
    while (k->bytes + len > KEPT_ALL_BYTES_MAX) {
        struct kept *first = NULL;
        for (struct kept *x = k->at; x < k->at + KEPT_MAX; x++)
            if (x->text && (!first || x->until_ms < first->until_ms))
                first = x;
        forget(k, first);
    }
}

static void reply(struct http_request *r, struct slice json, const char *tag) {
    http_add_header(r, "Cache-Control", "public, max-age=1");
    http_add_header(r, "ETag", tag);
    if (http_has_tag(r, tag))
        http_reply_empty(r, 304);
    else
        http_reply(r, 200, "application/json; charset=utf-8", json);
}

static void tag_of(struct slice json, char out[static TAG_MAX]) {
    struct hash hash = sha256(json);
    char hex[65];
    snprintf(out, TAG_MAX, "\"%.32s\"", hash_hex(&hash, hex));
}

void public_reply(struct http_request *r, struct slice json) {
    char tag[TAG_MAX];
    tag_of(json, tag);
    reply(r, json, tag);
}

bool kept_answers_reply(struct kept_answers *k, struct http_request *r, const char *key) {
    uint64_t now = clock_mono_ms();
    pthread_mutex_lock(&k->mutex);
    struct kept *x = place_of(k, key);
    bool there = strcmp(x->key, key) == 0 && x->until_ms > now;
    if (there && x->fresh_until_ms <= now) {
        x->fresh_until_ms = x->until_ms; // one makes the next
        there = false;
    }
    if (there)
        reply(r, slice_of(x->text, x->len), x->tag);
    pthread_mutex_unlock(&k->mutex);
    return there;
}

void kept_answers_put(struct kept_answers *k, struct http_request *r, const char *key, struct slice json) {
    char tag[TAG_MAX];
    tag_of(json, tag);
    if (json.len <= KEPT_BYTES_MAX && strlen(key) < KEPT_KEY_MAX) {
        char *text = xcalloc(1, json.len + 1);
        memcpy(text, json.ptr, json.len);
        uint64_t now = clock_mono_ms();
        pthread_mutex_lock(&k->mutex);
        make_room(k, json.len);
        struct kept *x = place_of(k, key);
        forget(k, x);
        *x = (struct kept){.text = text,
                           .len = json.len,
                           .fresh_until_ms = now + ANSWER_KEPT_MS,
                           .until_ms = now + 2 * ANSWER_KEPT_MS};
        snprintf(x->key, sizeof x->key, "%s", key);
        memcpy(x->tag, tag, sizeof x->tag);
        k->bytes += json.len;
        pthread_mutex_unlock(&k->mutex);
    }
    reply(r, json, tag);
}
