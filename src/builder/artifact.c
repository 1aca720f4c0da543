// SPDX-License-Identifier: Apache-2.0
#include "builder/artifact.h"

// Unsigned LEB128 of at most 32 bits; false at the end of the bytes or when longer.
static bool leb(struct slice *s, uint32_t *out) {
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 35 && s->len; shift += 7) {
        uint8_t b = s->ptr[0];
        *s = slice_skip(*s, 1);
        v |= (uint64_t)(b & 0x7f) << shift;
        if (!(b & 0x80)) {
            *out = (uint32_t)v;
            return v <= UINT32_MAX;
        }
    }
    return false;
}

enum artifact_kind artifact_kind(struct slice bytes) {
    static const uint8_t core[] = {0, 'a', 's', 'm', 1, 0, 0, 0}, component[] = {0, 'a', 's', 'm', 13, 0, 1, 0};
    if (slice_starts(bytes, slice_of(component, sizeof component)))
        return ARTIFACT_COMPONENT;
    if (!slice_starts(bytes, slice_of(core, sizeof core)))
        return ARTIFACT_NONE;
    struct slice rest = slice_skip(bytes, sizeof core);
    while (rest.len) {
        uint8_t id = rest.ptr[0];
        uint32_t size, name;
        rest = slice_skip(rest, 1);
        if (!leb(&rest, &size) || size > rest.len)
            return ARTIFACT_NONE;
        struct slice body = slice_of(rest.ptr, size);
        rest = slice_skip(rest, size);
        if (id != 0)
            continue;
        if (!leb(&body, &name) || name > body.len)
            return ARTIFACT_NONE;
        body.len = name;
        if (slice_eq_str(body, "linking"))
            return ARTIFACT_OBJECT;
    }
    return ARTIFACT_CORE;
}
