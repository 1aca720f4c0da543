// SPDX-License-Identifier: Apache-2.0
// Transactions and actions in borsh (docs/near.md, Transactions), both ways. Decoded views point into the
// decoded bytes. hash = SHA-256 of the borsh transaction; the signature signs these 32 bytes.
#pragma once
#include "base/buf.h"
#include "codec/borsh.h"
#include "near/types.h"

#define NEAR_TX_MAX 1572864u
#define NEAR_ACTIONS_MAX 100

enum action_kind {
    ACTION_CREATE_ACCOUNT = 0,
    ACTION_DEPLOY_CONTRACT = 1,
    ACTION_FUNCTION_CALL = 2,
    ACTION_TRANSFER = 3,
    ACTION_STAKE = 4,
    ACTION_ADD_KEY = 5,
    ACTION_DELETE_KEY = 6,
    ACTION_DELETE_ACCOUNT = 7,
    ACTION_DELEGATE = 8,
};

struct access_key {
    uint64_t nonce;
    bool full_access;
    // function-call keys
    bool has_allowance;
    struct yocto allowance;
    struct account_id receiver;
    const char *const *methods; // empty: any
    size_t method_count;
};

struct delegate_action;
struct action {
    enum action_kind kind;
    struct slice code;         // deploy
    const char *method;        // function call
    struct slice args;         // function call
    struct gas gas;            // function call
    struct yocto deposit;      // function call, transfer, stake
    struct public_key key;     // stake, add key, delete key
    struct access_key access;  // add key
    struct account_id account; // delete account: beneficiary
    const struct delegate_action *delegate;
    struct signature delegate_signature;
};

struct delegate_action {
    struct account_id sender, receiver;
    struct action *actions;
    size_t action_count;
    uint64_t nonce, max_block_height;
    struct public_key key;
    struct hash signed_hash; // what the signature signs (prefix 2^30+366)
};

struct transaction {
    struct account_id signer;
    struct public_key key;
    uint64_t nonce;
    struct account_id receiver;
    struct hash block_hash;
    struct action *actions;
    size_t action_count;
};
struct signed_transaction {
    struct transaction tx;
    struct signature signature;
    struct hash hash;
};

void action_encode(struct buf *out, const struct action *a);
void transaction_encode(struct buf *out, const struct transaction *tx);
// Borsh of the signed transaction, ready for base64; *hash is the transaction's.
void transaction_sign(struct buf *out, struct hash *hash, const struct transaction *tx, const struct secret_key *key);
// Lists and texts go to `a`; action args and code point into bytes.
[[nodiscard]] bool signed_transaction_decode(struct signed_transaction *out, struct arena *a, struct slice bytes,
                                             struct err *e);

// Parts of it, for whoever keeps receipts and keys, or signs records with keys in them: the reader turns bad where they
// are malformed. `bytes_max` bounds code and arguments.
void public_key_encode(struct buf *out, const struct public_key *k);
void access_key_encode(struct buf *out, const struct access_key *k);
struct access_key access_key_decode(struct borsh *r, struct arena *a);
struct action *actions_decode(struct borsh *r, struct arena *a, size_t bytes_max, size_t *count);
