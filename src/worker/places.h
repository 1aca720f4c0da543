// SPDX-License-Identifier: Apache-2.0
// How many leases a worker takes on. One that is at work has one of the places at work; one that waits (for a build,
// for somebody else's, for a repository that is slow to answer) is parked and leaves its place to others, so that what
// is slow never stops what is not. All together, those that are waited for at the coordinator included, stay below
// `most`. Safe for several threads.
#pragma once
#include <stdbool.h>

struct places;
struct places *places_new(unsigned at_work, unsigned most);
void places_free(struct places *p); // NULL is fine
// Waits for a place, for one lease. false: the worker stops.
bool places_enter(struct places *p);
void places_leave(struct places *p); // its lease has ended, or there was none
void places_park(struct places *p);
void places_return(struct places *p); // at once: a place at work is made for it
void places_stop(struct places *p);   // nobody enters any more
