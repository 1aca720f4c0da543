// SPDX-License-Identifier: Apache-2.0
#include "tee/measurement.h"

// The layouts are Intel's (Intel TDX DCAP Quoting Library API, appendix A): the version is at 0, the kind of TEE at 4;
// a TD report's body is at 48, or from version 5 on at 54, behind its type and length.
enum { MRTD = 136, MRCONFIGID = 184, RTMR0 = 328, REPORT_DATA = 520 };

bool td_view(struct td_view *out, struct slice q) {
    static const uint8_t tdx[4] = {0x81};
    if (q.len < 8 || q.ptr[1] || (q.ptr[0] != 4 && q.ptr[0] != 5) || memcmp(q.ptr + 4, tdx, sizeof tdx) != 0)
        return false;
    const uint8_t *body = q.ptr + (q.ptr[0] == 4 ? 48 : 54);
    if (q.len < (size_t)(body - q.ptr) + REPORT_DATA + REPORT_DATA_SIZE)
        return false;
    *out = (struct td_view){.mrtd = body + MRTD, .config_id = body + MRCONFIGID, .report_data = body + REPORT_DATA};
    for (size_t i = 0; i < ARRAY_LEN(out->rtmr); i++)
        out->rtmr[i] = body + RTMR0 + i * TD_REGISTER_SIZE;
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
