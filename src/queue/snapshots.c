// SPDX-License-Identifier: Apache-2.0
#include "queue/snapshots.h"

#include "base/buf.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define NUMBERS_ROOM 44 // XMIN:NEXT: and a NUL

// Takes a number and the separator behind it, if one is there.
static bool next_number(struct slice *at, char end, bool must_end, uint64_t *out) {
    const uint8_t *stop = at->len ? memchr(at->ptr, end, at->len) : NULL;
    size_t n = stop ? (size_t)(stop - at->ptr) : at->len;
    bool ok = (stop || !must_end) && text_u64(slice_of(at->ptr, n), out) && *out <= INT64_MAX;
    *at = slice_skip(*at, stop ? n + 1 : n);
    return ok;
}

bool snapshot_pack(char out[static SNAPSHOT_TEXT_MAX + 1], const char *postgres) {
    struct slice at = slice_str(postgres);
    char list[SNAPSHOT_TEXT_MAX - NUMBERS_ROOM];
    uint64_t xmin, next, last, one;
    size_t len = 0;
    if (!next_number(&at, ':', true, &xmin) || !next_number(&at, ':', true, &next) || next < xmin)
        return false;
    list[0] = '\0';
    for (last = xmin; at.len; last = one) {
        if (!next_number(&at, ',', false, &one) || one < last || one >= next)
            return false;
        int n = snprintf(list + len, sizeof list - len, "%s%" PRIu64, len ? "," : "", one - last);
        if (len + (size_t)n >= sizeof list) {
            list[len] = '\0';
            next = one;
            break;
        }
        len += (size_t)n;
    }
    snprintf(out, SNAPSHOT_TEXT_MAX + 1, "%" PRIu64 ":%" PRIu64 ":%s", xmin, next - xmin, list);
    return true;
}

// In the order and below `next`, each once.
static bool read_running(struct buf *out, struct slice at, uint64_t xmin, uint64_t next) {
    uint64_t by, last = xmin;
    for (bool first = true; at.len; first = false) {
        if (!next_number(&at, ',', false, &by) || (!by && !first) || by >= next - last)
            return false;
        last += by;
        buf_printf(out, "%s%" PRIu64, first ? "" : ",", last);
    }
    return true;
}

bool snapshot_unpack(struct snapshot *out, struct arena *a, const char *text) {
    SCOPED_BUF(list, 20 * SNAPSHOT_TEXT_MAX);
    struct slice at = slice_str(text);
    uint64_t xmin, by;
    if (at.len > SNAPSHOT_TEXT_MAX || !next_number(&at, ':', true, &xmin) || !xmin ||
        !next_number(&at, ':', true, &by) || by > INT64_MAX - xmin)
        return false;
    out->next = xmin + by;
    buf_add_byte(&list, '{');
    bool ok = read_running(&list, at, xmin, out->next);
    buf_add_byte(&list, '}');
    out->running = arena_text(a, buf_slice(&list));
    return ok && !list.full;
}
