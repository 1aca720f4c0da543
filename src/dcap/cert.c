// SPDX-License-Identifier: Apache-2.0
#include "dcap/cert.h"
#include "dcap/der.h"

bool dcap_signed_algorithm(struct bytes *in) {
    return dcap_bytes_take(in, DCAP_LIT("\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02"));
}

enum dcap_code dcap_signed_open(struct bytes *tbs, struct bytes *body, uint8_t signature[64], struct bytes der) {
    struct bytes in, bits;
    if (!dcap_der_only(&in, der, DER_SEQUENCE))
        return DCAP_CERT_FORMAT;
    tbs->ptr = in.ptr;
    if (!dcap_der_take(body, &in, DER_SEQUENCE))
        return DCAP_CERT_FORMAT;
    tbs->len = (size_t)(in.ptr - tbs->ptr);
    if (!dcap_signed_algorithm(&in))
        return DCAP_CERT_ALGORITHM;
    if (!dcap_der_only(&bits, in, DER_BIT_STRING) || !dcap_bytes_take(&bits, DCAP_LIT("\0")) ||
        !dcap_der_signature(signature, bits))
        return DCAP_CERT_FORMAT;
    return DCAP_OK;
}

bool dcap_name_take(struct bytes *name, struct bytes *common_name, struct bytes *in) {
    struct bytes sets, set, attribute, type, text;
    uint8_t tag;
    name->ptr = in->ptr;
    *common_name = (struct bytes){NULL, 0};
    if (!dcap_der_take(&sets, in, DER_SEQUENCE))
        return false;
    name->len = (size_t)(in->ptr - name->ptr);
    while (sets.len > 0) {
        if (!dcap_der_take(&set, &sets, DER_SET) || !dcap_der_only(&attribute, set, DER_SEQUENCE) ||
            !dcap_der_take(&type, &attribute, DER_OID) || !dcap_der_next(&tag, &text, &attribute) || attribute.len > 0)
            return false;
        if (!dcap_bytes_eq(type, DCAP_LIT("\x55\x04\x03")))
            continue;
        if (common_name->ptr)
            return false;
        *common_name = text;
    }
    return true;
}

// --- extensions

static unsigned id_of(struct bytes oid) {
    if (oid.len == 3 && oid.ptr[0] == 0x55 && oid.ptr[1] == 0x1d && oid.ptr[2] <= DCAP_EXT_ISSUER_ID &&
        oid.ptr[2] > DCAP_EXT_PLATFORM)
        return oid.ptr[2];
    return dcap_bytes_eq(oid, DCAP_LIT("\x2a\x86\x48\x86\xf8\x4d\x01\x0d\x01")) ? DCAP_EXT_PLATFORM : DCAP_EXT_OTHER;
}

static bool take_extension(struct bytes *oid, bool *critical, struct bytes *value, struct bytes *list) {
    struct bytes in;
    *critical = false;
    return dcap_der_take(&in, list, DER_SEQUENCE) && dcap_der_take(oid, &in, DER_OID) &&
           // DEFAULT FALSE: what is false is left out.
           (!dcap_der_is(in, DER_BOOLEAN) || (dcap_der_boolean(critical, &in) && *critical)) &&
           dcap_der_only(value, in, DER_OCTET_STRING);
}

// Those that are not wanted are few; each is compared with those before it.
static bool stands_before(struct bytes oid, struct bytes list) {
    struct bytes other, value;
    bool critical;
    while (list.ptr < oid.ptr && take_extension(&other, &critical, &value, &list)) {
        if (other.ptr != oid.ptr && dcap_bytes_eq(other, oid))
            return true;
    }
    return false;
}

enum dcap_code dcap_extensions_read(struct dcap_extensions *out, struct bytes list, uint64_t wanted) {
    enum { EXTENSIONS_MAX = 16 };
    struct bytes in = list, oid, value;
    bool critical;
    if (wanted)
        memset(out, 0, sizeof *out);
    for (int n = 0; in.len > 0; n++) {
        if (n == EXTENSIONS_MAX || !take_extension(&oid, &critical, &value, &in))
            return DCAP_CERT_FORMAT;
        unsigned id = id_of(oid);
        bool known = wanted >> id & 1;
        if (known ? out->value[id].ptr != NULL : critical || stands_before(oid, list))
            return DCAP_CERT_EXTENSION;
        if (known)
            out->value[id] = value;
    }
    return DCAP_OK;
}

bool dcap_issuer_id(struct bytes *id, struct bytes value) {
    struct bytes in;
    return dcap_der_only(&in, value, DER_SEQUENCE) && dcap_der_only(id, in, DER_CONTEXT) && id->len > 0;
}

// Bits without zeros at their end, as named bits are written; the first byte's are what is asked for here.
static bool read_usage(uint8_t *usage, struct bytes value) {
    struct bytes bits;
    if (!dcap_der_only(&bits, value, DER_BIT_STRING) || bits.len < 2 || bits.len > 3)
        return false;
    unsigned last = bits.ptr[bits.len - 1], unused = bits.ptr[0];
    *usage = bits.ptr[1];
    return unused < 8 && (last & ((2u << unused) - 1)) == 1u << unused;
}

static bool read_constraints(struct dcap_cert *out, struct bytes value) {
    struct bytes in;
    if (!dcap_der_only(&in, value, DER_SEQUENCE))
        return false;
    if (in.len == 0)
        return true;
    uint32_t limit = DCAP_NO_PATH_LIMIT;
    if (!dcap_der_boolean(&out->ca, &in) || !out->ca ||
        (in.len > 0 && !dcap_der_small(&limit, &in, DER_INTEGER, DCAP_NO_PATH_LIMIT - 1)))
        return false;
    out->path_limit = (uint8_t)limit;
    return in.len == 0;
}

static enum dcap_code read_extensions(struct dcap_cert *out, struct bytes list) {
    static const uint64_t wanted = 1u << DCAP_EXT_PLATFORM | 1u << DCAP_EXT_KEY_ID | 1u << DCAP_EXT_KEY_USAGE |
                                   1u << DCAP_EXT_CONSTRAINTS | (uint64_t)1 << DCAP_EXT_ISSUER_ID;
    struct dcap_extensions found;
    const struct bytes *value = found.value;
    enum dcap_code code = dcap_extensions_read(&found, list, wanted);
    if (code != DCAP_OK)
        return code;
    out->platform = value[DCAP_EXT_PLATFORM];
    if ((value[DCAP_EXT_KEY_ID].ptr && !dcap_der_only(&out->key_id, value[DCAP_EXT_KEY_ID], DER_OCTET_STRING)) ||
        (value[DCAP_EXT_ISSUER_ID].ptr && !dcap_issuer_id(&out->issuer_id, value[DCAP_EXT_ISSUER_ID])) ||
        (value[DCAP_EXT_KEY_USAGE].ptr && !read_usage(&out->usage, value[DCAP_EXT_KEY_USAGE])) ||
        (value[DCAP_EXT_CONSTRAINTS].ptr && !read_constraints(out, value[DCAP_EXT_CONSTRAINTS])))
        return DCAP_CERT_FORMAT;
    return DCAP_OK;
}

// --- the certificate

static enum dcap_code read_body(struct dcap_cert *out, struct bytes in) {
    struct bytes unused, times, outer, list;
    if (!dcap_bytes_take(&in, DCAP_LIT("\xa0\x03\x02\x01\x02")) || // version 3
        !dcap_der_unsigned(&out->serial, &in, DER_INTEGER, DCAP_SERIAL_SIZE) || out->serial.len == 0)
        return DCAP_CERT_FORMAT;
    if (!dcap_signed_algorithm(&in))
        return DCAP_CERT_ALGORITHM;
    if (!dcap_name_take(&out->issuer, &unused, &in) || !dcap_der_take(&times, &in, DER_SEQUENCE) ||
        !dcap_der_time(&out->not_before, &times) || !dcap_der_time(&out->not_after, &times) || times.len > 0 ||
        !dcap_name_take(&out->subject, &out->common_name, &in))
        return DCAP_CERT_FORMAT;
    // SubjectPublicKeyInfo {{id-ecPublicKey, prime256v1}, 04 x y}
    if (!dcap_bytes_take(&in, DCAP_LIT("\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce"
                                       "\x3d\x03\x01\x07\x03\x42\x00\x04")) ||
        in.len < 64)
        return DCAP_CERT_KEY;
    out->key = in.ptr;
    in.ptr += 64, in.len -= 64;
    if (!dcap_der_only(&outer, in, DER_EXPLICIT + 3) || !dcap_der_only(&list, outer, DER_SEQUENCE))
        return DCAP_CERT_FORMAT;
    return read_extensions(out, list);
}

bool dcap_cert_parse(struct dcap_cert *out, struct bytes der, enum dcap_part part, struct dcap_fault *f) {
    struct bytes body;
    memset(out, 0, sizeof *out);
    out->der = der;
    enum dcap_code code = dcap_signed_open(&out->tbs, &body, out->signature, der);
    if (code == DCAP_OK)
        code = read_body(out, body);
    return code == DCAP_OK || dcap_fail(f, code, part);
}
