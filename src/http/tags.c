// SPDX-License-Identifier: Apache-2.0
#include "http/tags.h"

// Of a weak tag the strong one: they are compared weakly.
static struct slice strong(struct slice tag) { return slice_starts(tag, SLICE_LIT("W/")) ? slice_skip(tag, 2) : tag; }

bool http_has_tag(struct http_request *r, const char *tag) {
    const char *list = http_header_list(r, "If-None-Match");
    while (list && *list) {
        size_t n = strcspn(list, ",");
        struct slice one = slice_trim(slice_of(list, n));
        if (slice_eq_str(one, "*") || slice_eq_str(strong(one), tag))
            return true;
        list += n + (list[n] == ',');
    }
    return false;
}
