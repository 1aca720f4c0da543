// SPDX-License-Identifier: Apache-2.0
#include "collateral/moment.h"

#include "base/clock.h"
#include "base/text.h"
#include "dcap/bytes.h"
#include <inttypes.h>

#define LAST 253402300799u // of the year 9999

static bool of_iso(uint64_t *out, const char *text) {
    char whole[MOMENT_TEXT];
    int n = snprintf(whole, sizeof whole, "%s%s", text, strlen(text) == 10 ? "T00:00:00Z" : "");
    return n == 20 && dcap_time_of_iso(out, (struct bytes){(const uint8_t *)whole, (size_t)n});
}

bool moment_read(uint64_t *out, const char *text, struct err *e) {
    uint64_t t;
    if (of_iso(&t, text) || (text_u64(slice_str(text), &t) && t <= LAST)) {
        *out = t;
        return true;
    }
    err_set(e, ERR_USAGE, "'%s' is no moment", text);
    return err_hint(e, "write 2025-07-01T12:00:00Z, 2025-07-01, or seconds since 1970");
}

const char *moment_text(uint64_t moment, char out[static MOMENT_TEXT]) {
    char iso[32];
    clock_iso8601((moment < LAST ? moment : LAST) * 1000, iso); // whatever a stranger says
    snprintf(out, MOMENT_TEXT, "%.19sZ", iso);
    return out;
}

uint64_t moment_now(void) { return clock_wall_ms() / 1000; }

const char *span_text(uint64_t seconds, char out[static MOMENT_TEXT]) {
    static const struct {
        uint64_t size;
        const char *name;
    } units[] = {{DAY_S, "day"}, {3600, "hour"}, {60, "minute"}, {1, "second"}};
    size_t i = 0;
    while (i + 1 < ARRAY_LEN(units) && seconds < units[i].size)
        i++;
    uint64_t n = seconds / units[i].size;
    snprintf(out, MOMENT_TEXT, "%" PRIu64 " %s%s", n, units[i].name, n == 1 ? "" : "s");
    return out;
}
