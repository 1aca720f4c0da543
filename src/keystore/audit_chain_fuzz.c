// SPDX-License-Identifier: Apache-2.0
// Logs of any bytes: found broken or not, never a crash; and where one is whole, a line that is changed is found.
#include "keystore/audit_chain.h"

static struct audit_check check(struct slice text) {
    struct audit_check c = {0};
    while (text.len) {
        const uint8_t *end = memchr(text.ptr, '\n', text.len);
        size_t n = end ? (size_t)(end - text.ptr) : text.len;
        audit_check_line(&c, slice_of(text.ptr, n));
        text = slice_skip(text, n + 1);
    }
    audit_check_end(&c);
    return c;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    SCOPED_ARENA(a);
    struct slice text = slice_of(data, size);
    struct audit_link link = {0};
    uint64_t first;
    size_t whole;
    audit_place(text, &link, &first, &whole);
    BUG_ON(audit_first(text) != first);
    BUG_ON(whole > size || (whole && data[whole - 1] != '\n'));
    struct audit_check c = check(text);
    BUG_ON(c.broken != (c.why[0] != 0));
    const uint8_t *end = size ? memchr(data, '\n', size) : NULL;
    if (c.broken || !end || end == data || end + 1 == data + size || !c.first)
        return 0;
    char *changed = arena_text(a, text);
    changed[end - data - 1] ^= 1; // a byte of the first line of two
    BUG_ON(!check(slice_of(changed, size)).broken && c.link.n > 1 && c.first == 1 && !c.unnumbered);
    return 0;
}
