// SPDX-License-Identifier: Apache-2.0
// An execution's life as a pure table: which event leads from which state to which, and nothing else.
//
//     received -> queued -> leased -> (building) -> running -> submitting -> settled
//                   |  ^________ lease lost, platform failure ________|
//                   \-> expired (nobody served it in time)
#pragma once
#include "base/compat.h"

#define LIFE_STATES(X)                                                                                                 \
    X(LIFE_RECEIVED, "received")                                                                                       \
    X(LIFE_QUEUED, "queued")                                                                                           \
    X(LIFE_LEASED, "leased")                                                                                           \
    X(LIFE_BUILDING, "building")                                                                                       \
    X(LIFE_RUNNING, "running")                                                                                         \
    X(LIFE_SUBMITTING, "submitting")                                                                                   \
    X(LIFE_SETTLED, "settled")                                                                                         \
    X(LIFE_EXPIRED, "expired")
enum life_state {
#define X(name, text) name,
    LIFE_STATES(X)
#undef X
        LIFE_STATE_COUNT
};

enum life_event {
    LIFE_EVENT_RECORD, // stored
    LIFE_EVENT_LEASE,  // handed to a worker
    LIFE_EVENT_BUILD,  // its heartbeats say what it does
    LIFE_EVENT_RUN,
    LIFE_EVENT_SUBMIT,
    LIFE_EVENT_LOST,     // the lease was not confirmed, or ran out
    LIFE_EVENT_RETRY,    // the worker gave it back
    LIFE_EVENT_COMPLETE, // the worker reported its end
    LIFE_EVENT_TIMEOUT,  // its time is over
    LIFE_EVENT_COUNT
};

// false: the event means nothing in this state, which stays.
bool life_next(enum life_state state, enum life_event event, enum life_state *next);
const char *life_text(enum life_state state);
static inline bool life_is_over(enum life_state s) { return s == LIFE_SETTLED || s == LIFE_EXPIRED; }
static inline bool life_is_held(enum life_state s) { return s >= LIFE_LEASED && s <= LIFE_SUBMITTING; }
