// SPDX-License-Identifier: Apache-2.0
// Parameters of JSON-RPC methods, in the object form and in the older list forms that clients still send. All fail with
// ERR_INVALID and a message that names the field. What they give lives in the given arena or in the parameters.
#pragma once
#include "codec/json.h"
#include "near/types.h"

enum block_ref_kind { BLOCK_REF_LATEST, BLOCK_REF_EARLIEST, BLOCK_REF_HEIGHT, BLOCK_REF_HASH };
struct block_ref {
    enum block_ref_kind kind;
    uint64_t height;
    struct hash hash;
};
// A height or a hash.
[[nodiscard]] bool param_block_id(const json_t *v, struct block_ref *out, struct err *e);
// Object with block_id, finality or sync_checkpoint (a null one counts as absent), or list with a block id (null: the
// latest). `needed`: an object with none of them is an error, else it means the latest.
[[nodiscard]] bool param_block_ref(const json_t *params, bool needed, struct block_ref *out, struct err *e);
// The reference as clients expect it back in an error's info.
json_t *block_ref_json(const struct block_ref *ref, struct arena *a);

[[nodiscard]] bool param_account(const json_t *params, const char *key, struct account_id *out, struct err *e);
[[nodiscard]] bool param_key(const json_t *params, const char *key, struct public_key *out, struct err *e);
[[nodiscard]] bool param_hash(const json_t *params, const char *key, struct hash *out, struct err *e);
// How many entries a page shall have, and where it begins; both may be absent.
struct param_page {
    uint32_t limit;    // 0: not told
    const char *after; // NULL: not told
};
// {"limit", <after>}: `limit` is at least 1.
[[nodiscard]] bool param_page(const json_t *params, const char *after, struct param_page *out, struct err *e);
// Absent or null is empty.
[[nodiscard]] bool param_base64(const json_t *params, const char *key, struct arena *a, struct slice *out,
                                struct err *e);

// How far a transaction has to be before the answer is sent, in this order.
#define WAIT_LEVELS(X)                                                                                                 \
    X(WAIT_NONE, "NONE")                                                                                               \
    X(WAIT_INCLUDED, "INCLUDED")                                                                                       \
    X(WAIT_EXECUTED_OPTIMISTIC, "EXECUTED_OPTIMISTIC")                                                                 \
    X(WAIT_INCLUDED_FINAL, "INCLUDED_FINAL")                                                                           \
    X(WAIT_EXECUTED, "EXECUTED")                                                                                       \
    X(WAIT_FINAL, "FINAL")
enum wait_level {
#define X(level, text) level,
    WAIT_LEVELS(X)
#undef X
};
const char *wait_level_text(enum wait_level level);

// A transaction to look at or to send: {tx_hash, sender_account_id, wait_until}, [hash, account],
// {signed_tx_base64, wait_until} or [base64].
struct param_tx {
    struct slice bytes; // empty: `hash` names it
    struct hash hash;
    enum wait_level wait; // WAIT_EXECUTED_OPTIMISTIC unless told
};
[[nodiscard]] bool param_tx(const json_t *params, struct arena *a, struct param_tx *out, struct err *e);

// A query in the older form ["account/alice.near", ""] as its object form (new reference).
[[nodiscard]] json_t *param_legacy_query(const json_t *params, struct arena *a, struct err *e);
