// SPDX-License-Identifier: Apache-2.0
// What the two threads that talk with Redis have in common: the one that asks (redis.c), and the one that hears
// (bell.c).
#pragma once
#include "redis/redis.h"
#include <hiredis/hiredis.h>

#define REDIS_WORDS_MAX 16
#define REDIS_CONNECT_MS 2000
#define REDIS_ANSWER_MS 1000
#define RECONNECT_MIN_MS 20
#define RECONNECT_MAX_MS 2000

const struct redis_url *redis_url_of(const struct redis *r);
void redis_answer_read(struct redis_answer *out, const redisReply *reply);

// Events that threads wait for beside a connection.
void event_raise(int fd);
void event_clear(int fd);
bool event_is_raised(int fd);

// For each thread that writes to a server: one that has gone away is an error, not a signal.
void redis_thread_init(void);
// Lets pause_ms pass, unless stop_fd is raised; gives the next pause. A connection that lasted, which was begun at
// began_ms, is made anew sooner.
uint64_t reconnect_pause(int stop_fd, uint64_t began_ms, uint64_t pause_ms);

// The text that another one rang with, and who it was in front of it. false: it is something else.
bool bell_text(const redisReply *reply, struct slice *out);
