// SPDX-License-Identifier: Apache-2.0
#include "queue/execution_state.h"

static bool from_held(enum execution_event event, enum execution_state *next) {
    switch (event) {
    case EXECUTION_EVENT_BUILD: *next = EXECUTION_BUILDING; return true;
    case EXECUTION_EVENT_RUN: *next = EXECUTION_RUNNING; return true;
    case EXECUTION_EVENT_SUBMIT: *next = EXECUTION_SUBMITTING; return true;
    case EXECUTION_EVENT_LOST:
    case EXECUTION_EVENT_RETRY: *next = EXECUTION_QUEUED; return true;
    case EXECUTION_EVENT_COMPLETE: *next = EXECUTION_SETTLED; return true;
    case EXECUTION_EVENT_RECORD:
    case EXECUTION_EVENT_LEASE:
    case EXECUTION_EVENT_TIMEOUT:
    case EXECUTION_EVENT_COUNT: return false;
    }
    return false;
}

bool execution_next(enum execution_state state, enum execution_event event, enum execution_state *next) {
    switch (state) {
    case EXECUTION_RECEIVED:
        if (event != EXECUTION_EVENT_RECORD)
            return false;
        *next = EXECUTION_QUEUED;
        return true;
    case EXECUTION_QUEUED:
        if (event == EXECUTION_EVENT_LEASE)
            *next = EXECUTION_LEASED;
        else if (event == EXECUTION_EVENT_TIMEOUT)
            *next = EXECUTION_EXPIRED;
        else
            return false;
        return true;
    case EXECUTION_LEASED:
    case EXECUTION_BUILDING:
    case EXECUTION_RUNNING:
    case EXECUTION_SUBMITTING: return from_held(event, next);
    case EXECUTION_SETTLED:
    case EXECUTION_EXPIRED:
    case EXECUTION_STATE_COUNT: return false;
    }
    return false;
}

const char *execution_text(enum execution_state state) {
    static const char *const texts[] = {
#define X(name, text) text,
        EXECUTION_STATES(X)
#undef X
    };
    return state < EXECUTION_STATE_COUNT ? texts[state] : "";
}
