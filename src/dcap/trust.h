// SPDX-License-Identifier: Apache-2.0
// What a verification trusts: one root key, and the certificates that were once found to be signed by it (the root's
// own certificate by itself). Only that signature is remembered. Dates and revocation lists are looked at each time.
#pragma once
#include "dcap/bytes.h"

enum { DCAP_ISSUERS = 6 };
struct dcap_trust {
    uint8_t root_key[64];             // x ‖ y
    uint8_t count, next;              // next: the entry that a new one replaces when all are taken
    uint8_t issuer[DCAP_ISSUERS][32]; // SHA-256 of a certificate's DER
};
// Intel's root for SGX and TDX, whose own certificate is known.
void dcap_trust_intel(struct dcap_trust *t);
// Another root, of tests and devnets.
void dcap_trust_root(struct dcap_trust *t, const uint8_t key[64]);
// Whether it is Intel's root: what another one signed proves nothing about a machine.
bool dcap_trust_is_intels(const struct dcap_trust *t);
bool dcap_trust_knows(const struct dcap_trust *t, const uint8_t hash[32]);
void dcap_trust_learn(struct dcap_trust *t, const uint8_t hash[32]);
