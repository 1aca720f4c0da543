// SPDX-License-Identifier: Apache-2.0
// An execution's life as a pure table: which event leads from which state to which, and nothing else.
//
//     received -> queued -> leased -> (building) -> running -> submitting -> settled
//                   |  ^________ lease lost, platform failure ________|
//                   \-> expired (nobody served it in time)
#pragma once
#include "base/compat.h"

#define EXECUTION_STATES(X)                                                                                            \
    X(EXECUTION_RECEIVED, "received")                                                                                  \
    X(EXECUTION_QUEUED, "queued")                                                                                      \
    X(EXECUTION_LEASED, "leased")                                                                                      \
    X(EXECUTION_BUILDING, "building")                                                                                  \
    X(EXECUTION_RUNNING, "running")                                                                                    \
    X(EXECUTION_SUBMITTING, "submitting")                                                                              \
    X(EXECUTION_SETTLED, "settled")                                                                                    \
    X(EXECUTION_EXPIRED, "expired")
enum execution_state {
#define X(name, text) name,
    EXECUTION_STATES(X)
#undef X
        EXECUTION_STATE_COUNT
};

enum execution_event {
    EXECUTION_EVENT_RECORD, // stored
    EXECUTION_EVENT_LEASE,  // handed to a worker
    EXECUTION_EVENT_BUILD,  // its heartbeats say what it does
    EXECUTION_EVENT_RUN,
    EXECUTION_EVENT_SUBMIT,
    EXECUTION_EVENT_LOST,     // the lease was not confirmed, or ran out
    EXECUTION_EVENT_RETRY,    // the worker gave it back
    EXECUTION_EVENT_COMPLETE, // the worker reported its end
    EXECUTION_EVENT_TIMEOUT,  // its time is over
    EXECUTION_EVENT_COUNT
};

// false: the event means nothing in this state, which stays.
bool execution_next(enum execution_state state, enum execution_event event, enum execution_state *next);
const char *execution_text(enum execution_state state);
static inline bool execution_is_over(enum execution_state s) {
    return s == EXECUTION_SETTLED || s == EXECUTION_EXPIRED;
}
static inline bool execution_is_held(enum execution_state s) {
    return s >= EXECUTION_LEASED && s <= EXECUTION_SUBMITTING;
}
