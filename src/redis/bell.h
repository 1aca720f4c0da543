// SPDX-License-Identifier: Apache-2.0
// A bell that all coordinators of a database hear, each but the one that rings: a short text, told at once and kept
// nowhere. It may be lost, so it only ever means "look now" to somebody who looks from time to time anyway. Ringing
// goes over the connection of `redis`; a second one with a thread of its own hears.
#pragma once
#include "redis/redis.h"

#define BELL_TEXT_MAX 512

struct bell;
// text.ptr NULL: some may have been missed, as what hears was away. On the bell's thread; it shall not take long.
typedef void bell_heard(void *ctx, struct slice text);
// `redis` is borrowed, for as long as the bell is there.
[[nodiscard]] bool bell_new(struct bell **out, struct redis *redis, bell_heard *heard, void *ctx, struct err *e);
void bell_free(struct bell *b);                    // after it nothing is heard. NULL is fine
void bell_ring(struct bell *b, struct slice text); // at most BELL_TEXT_MAX; a longer one is not told. Never waits
void bell_figures(struct bell *b, struct buf *out);
