// SPDX-License-Identifier: Apache-2.0
// How long a caller is ready to wait, handed down to whatever waits for others; and permits, of which there are so many
// at a time. Safe for several threads.
#pragma once
#include "base/err.h"
#include <pthread.h>
#include <stdatomic.h>

struct patience {
    uint64_t deadline_ms;      // clock_mono_ms(); 0: no end
    const atomic_bool *cancel; // once true, the wait ends within 100 ms; NULL: nobody cancels
};
bool patience_cancelled(const struct patience *p);
bool patience_over(const struct patience *p);     // cancelled, or its time is up
uint64_t patience_left(const struct patience *p); // ms, UINT64_MAX without an end; 0 once over
// The same patience with an end that is at most `ms` from now.
struct patience patience_within(const struct patience *p, uint64_t ms);
// Sets ERR_UNAVAILABLE (cancelled) or ERR_TIMEOUT ("waiting for WHAT took too long"); returns false.
bool patience_fail(const struct patience *p, const char *what, struct err *e);

// As cond_wait_until of base/sync.h; false once the patience is over. May return early.
bool patience_wait(const struct patience *p, pthread_cond_t *c, pthread_mutex_t *m);

// Lets so many milliseconds pass; false: the patience was over before.
bool patience_pause(const struct patience *p, uint64_t ms);

struct permits;
struct permits *permits_new(unsigned count);
void permits_free(struct permits *p); // nobody holds or wants one any more; NULL is fine
// Who came first gets the next one. false: the patience was over before (patience_fail).
[[nodiscard]] bool permit_take(struct permits *p, const struct patience *w, struct err *e);
void permit_give(struct permits *p);
