// SPDX-License-Identifier: Apache-2.0
// Quotes and collateral of the test PKI for the contract's tests. It speaks of bytes and text alone: the SDK and the
// programs' units name things alike.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sample {
    int64_t now;                // when it is made, in seconds
    const char *platform;       // NULL: the usual machine
    const uint8_t *report_data; // 64
    const uint8_t *rtmr3;       // 48; NULL: the usual one
    unsigned evaluation;        // of TCB info and QE identity; 0: 17
    int64_t younger;            // by how many seconds they were issued later than usual
    uint64_t crl_number;        // 0: 1
    uint8_t fmspc;              // is XORed into the last byte
    bool revoked, signer_revoked, out_of_date, not_up_to_date_at_all, debug, sgx;
    bool other_signer; // TCB info and QE identity are signed by another certificate, which signer_revoked is about then
};
// The last one that was made, as the contract takes it; texts live until the next one.
extern const char *sample_quote, *sample_collateral; // hexadecimal digits, JSON
extern const char *sample_root;                      // hexadecimal digits of x and y
extern uint8_t sample_registers[5][48];              // MRTD, RTMR0 to 3
void sample_make(const struct sample *s);
// The collateral without all members but these ("a,b"), as JSON.
const char *sample_only(const char *members);
void sample_release(void);

// Report data as the programs make it (src/tee).
struct sample_claim {
    const char *network, *register_contract, *main_contract;
    const uint8_t *key;                          // 32
    const uint8_t *challenge;                    // 32
    const uint8_t *transport_key, *master_check; // 32 each, of keystores; NULL: a worker's
};
void sample_claim(uint8_t out[64], const struct sample_claim *c);
void sample_challenge(uint8_t out[32], const uint8_t seed[32]);
// An event log that ends in the 48 bytes: compose hash and key provider as dstack writes them. `flaw`: 0
// none, 1 a second compose hash, 2 a compose hash behind system-ready, 3 none at all, 4 one event too few.
const char *sample_log(uint8_t rtmr3[48], const uint8_t compose_hash[32], const char *provider, int flaw);
