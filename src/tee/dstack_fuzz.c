// SPDX-License-Identifier: Apache-2.0
// Whatever a guest agent answers is refused with a reason or understood, and what was understood is within its bounds.
// Canary: the seed `quote` is an answer of dstack 0.5.
#include "codec/json.h"
#include "tee/compose.h"
#include "tee/dstack_answer.h"
#include "tee/event_log.h"
#include "tee/measurement.h"

// What a quote points to is within it.
static void measure(struct slice quote) {
    struct td_view td;
    char text[MEASUREMENT_TEXT_MAX];
    if (!td_view(&td, quote))
        return;
    BUG_ON(td.mrtd < quote.ptr || td.report_data + REPORT_DATA_SIZE > quote.ptr + quote.len);
    BUG_ON(strlen(measurement_text(&td, false, text)) != 68);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    SCOPED_ARENA(a);
    struct slice body = slice_of(data, size);
    struct dstack_quote quote;
    struct dstack_info info;
    struct compose compose;
    struct event_log log;
    const char *version = NULL;
    struct err e = {0};
    if (dstack_quote_parse(&quote, a, body, &e)) {
        BUG_ON(!quote.quote.len || !quote.event_log);
        measure(quote.quote);
    } else {
        BUG_ON(!e.msg[0]);
    }
    e.msg[0] = 0;
    if (!dstack_info_parse(&info, a, body, &e))
        BUG_ON(!e.msg[0]);
    BUG_ON(!info.app_name || !info.app_id || !info.instance_id);
    e.msg[0] = 0;
    if (dstack_version_parse(&version, a, body, &e))
        BUG_ON(!version[0]);
    else
        BUG_ON(!e.msg[0]);
    BUG_ON(!dstack_error_text(a, body));
    measure(body);
    e.msg[0] = 0;
    if (event_log_parse(&log, a, arena_text(a, body), &e)) {
        SCOPED_JSON(j) = event_log_json(&log, a);
        BUG_ON(json_array_size(json_object_get(j, "events")) != log.count);
    } else {
        BUG_ON(!e.msg[0]);
    }
    e.msg[0] = 0;
    if (!compose_parse(&compose, a, body, &e))
        BUG_ON(!e.msg[0]);
    return 0;
}
