// SPDX-License-Identifier: Apache-2.0
// A thread that does one thing now and then again and again, with a pause between.
#pragma once
#include "base/err.h"

struct ticker;
// `tick` is called at once, and every_ms after it has returned.
[[nodiscard]] bool ticker_start(struct ticker **out, uint64_t every_ms, void (*tick)(void *ctx), void *ctx,
                                struct err *e);
// Waits until a tick that is under way has returned. NULL is fine.
void ticker_stop(struct ticker *t);
