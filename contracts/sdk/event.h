// SPDX-License-Identifier: Apache-2.0
// NEP-297 events: one log line, EVENT_JSON:{"standard","version","event","data":[{…}]}.
#pragma once
#include "env.h"

#define LOG_BYTES_MAX 16384 // all lines of one call together
struct event_name {
    const char *standard, *version, *event;
};
// Between these two the caller writes the members of the event's one data object.
void event_begin(struct out *o, const struct event_name *name);
void event_emit(struct out *o); // stops the call, with words, when the line is longer than the node takes
