// SPDX-License-Identifier: Apache-2.0
#include "event.h"

void event_begin(struct out *o, const struct event_name *name) {
    out_str(o, "EVENT_JSON:");
    json_open(o, '{');
    json_put_string(o, "standard", text_of(name->standard));
    json_put_string(o, "version", text_of(name->version));
    json_put_string(o, "event", text_of(name->event));
    json_put_open(o, "data", '[');
    json_open(o, '{');
}

void event_emit(struct out *o) {
    json_close(o, '}');
    json_close(o, ']');
    json_close(o, '}');
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
