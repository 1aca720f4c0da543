// SPDX-License-Identifier: Apache-2.0
// A NEAR chain of one shard in this process: state, transactions, receipts, contracts. It makes a block when told to
// and knows nothing of clocks, ports or files: block producer, JSON-RPC and persistence stand above it.
//
// Threads: every function may be called from any thread. One thread at a time makes blocks (a second one waits). Blocks
// and snapshots of the state never change once they can be seen; a reader holds its own reference, so a view call of a
// second neither waits for a block nor delays one. chain_read_begin/_end bracket looks that must see one and the same
// head; between them no block is published. They may nest.
#pragma once
#include "ledger/change.h"
#include "ledger/error.h"
#include "ledger/receipt.h"

struct chain;
struct chain_block;

#define CHAIN_PROTOCOL_VERSION 86
#define CHAIN_GAS_LIMIT 1000000000000000ull // of a chunk; what is left over waits for the next one
#define CHAIN_YIELD_BLOCKS 200
#define CHAIN_POOL_MAX 100000 // accepted transactions that wait for a block
#define CHAIN_SHARD 0

struct chain_genesis_account {
    struct account_id id;
    struct yocto balance, locked;
    const struct public_key *keys; // full access, nonce 0
    size_t key_count;
    struct slice code; // empty: none
};

struct chain_config {
    const char *chain_id;
    uint64_t genesis_height; // above 0: nonces of new keys start at (height - 1) * 10^6
    uint64_t genesis_time_ns;
    const struct chain_genesis_account *accounts; // used only where there is no state yet
    size_t account_count;
    struct account_id validator; // author of all blocks
    struct public_key validator_key;
    uint64_t epoch_length;         // in blocks
    uint64_t tx_validity_period;   // in blocks, as transactions name one: 86400
    uint64_t history;              // blocks (and states) kept in memory; older ones are forgotten. 0: 10000
    uint64_t min_top_level_length; // 0: anybody may create top-level accounts; 65: only the registrar
    struct account_id registrar;
    // Called with each new block, the genesis included, before anybody sees it. false: the block did not happen, its
    // transactions wait for the next one. `block->writes` is all that has to be stored to go on from here.
    bool (*journal)(void *ctx, const struct chain_block *block, struct err *e);
    void *journal_ctx;
};

// Makes a chain without a head. Texts and lists of `config` are copied. Then either restore all entries of a stored
// state and start, or just start: then the genesis is made (and journalled).
[[nodiscard]] bool chain_create(struct chain **out, const struct chain_config *config, struct err *e);
// One stored entry; `chain` is the struct chain. The signature is that of an iteration's callback.
[[nodiscard]] bool chain_restore(void *chain, struct slice key, struct slice value, struct err *e);
[[nodiscard]] bool chain_start(struct chain *c, struct err *e);
void chain_destroy(struct chain *c); // NULL is fine; nobody may use it any more, blocks that are still held stay good

void chain_read_begin(struct chain *c);
void chain_read_end(struct chain *c);

// --- what blocks hold ----------------------------------------------------------------------------------------------
enum outcome_status { OUTCOME_FAILURE, OUTCOME_VALUE, OUTCOME_RECEIPT };
struct gas_cost {
    const char *category; // "ACTION_COST" or "WASM_HOST_COST"
    const char *name;     // "NEW_ACTION_RECEIPT"
    uint64_t gas;
};
struct outcome {
    struct hash id; // of the transaction or receipt
    struct account_id executor;
    enum outcome_status status;
    struct slice value;                      // VALUE
    struct hash next;                        // RECEIPT: whose outcome counts
    const struct tx_error *tx_error;         // FAILURE of a transaction, otherwise NULL
    const struct action_error *action_error; // FAILURE of a receipt, otherwise NULL
    const struct slice *logs;
    size_t log_count;
    const struct hash *receipt_ids;
    size_t receipt_count;
    size_t refund_count; // the last ones of receipt_ids: refunds, which nobody waits for
    uint64_t gas_burnt;
    u128 tokens_burnt;
    const struct gas_cost *profile; // empty for transactions
    size_t profile_count;
};
struct chain_tx { // a transaction of the chunk, and what converting it to a receipt did
    const struct signed_transaction *tx;
    size_t size;                   // bytes of the signed transaction
    const struct receipt *receipt; // NULL: refused when its turn came (outcome.tx_error)
    struct outcome outcome;
};
struct chain_execution { // an action receipt that ran in this block
    const struct receipt *receipt;
    struct outcome outcome;
};

struct chain_block {
    uint64_t height, prev_height, ordinal; // heights can be skipped (chain_skip), ordinals not
    struct hash hash, prev_hash;
    struct hash last_final, last_ds_final; // block hashes; zeros at the beginning
    struct hash epoch_id, next_epoch_id;
    uint64_t epoch_height, epoch_start;
    uint64_t timestamp_ns;
    struct hash random_value;
    u128 gas_price, total_supply;
    struct hash block_merkle_root;

    struct hash chunk_hash;
    struct hash state_root, prev_state_root; // after this block; after the one before (what a chunk header shows)
    struct hash tx_root, receipts_root, outcome_root;
    uint64_t gas_used;
    u128 balance_burnt;
    struct signature signature; // zeros: blocks are not signed

    const struct chain_tx *txs;
    size_t tx_count;
    const struct receipt *const *receipts; // delivered with this chunk: from earlier blocks, and local ones
    size_t receipt_count;
    const struct chain_execution *executions;
    size_t execution_count;
    const struct chain_change *changes;
    size_t change_count;
    const struct chain_write *writes; // valid only inside the journal
    size_t write_count;
};
const struct chain_block *chain_block_ref(const struct chain_block *b);
void chain_block_unref(const struct chain_block *b); // NULL is fine

// --- transactions and blocks -----------------------------------------------------------------------------------------
enum submit_result {
    SUBMIT_ACCEPTED, // in the pool, the next block takes it
    SUBMIT_KNOWN,    // the same transaction waits already or stands in a block in memory
    SUBMIT_INVALID,  // *why says it
    SUBMIT_FULL,     // CHAIN_POOL_MAX
};
// Judges a decoded transaction by the head's state and changes nothing: SUBMIT_ACCEPTED says that it would be taken.
enum submit_result chain_judge(struct chain *c, struct slice bytes, const struct signed_transaction *tx,
                               struct tx_error *why);
// Judges it and puts it into the pool. `bytes` is its whole borsh form, copied.
enum submit_result chain_submit(struct chain *c, struct slice bytes, const struct signed_transaction *tx,
                                struct tx_error *why);
// Receipts are under way, or transactions wait: another block would do something.
bool chain_busy(struct chain *c);
// Makes and publishes one block. The timestamp is raised to at least that of the one before + 1. *out (may be NULL) is
// a reference. Fails only when the journal does.
[[nodiscard]] bool chain_produce_block(struct chain *c, uint64_t timestamp_ns, const struct chain_block **out,
                                       struct err *e);
// The next block's height is that much more than usual; what is in between is skipped.
void chain_skip(struct chain *c, uint64_t heights);

// An entry to be written with the next block, unconditionally (sandbox_patch_state). Fails on nothing but a full queue.
// kind ACCOUNT writes amount, locked and storage_usage (code_hash only where code follows), `removed` removes.
[[nodiscard]] bool chain_patch(struct chain *c, const struct chain_change *change, struct err *e);
// The block of this height, or the first above it, has everything that has been patched so far: one that is being made
// right now may have begun before.
uint64_t chain_patch_height(struct chain *c);

// --- finding --------------------------------------------------------------------------------------------------------
// All give a reference to the block (NULL: not in memory) and pointers into it.
const struct chain_block *chain_head(struct chain *c);
const struct chain_block *chain_block_by_hash(struct chain *c, const struct hash *hash);
const struct chain_block *chain_find_tx(struct chain *c, const struct hash *hash, const struct chain_tx **tx);
const struct chain_block *chain_find_execution(struct chain *c, const struct hash *id,
                                               const struct chain_execution **execution);
struct hash chain_genesis_hash(struct chain *c);

// --- looking at the state
enum view_error_kind {
    VIEW_UNKNOWN_BLOCK, // no such block in memory (forgotten, or never there)
    VIEW_UNKNOWN_ACCOUNT,
    VIEW_UNKNOWN_KEY,
    VIEW_NO_CODE,
    VIEW_TOO_LARGE,     // more than VIEW_STATE_MAX bytes, and not by pages
    VIEW_TOO_MANY_KEYS, // more than VIEW_KEYS_MAX, and not by pages
    VIEW_EXECUTION,     // `call`; `logs` of the answer are filled
};
struct view_error {
    enum view_error_kind kind;
    struct call_error call;
};
// The state behind a block. The head's, or an older one's as long as history reaches. NULL: no such block in memory.
struct snapshot;
struct snapshot *chain_snapshot(struct chain *c, const struct chain_block *block);
void snapshot_free(struct snapshot *s);                             // NULL is fine
const struct chain_block *snapshot_block(const struct snapshot *s); // borrowed

// What they give lives in `a`.
[[nodiscard]] bool view_account(const struct snapshot *s, const struct account_id *id, struct account_state *out,
                                struct view_error *why);
[[nodiscard]] bool view_access_key(const struct snapshot *s, struct arena *a, const struct account_id *id,
                                   const struct public_key *key, struct access_key *out, struct view_error *why);

// Lists are given whole up to a limit, or by pages. A page is asked for by its length (`limit`, 0: as long as pages
// are) or by the entry that it follows (`after`, NULL: the first page); `more` of the answer tells that entries follow,
// and the last one given is where the next page begins.
#define VIEW_STATE_MAX 50000      // bytes of keys and values
#define VIEW_STATE_PAGE_MAX 10000 // entries; a page also ends with the entry that makes VIEW_STATE_MAX bytes full
#define VIEW_KEYS_MAX 100

struct keyed_access {
    struct public_key key;
    struct access_key access;
};
struct view_keys {
    struct keyed_access *list;
    size_t count;
    bool more;
};
// An account that does not exist has no keys: that is no error.
[[nodiscard]] bool view_access_keys(const struct snapshot *s, struct arena *a, const struct account_id *id,
                                    const struct public_key *after, uint32_t limit, struct view_keys *out,
                                    struct view_error *why);
[[nodiscard]] bool view_code(const struct snapshot *s, struct arena *a, const struct account_id *id, struct slice *code,
                             struct hash *code_hash, struct view_error *why);
struct view_entry {
    struct slice key, value;
};
struct view_entries {
    struct view_entry *list;
    size_t count;
    bool more;
};
// `after` starts with `prefix`.
[[nodiscard]] bool view_state(const struct snapshot *s, struct arena *a, const struct account_id *id,
                              struct slice prefix, const struct slice *after, uint32_t limit, struct view_entries *out,
                              struct view_error *why);
struct view_call_result {
    struct slice value;
    struct slice *logs;
    size_t log_count;
    uint64_t gas_burnt;
};
[[nodiscard]] bool view_call(const struct snapshot *s, struct arena *a, const struct account_id *id, const char *method,
                             struct slice args, struct view_call_result *out, struct view_error *why);
// The message that nodes give for it: "account x does not exist while viewing".
char *view_error_text(struct arena *a, const struct view_error *why, const struct account_id *id,
                      const struct public_key *key);

// The parameters of this chain as EXPERIMENTAL_protocol_config's "runtime_config".
json_t *chain_runtime_config(const struct chain *c);
