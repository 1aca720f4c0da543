// SPDX-License-Identifier: Apache-2.0
// DER of certificates: what is taken is inside the input, in range, and one certificate exactly: with any byte behind
// it or its last one gone it is none. Canary: the seeds reach a certificate with a PCK extension.
#include "base/err.h"
#include "dcap/cert.h"

static void within(struct bytes part, const uint8_t *data, size_t size) {
    BUG_ON(part.len > 0 && (part.ptr < data || part.ptr + part.len > data + size));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct dcap_cert c, other;
    struct dcap_fault f;
    if (!dcap_cert_parse(&c, (struct bytes){data, size}, DCAP_PART_PCK_CERT, &f)) {
        BUG_ON(f.part != DCAP_PART_PCK_CERT || f.code < DCAP_CERT_FORMAT || f.code > DCAP_CERT_KEY);
        return 0;
    }
    const struct bytes parts[] = {c.tbs,    c.serial,    c.issuer,   c.subject,  c.common_name,
                                  c.key_id, c.issuer_id, c.platform, {c.key, 64}};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        within(parts[i], data, size);
    BUG_ON(c.serial.len == 0 || c.serial.len > DCAP_SERIAL_SIZE || c.serial.ptr[0] == 0);
    BUG_ON(dcap_cert_parse(&other, (struct bytes){data, size - 1}, DCAP_PART_PCK_CERT, &f));
    return 0;
}
