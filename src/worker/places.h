// SPDX-License-Identifier: Apache-2.0
// How many leases a worker takes on. One that is at work has one of the places at work; one that waits (for a build,
// for somebody else's, for a repository that is slow to answer) is parked and leaves its place to others, so that what
// is slow never stops what is not. All together, those that are waited for at the coordinator included, stay below
// `most`: what is parked here could be done by another worker, so it is few for each place, however little it costs.
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
struct places *places_new(unsigned at_work, unsigned most);
void places_free(struct places *p); // NULL is fine
// Waits for a place, for one lease. *ahead: it is one more than may be at work, and is soon given up where no lease
// comes. false: the worker stops.
bool places_enter(struct places *p, bool *ahead);
// Its lease has ended that was taken so long ago; UINT64_MAX: there was none.
void places_leave(struct places *p, uint64_t lease_ms);
void places_park(struct places *p);
void places_return(struct places *p); // at once: a place at work is made for it
void places_stop(struct places *p);   // nobody enters any more
