// SPDX-License-Identifier: Apache-2.0
// What a TDX quote says about its machine, and the short name of it.
#pragma once
#include "tee/report_data.h"

#define TD_REGISTER_SIZE 48

// Points into the quote. Nothing is verified here.
struct td_view {
    const uint8_t *mrtd, *config_id, *rtmr[4]; // TD_REGISTER_SIZE bytes each
    const uint8_t *report_data;                // REPORT_DATA_SIZE bytes
};
// false: this is no whole TDX quote.
[[nodiscard]] bool td_view(struct td_view *out, struct slice quote);

// A worker's measurement as the digest of its answers has it: "tdx:" or "simulated:" (signed by a key that everybody
// has), and SHA-256 of MRTD, RTMR0 to RTMR3 and MRCONFIGID in hexadecimal.
#define MEASUREMENT_TEXT_MAX 80
const char *measurement_text(const struct td_view *td, bool simulated, char out[static MEASUREMENT_TEXT_MAX]);
