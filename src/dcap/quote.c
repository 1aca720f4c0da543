// SPDX-License-Identifier: Apache-2.0
#include "dcap/quote.h"

static const struct {
    uint16_t offset;
    uint8_t len, body;
} fields[] = {
#define X(name, json, body, offset, len) {(offset), (len), DCAP_BODY_##body},
    DCAP_FIELDS(X)
#undef X
};
static const uint16_t body_size[] = {0, 384, 584, 648, 885};
static const uint8_t intel_vendor[16] = {0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9,
                                         0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07};

static bool fail(struct dcap_fault *f, enum dcap_code code) { return dcap_fail(f, code, DCAP_PART_QUOTE); }

const uint8_t *dcap_quote_at(const struct dcap_quote *q, enum dcap_field field) {
    bool sgx = fields[field].body == DCAP_BODY_SGX;
    if (sgx != (q->type == DCAP_BODY_SGX) || fields[field].body > q->type)
        return NULL;
    return q->body.ptr + fields[field].offset;
}

struct bytes dcap_quote_field(const struct dcap_quote *q, enum dcap_field field) {
    const uint8_t *at = dcap_quote_at(q, field);
    return (struct bytes){at, at ? fields[field].len : 0};
}

struct bytes dcap_report_field(const uint8_t *report, enum dcap_field field) {
    return (struct bytes){report + fields[field].offset, fields[field].len};
}

struct bytes dcap_quote_report_data(const struct dcap_quote *q) {
    return dcap_quote_field(q, q->type == DCAP_BODY_SGX ? DCAP_FIELD_SGX_REPORT_DATA : DCAP_FIELD_TD_REPORT_DATA);
}

const char *dcap_field_name(enum dcap_field field) {
    static const char names[] =
#define X(name, json, body, offset, len) json "\0"
        DCAP_FIELDS(X)
#undef X
        ;
    return dcap_nth(names, field);
}

// 48 bytes. Version 3 has nothing where later ones name the TEE.
static bool header(struct dcap_quote *q, struct dcap_cursor *c, struct dcap_fault *f) {
    q->version = (uint16_t)dcap_take_le(c, 2);
    uint64_t key_type = dcap_take_le(c, 2), tee = dcap_take_le(c, 4);
    dcap_take(c, 4);
    const uint8_t *vendor = dcap_take(c, 16);
    dcap_take(c, 20);
    if (c->failed)
        return fail(f, DCAP_QUOTE_FORMAT);
    if (q->version < 3 || q->version > 5)
        return fail(f, DCAP_QUOTE_VERSION);
    if (key_type != 2)
        return fail(f, DCAP_QUOTE_KEY_TYPE);
    if ((tee != DCAP_SGX && tee != DCAP_TDX) || (tee == DCAP_TDX && q->version == 3))
        return fail(f, DCAP_QUOTE_TEE_TYPE);
    if (memcmp(vendor, intel_vendor, 16) != 0)
        return fail(f, DCAP_QUOTE_VENDOR);
    q->tee = (enum dcap_tee)tee;
    return true;
}

// The body's type and size stand before it from version 5 on.
static bool body(struct dcap_quote *q, struct dcap_cursor *c, struct dcap_fault *f) {
    uint64_t type = q->tee == DCAP_SGX ? DCAP_BODY_SGX : DCAP_BODY_TD10;
    if (q->version == 5) {
        type = dcap_take_le(c, 2);
        uint64_t size = dcap_take_le(c, 4);
        if (c->failed)
            return fail(f, DCAP_QUOTE_FORMAT);
        if (type < DCAP_BODY_SGX || type > DCAP_BODY_TD15EX || size != body_size[type] ||
            (type == DCAP_BODY_SGX) != (q->tee == DCAP_SGX))
            return fail(f, DCAP_QUOTE_BODY);
    }
    q->type = (enum dcap_body)type;
    q->body = dcap_take_bytes(c, body_size[type]);
    return !c->failed || fail(f, DCAP_QUOTE_FORMAT);
}

// Signature, key and what vouches for the key; versions 4 and 5 wrap the latter as certification data of type 6.
static bool authentication(struct dcap_quote *q, struct dcap_cursor *c, struct dcap_fault *f) {
    q->signature = dcap_take(c, 64);
    q->key = dcap_take(c, 64);
    if (q->version > 3) {
        uint64_t type = dcap_take_le(c, 2), size = dcap_take_le(c, 4);
        if (!c->failed && type != 6)
            return fail(f, DCAP_QUOTE_CERTIFICATION);
        if (c->failed || size != dcap_cursor_left(c))
            return fail(f, DCAP_QUOTE_FORMAT);
    }
    q->qe_report = dcap_take(c, 384);
    q->qe_signature = dcap_take(c, 64);
    q->qe_auth = dcap_take_bytes(c, dcap_take_le(c, 2));
    q->certification = (uint16_t)dcap_take_le(c, 2);
    uint64_t size = dcap_take_le(c, 4);
    if (c->failed || size != dcap_cursor_left(c))
        return fail(f, DCAP_QUOTE_FORMAT);
    q->certification_data = dcap_take_bytes(c, size);
    return true;
}

bool dcap_quote_parse(struct dcap_quote *q, struct bytes quote, struct dcap_fault *f) {
    struct dcap_cursor c = dcap_cursor_over(quote);
    *q = (struct dcap_quote){.version = 0};
    if (!header(q, &c, f) || !body(q, &c, f))
        return false;
    q->signed_bytes = (struct bytes){quote.ptr, (size_t)(c.at - quote.ptr)};
    struct dcap_cursor auth = dcap_cursor_over(dcap_take_bytes(&c, dcap_take_le(&c, 4)));
    if (c.failed)
        return fail(f, DCAP_QUOTE_FORMAT);
    q->trailing = dcap_cursor_left(&c);
    return authentication(q, &auth, f);
}
