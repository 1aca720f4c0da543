// SPDX-License-Identifier: Apache-2.0
// A quote from a call: what it is worth, what it binds, and which image it shows.
#pragma once
#include "args.h"
#include "collateral.h"

// What a registration is about; for keystores with two more values.
struct claim {
    const struct public_key *key;
    uint8_t role;
    struct hash transport_key, master_check; // of keystores
};

// The bytes of a text in hexadecimal digits or base64, in its place. Stops with words at anything else.
struct bytes quote_bytes(struct text t);

// What a quote is worth at that time, by the parts that are given or in force. After false there is a fault, and the
// verdict has what the quote claims as far as it was read.
extern struct dcap_verdict verdict;
bool quote_verify(struct bytes quote, struct state *s, uint64_t at);

enum binding {
    BINDS_CHALLENGE, // the claim and a challenge that counts
    BINDS_KEY,       // the bare key, which counts where the policy allows it
    BINDS_STALE,     // the claim and a challenge that is too old
    BINDS_PURPOSE,   // something for another purpose
    BINDS_OTHER,     // another key, challenge, contract or network
    BINDS_NOTHING    // that this contract knows
};
enum binding quote_binding(struct bytes report_data, const struct claim *c, const struct state *s);
bool binding_counts(enum binding b, const struct state *s);
const char *binding_sentence(enum binding b);

enum showing { SHOWS_IMAGE, SHOWS_NONE, SHOWS_LATER, SHOWS_EXPIRED, SHOWS_PROVIDER, SHOWS_BAD_LOG };
// The approved image of this role that the quote shows, by its registers or by its events (event_log may be empty).
enum showing quote_image(struct image *g, const struct dcap_quote *q, uint8_t role, struct text event_log,
                         const struct state *s, uint64_t now);
