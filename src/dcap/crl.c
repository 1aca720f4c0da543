// SPDX-License-Identifier: Apache-2.0
#include "dcap/crl.h"
#include "dcap/backend.h"
#include "dcap/der.h"

// An entry's extensions say why (2.5.29.21), which changes nothing here. A critical one may say that the certificate is
// another issuer's, so none is known.
static enum dcap_code take_entry(struct bytes *serial, struct bytes *list) {
    struct bytes in, more;
    uint64_t since;
    if (!dcap_der_take(&in, list, DER_SEQUENCE) || !dcap_der_unsigned(serial, &in, DER_INTEGER, DCAP_SERIAL_SIZE) ||
        !dcap_der_time(&since, &in) || (in.len > 0 && !dcap_der_only(&more, in, DER_SEQUENCE)))
        return DCAP_CERT_FORMAT;
    return in.len > 0 ? dcap_extensions_read(NULL, more, 0) : DCAP_OK;
}

static enum dcap_code read_entries(struct dcap_crl *out, struct bytes *in) {
    if (!dcap_der_is(*in, DER_SEQUENCE))
        return DCAP_OK;
    // A list that revokes nothing has no entries at all, rather than none in a SEQUENCE.
    if (!dcap_der_take(&out->entries, in, DER_SEQUENCE) || out->entries.len == 0)
        return DCAP_CERT_FORMAT;
    struct bytes list = out->entries, serial;
    for (; list.len > 0; out->count++) {
        enum dcap_code code = take_entry(&serial, &list);
        if (code != DCAP_OK)
            return code;
    }
    return DCAP_OK;
}

static enum dcap_code read_extensions(struct dcap_crl *out, struct bytes in) {
    static const uint64_t wanted = 1u << DCAP_EXT_CRL_NUMBER | (uint64_t)1 << DCAP_EXT_ISSUER_ID;
    struct bytes outer, list;
    struct dcap_extensions found;
    if (!dcap_der_only(&outer, in, DER_EXPLICIT + 0) || !dcap_der_only(&list, outer, DER_SEQUENCE))
        return in.len > 0 ? DCAP_CERT_FORMAT : DCAP_CERT_EXTENSION;
    enum dcap_code code = dcap_extensions_read(&found, list, wanted);
    if (code != DCAP_OK)
        return code;
    struct bytes number = found.value[DCAP_EXT_CRL_NUMBER], id = found.value[DCAP_EXT_ISSUER_ID];
    if (!number.ptr || !id.ptr)
        return DCAP_CERT_EXTENSION;
    if (!dcap_der_unsigned(&out->number, &number, DER_INTEGER, DCAP_SERIAL_SIZE) || number.len > 0 ||
        !dcap_issuer_id(&out->issuer_id, id))
        return DCAP_CERT_FORMAT;
    return DCAP_OK;
}

static enum dcap_code read_list(struct dcap_crl *out, struct bytes der) {
    struct bytes in, unused;
    enum dcap_code code = dcap_signed_open(&out->tbs, &in, out->signature, der);
    if (code != DCAP_OK)
        return code;
    if (!dcap_bytes_take(&in, DCAP_LIT("\x02\x01\x01"))) // version 2
        return DCAP_CERT_FORMAT;
    if (!dcap_signed_algorithm(&in))
        return DCAP_CERT_ALGORITHM;
    if (!dcap_name_take(&out->issuer, &unused, &in) || !dcap_der_time(&out->this_update, &in) ||
        !dcap_der_time(&out->next_update, &in))
        return DCAP_CERT_FORMAT;
    code = read_entries(out, &in);
    return code != DCAP_OK ? code : read_extensions(out, in);
}

bool dcap_crl_parse(struct dcap_crl *out, struct bytes der, enum dcap_part part, struct dcap_fault *f) {
    memset(out, 0, sizeof *out);
    enum dcap_code code = read_list(out, der);
    if (code == DCAP_OK)
        return true;
    _Static_assert(DCAP_CRL_ALGORITHM - DCAP_CRL_FORMAT == DCAP_CERT_ALGORITHM - DCAP_CERT_FORMAT &&
                       DCAP_CRL_EXTENSION - DCAP_CRL_FORMAT == DCAP_CERT_EXTENSION - DCAP_CERT_FORMAT,
                   "the codes of lists follow each other like those of certificates");
    return dcap_fail(f, code - DCAP_CERT_FORMAT + DCAP_CRL_FORMAT, part);
}

bool dcap_crl_verify(const struct dcap_crl *crl, const struct dcap_cert *issuer, uint64_t now, enum dcap_part part,
                     struct dcap_fault *f) {
    uint8_t digest[32];
    if (!dcap_bytes_eq(crl->issuer, issuer->subject) || !dcap_bytes_eq(crl->issuer_id, issuer->key_id))
        return dcap_fail(f, DCAP_CRL_ISSUER, part);
    if (!(issuer->usage & DCAP_MAY_SIGN_CRLS))
        return dcap_fail(f, DCAP_CERT_NOT_CA, part);
    dcap_sha256(digest, crl->tbs.ptr, crl->tbs.len);
    if (!dcap_p256_verify(issuer->key, digest, crl->signature))
        return dcap_fail(f, DCAP_CRL_SIGNATURE, part);
    if (now < crl->this_update)
        return dcap_fail_with(f, DCAP_CRL_NOT_YET_VALID, part, crl->this_update);
    if (now > crl->next_update)
        return dcap_fail_with(f, DCAP_CRL_EXPIRED, part, crl->next_update);
    return true;
}

void dcap_crl_put_serials(struct dcap_writer *w, const struct dcap_crl *crl) {
    static const uint8_t zeros[DCAP_SERIAL_SIZE];
    struct bytes list = crl->entries, entry, serial;
    while (dcap_der_take(&entry, &list, DER_SEQUENCE) &&
           dcap_der_unsigned(&serial, &entry, DER_INTEGER, DCAP_SERIAL_SIZE)) {
        dcap_put(w, zeros, DCAP_SERIAL_SIZE - serial.len);
        dcap_put(w, serial.ptr, serial.len);
    }
}

bool dcap_serials_have(struct bytes serials, struct bytes serial) {
    if (serial.len == 0 || serial.len > DCAP_SERIAL_SIZE)
        return false;
    uint8_t wanted[DCAP_SERIAL_SIZE] = {0};
    memcpy(wanted + sizeof wanted - serial.len, serial.ptr, serial.len);
    for (; serials.len >= sizeof wanted; serials.ptr += sizeof wanted, serials.len -= sizeof wanted) {
        if (memcmp(serials.ptr, wanted, sizeof wanted) == 0)
            return true;
    }
    return false;
}
