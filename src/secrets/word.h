// SPDX-License-Identifier: Apache-2.0
// The word of an account: a message that one of its keys signed (NEP-413), for one act at one coordinator, until a
// moment. Whoever takes it looks up on the chain whether the key has full access (near/chain_view.h), and remembers the
// nonce where an act must not be done twice. It is carried as base64 of JSON behind "Authorization: NEP413 ".
#pragma once
#include "secrets/record.h"

#define WORD_SCHEME "NEP413 "
#define WORD_TEXT_MAX 8192   // in base64
#define WORD_AHEAD_MS 900000 // how far its end may lie ahead
#define WORD_COORDINATOR_MAX 256

struct word {
    const char *account;
    const char *coordinator;  // as the signer knows it: https://host[:port]; also what NEP-413 calls the recipient
    const char *callback_url; // NULL: none
    struct public_key key;
    struct signature signature;
    uint8_t nonce[NONCE_SIZE];
    uint64_t valid_until_ms; // since 1970
};

// From {"account_id","public_key","nonce","signature","coordinator","valid_until_ms","callback_url"?} in base64. Texts
// are in `a`. Members that are not known are refused.
[[nodiscard]] bool word_read(struct word *out, struct arena *a, const char *base64, struct err *e);
// Has the key sign it for `act`, which sets its key, nonce and signature, and writes it as it is carried, in `a`. For
// an account whose key is here; a wallet does the same.
const char *word_sign(struct arena *a, struct word *w, const struct secret_key *key, const char *network,
                      const char *act);
// What the wallet shows and signs. `act` says what is done, in printable words on one line.
const char *word_message(struct arena *a, const struct word *w, const char *network, const char *act);
// Whether its key signed it for `act`, and its time is not over; whose key it is, the chain knows. ERR_UNAUTHORIZED.
[[nodiscard]] bool word_check(const struct word *w, const char *network, const char *act, uint64_t now_ms,
                              struct err *e);

// Nonces are base64 of 32 bytes; signatures "ed25519:…" as NEAR writes them, or base64 of 64 bytes as NEP-413 does.
[[nodiscard]] bool nep413_nonce_parse(uint8_t out[static NONCE_SIZE], const char *text, struct err *e);
[[nodiscard]] bool nep413_signature_parse(struct signature *out, const char *text, struct err *e);
