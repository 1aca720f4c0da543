// SPDX-License-Identifier: Apache-2.0
// Collateral objects of any bytes: what is read lies within them, and what was read, written as an object again, is
// read alike. Canary: the seed `whole` has all ten members.
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "dcap/collateral.h"

struct member {
    const char *name;
    size_t offset;
    bool digits;
};
#define MEMBER(name, digits)                                                                                           \
    { #name, offsetof(struct dcap_collateral, name), digits }
static const struct member members[] = {
    MEMBER(pck_crl_issuer_chain, false),
    MEMBER(tcb_info_issuer_chain, false),
    MEMBER(qe_identity_issuer_chain, false),
    MEMBER(pck_certificate_chain, false),
    MEMBER(root_ca_crl, true),
    MEMBER(pck_crl, true),
    MEMBER(tcb_info_signature, true),
    MEMBER(qe_identity_signature, true),
    MEMBER(tcb_info, false),
    MEMBER(qe_identity, false),
};
enum { MEMBERS = sizeof members / sizeof *members };

static struct bytes of(const struct dcap_collateral *c, unsigned i) {
    struct bytes b;
    memcpy(&b, (const uint8_t *)c + members[i].offset, sizeof b);
    return b;
}

// Every ASCII character as an escape, so that the reader does most.
static void write_text(struct buf *to, struct bytes b, bool digits) {
    buf_add_str(to, "\"");
    for (size_t i = 0; i < b.len; i++) {
        if (digits)
            buf_printf(to, "%02X", b.ptr[i]);
        else if (b.ptr[i] < 0x80)
            buf_printf(to, "\\u%04x", b.ptr[i]);
        else
            buf_add(to, &b.ptr[i], 1);
    }
    buf_add_str(to, "\"");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size > 1 << 18)
        return 0;
    SCOPED_ARENA(a);
    SCOPED_BUF(text, 8 * size + 4096);
    uint8_t *own = arena_alloc(a, size);
    memcpy(own, data, size);
    struct dcap_collateral c, again;
    struct dcap_fault f = {.code = DCAP_OK};
    if (!dcap_collateral_read(&c, own, size, &f)) {
        BUG_ON(f.code == DCAP_OK);
        return 0;
    }
    buf_add_str(&text, "{\"other\":[]");
    for (unsigned i = 0; i < MEMBERS; i++) {
        struct bytes b = of(&c, i);
        BUG_ON(b.ptr && (b.ptr < own || b.ptr + b.len > own + size));
        if (b.ptr) {
            buf_printf(&text, ",\"%s\":", members[i].name);
            write_text(&text, b, members[i].digits);
        }
    }
    buf_add_str(&text, "}");
    BUG_ON(text.full || !dcap_collateral_read(&again, (uint8_t *)text.ptr, text.len, &f));
    for (unsigned i = 0; i < MEMBERS; i++)
        BUG_ON(!of(&c, i).ptr != !of(&again, i).ptr || !dcap_bytes_eq(of(&c, i), of(&again, i)));
    return 0;
}
