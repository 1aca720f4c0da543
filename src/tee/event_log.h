// SPDX-License-Identifier: Apache-2.0
// The log of what dstack measured into RTMR3, as the guest agent gives it beside a quote, and in the short form that
// the register contract replays. Nothing in it is true before that: the register says what was measured, not the log.
#pragma once
#include "base/arena.h"
#include "base/err.h"
#include "tee/measurement.h"
#include <jansson.h>

#define EVENT_LOG_EVENTS_MAX 64

struct boot_event {
    const char *name;
    struct slice payload;
};
struct event_log {
    unsigned version; // of the digests: 1, or 2 from dstack 0.6 on
    size_t count;
    struct boot_event events[EVENT_LOG_EVENTS_MAX];
};
// What the agent gives as `event_log`: a list with events of all registers, of which those of RTMR3 are kept, in order.
// "" is a log without events.
[[nodiscard]] bool event_log_parse(struct event_log *out, struct arena *a, const char *text, struct err *e);
// {"version":1,"events":[{"event","payload"}]}; the reference is the caller's.
json_t *event_log_json(const struct event_log *log, struct arena *a);
// The payload of the first event of this name that stands before system-ready; {NULL, 0}: there is none, or no such end
// (as in the logs of dstack 0.3 and 0.4).
struct slice event_log_payload(const struct event_log *log, const char *name);
// Whether the log ends in the quote's RTMR3 with the events that it must show, as the register contract sees it: before
// that nothing in it is true. ERR_FORBIDDEN: it does not.
[[nodiscard]] bool event_log_holds(const struct event_log *log, const struct td_view *td, struct arena *a,
                                   struct err *e);
