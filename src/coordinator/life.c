// SPDX-License-Identifier: Apache-2.0
#include "coordinator/life.h"

static bool from_held(enum life_event event, enum life_state *next) {
    switch (event) {
    case LIFE_EVENT_BUILD: *next = LIFE_BUILDING; return true;
    case LIFE_EVENT_RUN: *next = LIFE_RUNNING; return true;
    case LIFE_EVENT_SUBMIT: *next = LIFE_SUBMITTING; return true;
    case LIFE_EVENT_LOST:
    case LIFE_EVENT_RETRY: *next = LIFE_QUEUED; return true;
    case LIFE_EVENT_COMPLETE: *next = LIFE_SETTLED; return true;
    case LIFE_EVENT_RECORD:
    case LIFE_EVENT_LEASE:
    case LIFE_EVENT_TIMEOUT:
    case LIFE_EVENT_COUNT: return false;
    }
    return false;
}

bool life_next(enum life_state state, enum life_event event, enum life_state *next) {
    switch (state) {
    case LIFE_RECEIVED:
        if (event != LIFE_EVENT_RECORD)
            return false;
        *next = LIFE_QUEUED;
        return true;
    case LIFE_QUEUED:
        if (event == LIFE_EVENT_LEASE)
            *next = LIFE_LEASED;
        else if (event == LIFE_EVENT_TIMEOUT)
            *next = LIFE_EXPIRED;
        else
            return false;
        return true;
    case LIFE_LEASED:
    case LIFE_BUILDING:
    case LIFE_RUNNING:
    case LIFE_SUBMITTING: return from_held(event, next);
    case LIFE_SETTLED:
    case LIFE_EXPIRED:
    case LIFE_STATE_COUNT: return false;
    }
    return false;
}

const char *life_text(enum life_state state) {
    static const char *const texts[] = {
#define X(name, text) text,
        LIFE_STATES(X)
#undef X
    };
    return state < LIFE_STATE_COUNT ? texts[state] : "";
}
