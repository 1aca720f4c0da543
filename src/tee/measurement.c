// SPDX-License-Identifier: Apache-2.0
#include "tee/measurement.h"

#include "dcap/quote.h"

bool td_view(struct td_view *out, struct slice quote) {
    struct dcap_quote q;
    struct dcap_fault fault;
    if (!dcap_quote_parse(&q, (struct bytes){quote.ptr, quote.len}, &fault) || q.tee != DCAP_TDX)
        return false;
    *out = (struct td_view){.mrtd = dcap_quote_field(&q, DCAP_FIELD_MRTD).ptr,
                            .config_id = dcap_quote_field(&q, DCAP_FIELD_MRCONFIGID).ptr,
                            .report_data = dcap_quote_report_data(&q).ptr};
    for (size_t i = 0; i < ARRAY_LEN(out->rtmr); i++)
        out->rtmr[i] = dcap_quote_field(&q, (enum dcap_field)(DCAP_FIELD_RTMR0 + i)).ptr;
    return true;
}

const char *measurement_text(const struct td_view *td, bool simulated, char out[static MEASUREMENT_TEXT_MAX]) {
    struct sha256 s;
    char hex[65];
    sha256_init(&s);
    sha256_add(&s, slice_of(td->mrtd, TD_REGISTER_SIZE));
    for (size_t i = 0; i < ARRAY_LEN(td->rtmr); i++)
        sha256_add(&s, slice_of(td->rtmr[i], TD_REGISTER_SIZE));
    sha256_add(&s, slice_of(td->config_id, TD_REGISTER_SIZE));
    struct hash h = sha256_end(&s);
    snprintf(out, MEASUREMENT_TEXT_MAX, "%s:%s", simulated ? "simulated" : "tdx", hash_hex(&h, hex));
    return out;
}
