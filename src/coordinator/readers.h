// SPDX-License-Identifier: Apache-2.0
// Reads that may take a while (the database, a file) run here and not on the threads that confirm leases: on a few
// threads for the public, and on as many others for whoever has a token. Each has a connection of its own. What does
// not fit into their queues is answered 503.
#pragma once
#include "http/deferred.h"
#include "store/db.h"

#define READERS_MAX 64
#define READERS_DEFAULT 8
struct readers;
// `count` threads in all, from 2 to READERS_MAX.
[[nodiscard]] bool readers_new(struct readers **out, unsigned count, const char *home, const char *database_url,
                               const struct db_keep *keep, struct err *e);
void readers_run(struct readers *all, struct http_request *r, bool own, http_handler handler, void *ctx);
// On one thread that does nothing else: for questions whether all is well. The handler has no connection of these.
void readers_probe(struct readers *all, struct http_request *r, http_handler handler, void *ctx);
void readers_stop(struct readers *all); // before the server's stop. NULL is fine, also for the next
void readers_free(struct readers *all); // after it

// For handlers that run here: one of the connections, which is theirs until they put it back. Never waits.
struct db *readers_take(struct readers *all);
void readers_put(struct readers *all, struct db *db);

// Replies with JSON that anybody may have, and its tag: whoever shows the tag (If-None-Match) is told 304 without it.
void public_reply(struct http_request *r, struct slice json);

// Answers that may be a second old, by what was asked: everybody who asks the same meanwhile gets the same text. How
// many there are, and their bytes, is bounded: those that end first make room.
#define ANSWER_KEPT_MS 1000
#define KEPT_KEY_MAX 512
struct kept_answers;
struct kept_answers *kept_answers_new(void);
void kept_answers_free(struct kept_answers *k); // NULL is fine
// Replies with the answer to `key` if there is one. Where it is older than ANSWER_KEPT_MS, the first who asks is told
// false once, and makes a new one: meanwhile, ANSWER_KEPT_MS more at most, the others get the old one.
bool kept_answers_reply(struct kept_answers *k, struct http_request *r, const char *key);
// Replies with it, JSON, and keeps it.
void kept_answers_put(struct kept_answers *k, struct http_request *r, const char *key, struct slice json);
