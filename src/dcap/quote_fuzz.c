// SPDX-License-Identifier: Apache-2.0
// Quotes of any bytes: what is read lies within them, in order, and fills them. Canary: the seeds reach an SGX quote of
// version 3, a TD of version 4 and one of version 5.
#include "base/err.h"
#include "dcap/quote.h"

static size_t at(struct bytes whole, const uint8_t *p, size_t len) {
    BUG_ON(p < whole.ptr || len > whole.len || p > whole.ptr + (whole.len - len));
    return (size_t)(p - whole.ptr);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct bytes whole = {data, size};
    struct dcap_quote q;
    struct dcap_fault f = {.code = DCAP_OK};
    if (!dcap_quote_parse(&q, whole, &f)) {
        BUG_ON(f.code == DCAP_OK || f.part != DCAP_PART_QUOTE || dcap_code_class(f.code) != DCAP_UNCHECKABLE);
        return 0;
    }
    size_t end = size - q.trailing;
    BUG_ON(at(whole, q.signed_bytes.ptr, q.signed_bytes.len) != 0);
    BUG_ON(at(whole, q.body.ptr, q.body.len) + q.body.len != q.signed_bytes.len);
    BUG_ON(at(whole, q.signature, 64) != q.signed_bytes.len + 4 || q.key != q.signature + 64);
    BUG_ON(q.qe_signature != q.qe_report + 384 || q.qe_auth.ptr != q.qe_signature + 66);
    BUG_ON(at(whole, q.certification_data.ptr, q.certification_data.len) + q.certification_data.len != end);
    BUG_ON(q.qe_auth.ptr + q.qe_auth.len + 6 != q.certification_data.ptr);
    for (unsigned i = 0; i < DCAP_FIELD_COUNT; i++) {
        struct bytes field = dcap_quote_field(&q, (enum dcap_field)i);
        if (field.ptr)
            at(q.body, field.ptr, field.len);
    }
    BUG_ON(dcap_quote_report_data(&q).len != 64);
    struct bytes whole_again = {data, end};
    BUG_ON(!dcap_quote_parse(&q, whole_again, &f) || q.trailing);
    return 0;
}
