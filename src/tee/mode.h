// SPDX-License-Identifier: Apache-2.0
// TEE_MODE: what a daemon proves about itself.
#pragma once
#include "base/err.h"

enum tee_mode {
    TEE_NONE,      // nothing
    TEE_SIMULATED, // as with TDX, signed by a key that everybody has; on a devnet only
    TEE_TDX,
};

// `text` is TEE_MODE, `network` OUTLAYER_NETWORK. "outlayer_tee" is another name of "tdx". ERR_SETTINGS: this version
// does not attest in that way, "simulated" on a network where somebody could take it for real, or no mode at all.
[[nodiscard]] bool tee_mode_parse(enum tee_mode *out, const char *text, const char *network, struct err *e);
const char *tee_mode_name(enum tee_mode mode);
