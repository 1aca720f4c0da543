// SPDX-License-Identifier: Apache-2.0
// Parts: pieces of collateral that were verified once, as flat byte strings. A part has all that quotes are matched
// with later and nothing else, so that a contract keeps it instead of the text and its signature. It is these structs
// as they stand in the memory of a little-endian machine.
#pragma once
#include "dcap/chain.h"
#include "dcap/crl.h"
#include "dcap/trust.h"

enum dcap_kind { DCAP_KIND_ROOT_CRL = 1, DCAP_KIND_PCK_CRL, DCAP_KIND_TCB_INFO, DCAP_KIND_QE_IDENTITY };
struct dcap_part_head {
    uint8_t magic[3]; // "dp1"
    uint8_t kind;
    uint8_t tee;                   // enum dcap_tee, of TCB info and QE identity
    uint8_t ca;                    // enum dcap_ca, of a PCK CRL
    uint8_t from_part, until_part; // enum dcap_part: what begins last and ends first
    uint64_t issued, next_update;  // seconds since 1970: the text's own dates
    uint64_t from, until;          // with those of the certificates above it; both still belong to it
    uint64_t number;               // tcbEvaluationDataNumber; CRL number (its last 8 bytes)
    uint8_t text_hash[32];         // SHA-256 of the text (or DER) that was signed
    uint8_t root[32];              // x of the root key
    uint8_t signer[20], unused[4]; // serial number of the certificate that signed it, zeros before it
};
_Static_assert(sizeof(struct dcap_part_head) == 136, "a part looks the same on each machine");

// What a part is made from. Texts are as they were signed.
struct dcap_part_source {
    struct bytes text;        // JSON, or a list's DER
    const uint8_t *signature; // 64: r ‖ s, of JSON
    struct bytes chain;       // PEM: the signer first, the root last; for the root's list a chain that ends in the root
};
// Verifies a piece of collateral at `now` and makes its part in the arena. `root_crl` is the root CRL's part; for
// itself it is empty.
[[nodiscard]] bool dcap_part_verify(struct bytes *part, enum dcap_kind kind, const struct dcap_part_source *from,
                                    struct bytes root_crl, struct dcap_trust *trust, uint64_t now,
                                    struct dcap_arena *arena, struct dcap_fault *f);
// All four, in the order of enum dcap_kind. A part without a text stays as it is: with a root CRL that is kept already
// in part[0], the others can be verified alone.
[[nodiscard]] bool dcap_parts_verify(struct bytes part[4], const struct dcap_part_source from[4],
                                     struct dcap_trust *trust, uint64_t now, struct dcap_arena *arena,
                                     struct dcap_fault *f);
// A part's head, for whoever keeps parts. False with PART_MISSING or PART_FORMAT.
[[nodiscard]] bool dcap_part_open(struct dcap_part_head *head, struct bytes part, enum dcap_kind kind,
                                  struct dcap_fault *f);
// What is behind the head.
struct bytes dcap_part_body(struct bytes part);
// Of a revocation list's part: the key that signed it, x ‖ y, and the serial numbers for dcap_serials_have.
const uint8_t *dcap_part_crl_key(struct bytes part);
struct bytes dcap_part_serials(struct bytes part);
// That it is in force at `now` under this root, and that its signer is not in the root CRL's part (where that is
// given).
[[nodiscard]] bool dcap_part_in_force(struct dcap_part_head *head, struct bytes part, enum dcap_kind kind,
                                      struct bytes root_crl, const uint8_t root_key[64], uint64_t now,
                                      struct dcap_fault *f);
enum dcap_part dcap_kind_part(enum dcap_kind kind);
