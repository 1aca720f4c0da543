// SPDX-License-Identifier: Apache-2.0
// The identity of the quoting enclave, version 2: which enclave may sign quotes of SGX ("QE") or TDX ("TD_QE").
#pragma once
#include "dcap/level.h"
#include "dcap/part.h"
#include "dcap/quote.h"

// Writes the part of an identity: a head with its own dates, evaluation number and TEE, and its levels.
[[nodiscard]] bool dcap_qe_identity_put(struct dcap_writer *w, struct bytes text, struct dcap_fault *f);
// Whether a quoting enclave's report of 384 bytes is of this enclave: signer, product, MISCSELECT and attributes under
// their masks, not in debug mode.
[[nodiscard]] bool dcap_qe_identity_check(struct bytes part, const uint8_t *report, struct dcap_fault *f);
// Its levels, for dcap_levels_match.
struct bytes dcap_qe_identity_levels(struct bytes part);
