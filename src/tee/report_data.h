// SPDX-License-Identifier: Apache-2.0
// What our quotes say: the 64 bytes of report data, which a quote carries signed. The first half says in clear what the
// quote is for, so that a quote made for one purpose never serves another; the second half is SHA-256 of a borsh record
// that fixes all that the purpose is about, network and contracts first.
//   0: "outlayer-quote-"  15: version 1  16: purpose  17: 15 zeros  32: SHA-256 of the record
// Readers compare all 64 bytes with what they make themselves.
#pragma once
#include "near/types.h"

#define REPORT_DATA_SIZE 64

enum quote_purpose {
    QUOTE_WORKER = 1,   // a key that answers requests was made in this TD
    QUOTE_KEYSTORE = 2, // so were a keystore's two keys, and it has the master secret
    QUOTE_BATCH = 3,    // these answers were given while this TD was sound
    QUOTE_SESSION = 4,  // a session between a worker and a keystore
    QUOTE_HANDOVER = 5, // one keystore asks another one for the master secret
};

struct report_data {
    uint8_t b[REPORT_DATA_SIZE];
};

// Where a quote counts: the network by its chain id, the register contract, and the contract that requests go to.
struct quote_place {
    const char *network, *register_contract, *main_contract;
};

// borsh("outlayer-quote-worker-v1", network, register, main, key, challenge[32])
struct report_data report_data_worker(const struct quote_place *p, const struct public_key *key,
                                      const struct hash *challenge);

// borsh("outlayer-quote-keystore-v1", network, register, main, identity, transport key[32], master check[32],
// challenge[32])
struct keystore_statement {
    struct public_key identity;
    uint8_t transport_key[32]; // X25519
    struct hash master_check, challenge;
};
struct report_data report_data_keystore(const struct quote_place *p, const struct keystore_statement *s);

// borsh("outlayer-quote-batch-v1", network, main, key, root[32], u32 leaves, u64 height, block hash[32])
struct batch_statement {
    struct public_key key; // the worker's
    struct hash root;      // of the tree of digests
    uint32_t leaves;
    uint64_t height; // of the block that was final when the batch was closed
    struct hash block_hash;
};
struct report_data report_data_batch(const struct quote_place *p, const struct batch_statement *s);

// borsh("outlayer-quote-session-v1", hash of the session's record[32])
struct report_data report_data_session(const struct hash *session);

// borsh("outlayer-quote-handover-v1", network, register, main, giver's and taker's identity, taker's X25519 key[32],
// nonce[32])
struct handover_statement {
    struct public_key giver, taker;
    uint8_t taker_key[32];
    uint8_t nonce[32];
};
struct report_data report_data_handover(const struct quote_place *p, const struct handover_statement *s);

// The register contract's challenge of a call in which its random seed was this one: SHA-256 over
// borsh("outlayer-challenge-v1") and the seed's bytes.
struct hash quote_challenge(struct slice random_seed);
