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

#define CORE_EXPORTS 7
#define COMPONENT_EXPORTS 11

// The entries of a core module's export section: name, kind (0: a function), index.
static bool exports_start(struct slice body) {
    uint32_t count, name, index;
    if (!leb(&body, &count))
        return false;
    for (uint32_t i = 0; i < count && leb(&body, &name) && name < body.len; i++) {
        struct slice text = slice_of(body.ptr, name);
        body = slice_skip(body, name);
        bool function = body.ptr[0] == 0;
        body = slice_skip(body, 1);
        if (function && slice_eq_str(text, "_start"))
            return true;
        if (!leb(&body, &index))
            return false;
    }
    return false;
}

// A component's entries have types of any depth behind their names: the name is looked for with its length before it.
static bool exports_run(struct slice body) {
    static const char name[] = "wasi:cli/run@0.2.";
    for (size_t i = 1; i + sizeof name - 1 <= body.len; i++)
        if (memcmp(body.ptr + i, name, sizeof name - 1) == 0 && body.ptr[i - 1] >= sizeof name && body.ptr[i - 1] < 32)
            return true;
    return false;
}

bool artifact_is_program(struct slice bytes) {
    enum artifact_kind kind = artifact_kind(bytes);
    struct slice rest = slice_skip(bytes, 8);
    if (kind != ARTIFACT_CORE && kind != ARTIFACT_COMPONENT)
        return false;
    while (rest.len) {
        uint8_t id = rest.ptr[0];
        uint32_t size;
        rest = slice_skip(rest, 1);
        if (!leb(&rest, &size) || size > rest.len)
            return false;
        struct slice body = slice_of(rest.ptr, size);
        rest = slice_skip(rest, size);
        if (kind == ARTIFACT_CORE ? id == CORE_EXPORTS && exports_start(body)
                                  : id == COMPONENT_EXPORTS && exports_run(body))
            return true;
    }
    return false;
}
