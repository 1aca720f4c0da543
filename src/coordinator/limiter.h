// SPDX-License-Identifier: Apache-2.0
// How often somebody may ask: a bucket of tokens for each name (an address, an account), that fills with time. The
// table is of fixed size; the bucket that is fullest, which nobody needs, makes room. Safe for several threads.
#pragma once
#include "base/err.h"

#define LIMITER_NAMES 4096

struct limiter;
// `burst` questions at once, then `per_minute`.
struct limiter *limiter_new(unsigned burst, unsigned per_minute);
void limiter_free(struct limiter *l);
// Takes a token. ERR_TOO_MANY with the seconds to wait in *retry_s.
[[nodiscard]] bool limiter_take(struct limiter *l, const char *name, uint64_t now_ms, uint64_t *retry_s, struct err *e);
