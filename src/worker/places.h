// SPDX-License-Identifier: Apache-2.0
// How many leases a worker takes on. One that is at work has one of the places at work; one that waits (for a build,
// for somebody else's, for a repository that is slow to answer) is parked and leaves its place to others. So many may
// be parked and no more, since each is kept alive at the coordinator; whoever finds no room to wait gives its lease
// back. So what is slow never stops what is not, however much of it there is.
//
// Most of a short lease's time goes to questions: to the coordinator, to the chain. So while leases end quickly, as
// many again may be taken ahead, which are made ready while others run. When they do not, nothing is taken ahead: it
// would wait here behind what is slow, while another worker may be idle. Safe for several threads.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define PLACES_QUICK_MS 100 // at work from its lease to its answer
#define PLACES_FLOW_MS 250  // since the last one that was quick

struct places;
// For flow_ms after one that was quick it is taken ahead.
struct places *places_new(unsigned at_work, unsigned parked, uint64_t flow_ms);
void places_free(struct places *p); // NULL is fine
// Waits for a place, for one lease. *ahead: it is one more than may be at work, and is soon given up where no lease
// comes. false: the worker stops.
bool places_enter(struct places *p, bool *ahead);
// Its lease has ended that was taken so long ago; UINT64_MAX: there was none.
void places_leave(struct places *p, uint64_t lease_ms);
[[nodiscard]] bool places_park(struct places *p); // false: no room; it is at work still
void places_return(struct places *p);             // at once: a place at work is made for it
unsigned places_parked(struct places *p);
void places_stop(struct places *p); // nobody enters any more
