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

[[gnu::weak]] void event_emit(struct out *o) {
    put_close(o, '}');
    put_close(o, ']');
    put_close(o, '}');
    if (o->len > LOG_BYTES_MAX)
        stop_filled("The event would be % bytes long; at most % can be logged",
                    (struct yocto[]){{o->len}, {LOG_BYTES_MAX}});
    log_line(o);
}
