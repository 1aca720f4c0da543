// SPDX-License-Identifier: Apache-2.0
#include "event.h"

void event_begin(struct out *o, const struct event_name *name) {
    out_str(o, "EVENT_JSON:");
    put_open(o, '{');
    member_string(o, "standard", text_of(name->standard));
    member_string(o, "version", text_of(name->version));
    member_string(o, "event", text_of(name->event));
    member_open(o, "data", '[');
    put_open(o, '{');
}

void event_emit(struct out *o) {
    put_close(o, '}');
    put_close(o, ']');
    put_close(o, '}');
    if (o->len > LOG_BYTES_MAX) {
        char buffer[128];
        struct out s = OUT(buffer);
        out_str(&s, "The event would be ");
        out_number(&s, o->len);
        out_str(&s, " bytes long; at most ");
        out_number(&s, LOG_BYTES_MAX);
        out_str(&s, " can be logged");
        stop_out(&s);
    }
    log_line(o);
}
