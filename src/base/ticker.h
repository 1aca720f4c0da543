// SPDX-License-Identifier: Apache-2.0
// A thread that does one thing now and then again and again, with a pause between.
#pragma once
#include "base/err.h"

struct ticker;
// `tick` is called at once, and every_ms after it has returned. It finds *out set.
[[nodiscard]] bool ticker_start(struct ticker **out, uint64_t every_ms, void (*tick)(void *ctx), void *ctx,
                                struct err *e);
// Within a tick that is long: waits so many ms, and less where the ticker is to end. false: it is, and the tick is to
// return.
[[nodiscard]] bool ticker_rest(struct ticker *t, uint64_t ms);
// Waits until a tick that is under way has returned. NULL is fine.
void ticker_stop(struct ticker *t);
