// SPDX-License-Identifier: Apache-2.0
#include "builder/cargo_lock.h"

#include <ctype.h>

#define REGISTRY "registry+https://github.com/rust-lang/crates.io-index"

// key = "value", at the start of the line.
static bool value_of(struct slice line, const char *key, struct slice *out) {
    size_t n = strlen(key);
    if (line.len < n + 5 || memcmp(line.ptr, key, n) != 0 || memcmp(line.ptr + n, " = \"", 4) != 0)
        return false;
    struct slice value = slice_skip(line, n + 4);
    const uint8_t *end = memchr(value.ptr, '"', value.len);
    *out = end ? slice_of(value.ptr, (size_t)(end - value.ptr)) : (struct slice){0};
    return end != NULL;
}

static bool plain(struct slice s) {
    for (size_t i = 0; i < s.len; i++)
        if (!isalnum(s.ptr[i]) && (!s.ptr[i] || !strchr("-_.+", s.ptr[i])))
            return false;
    return s.len && s.len <= 64 && s.ptr[0] != '.' && s.ptr[0] != '-';
}

struct entry {
    struct slice name, version, source, checksum;
};

static bool complete(const struct entry *x, struct locked_crate *out) {
    if (!plain(x->name) || !plain(x->version) || !slice_eq_str(x->source, REGISTRY) ||
        !hash_from_hex(&out->hash, x->checksum, NULL))
        return false;
    snprintf(out->file, sizeof out->file, "%.*s-%.*s.crate", SLICE_FMT(x->name), SLICE_FMT(x->version));
    return true;
}

bool cargo_lock_next(struct slice *text, struct locked_crate *out) {
    struct entry x = {0};
    while (text->len) {
        const uint8_t *end = memchr(text->ptr, '\n', text->len);
        struct slice line = slice_of(text->ptr, end ? (size_t)(end - text->ptr) : text->len);
        *text = slice_skip(*text, line.len + (end ? 1 : 0));
        if (line.len && line.ptr[0] == '[')
            x = (struct entry){0};
        else if (!value_of(line, "name", &x.name) && !value_of(line, "version", &x.version) &&
                 !value_of(line, "source", &x.source))
            (void)value_of(line, "checksum", &x.checksum);
        if (x.checksum.len && complete(&x, out))
            return true;
    }
    return false;
}
