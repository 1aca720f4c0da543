// SPDX-License-Identifier: Apache-2.0
// The state while a block is made (or a view call runs): a version of the trie, and above it what has changed so far.
// Changes can be taken back to a mark; at the end they become the next version. One thread.
//
// Keys are NEAR's own, so that a look visits as many trie nodes as there:
//   00 account · 01 code · 02 access key · 03 received data · 04 who waits for the data · 05 how many it waits for
//   06 the receipt that waits · 09 contract data · 0b yield timeouts · 0c yield receipts · 14 their status
// and f0… for what NEAR keeps elsewhere: the head, the queue of receipts, block hashes.
#pragma once
#include "ledger/change.h"
#include "ledger/trie.h"

#define STORAGE_ACCOUNT 100                                // bytes that an account counts for
#define STORAGE_RECORD 40                                  // bytes that each record counts for more
#define STORAGE_BYTE_PRICE ((u128)10000000000000000000ull) // yocto
#define STORAGE_FREE 770                                   // accounts up to this size need no balance

struct state;

// Takes over the reference to `base`. Lists that come out live in `a`, which must outlive the state.
struct state *state_new(struct trie_node *base, struct arena *a);
void state_free(struct state *s); // NULL is fine

// Borrowed until the state is freed, also when the key changes. NULL: not there.
struct blob *state_get(struct state *s, struct slice key);
void state_put(struct state *s, struct slice key, struct slice value);
void state_remove(struct state *s, struct slice key);
// The key was changed since the block began (and not taken back).
bool state_touched(struct state *s, struct slice key);
// Nodes that a look for the key visits in the version below.
unsigned state_depth(struct state *s, struct slice key);

size_t state_mark(struct state *s);
void state_rollback(struct state *s, size_t mark);
// Notes what has changed since the mark as this cause's doing, for state_changes.
void state_record(struct state *s, size_t mark, enum change_cause cause, const struct hash *cause_hash);

const struct chain_change *state_changes(struct state *s, size_t *count);
// What has changed, in the order of first change, each key once. Valid until the state is freed.
const struct chain_write *state_writes(struct state *s, size_t *count);
// A new version with the changes in it; the caller's reference.
struct trie_node *state_publish(struct state *s);
// Entries with the prefix, changes included; the order is that of the keys below, new ones behind. Collected before
// the first call, so `each` may change them.
bool state_walk(struct state *s, struct slice prefix, trie_each_fn *each, void *ctx);

// --- keys ------------------------------------------------------------------------------------------------------------
struct state_key {
    size_t len;
    uint8_t b[TRIE_KEY_MAX];
};
static inline struct slice key_slice(const struct state_key *k) { return slice_of(k->b, k->len); }
enum state_column {
    COLUMN_ACCOUNT = 0x00,
    COLUMN_CODE = 0x01,
    COLUMN_ACCESS_KEY = 0x02,
    COLUMN_RECEIVED_DATA = 0x03,
    COLUMN_POSTPONED_ID = 0x04,
    COLUMN_PENDING_COUNT = 0x05,
    COLUMN_POSTPONED = 0x06,
    COLUMN_DATA = 0x09,
    COLUMN_YIELD_TIMEOUT = 0x0b,
    COLUMN_YIELD = 0x0c,
    COLUMN_YIELD_STATUS = 0x14,
    COLUMN_YIELD_ID = 0x16,      // chosen id -> data id
    COLUMN_YIELD_ID_BACK = 0x17, // data id -> chosen id
    COLUMN_HEAD = 0xf0,
    COLUMN_QUEUE = 0xf1,
    COLUMN_BLOCK_HEIGHT = 0xf2, // by hash
    COLUMN_BLOCK_HASH = 0xf3,   // by height
};
// Column and account id; further parts are added. All return the key as a slice.
struct slice key_of_account(struct state_key *k, enum state_column column, const struct account_id *id);
struct slice key_of_access(struct state_key *k, const struct account_id *id, const struct public_key *key);
// column account ',' rest
struct slice key_of_part(struct state_key *k, enum state_column column, const struct account_id *id, struct slice rest);
// column and a number, big endian, so that walks follow the numbers
struct slice key_of_number(struct state_key *k, enum state_column column, uint64_t n);
struct slice key_of_hash(struct state_key *k, enum state_column column, const struct hash *hash);

// --- records
bool account_get(struct state *s, const struct account_id *id, struct account_state *out);
void account_put(struct state *s, const struct account_id *id, const struct account_state *v);
void account_remove(struct state *s, const struct account_id *id); // with keys, code and data
bool account_decode(struct account_state *out, struct slice bytes);

bool access_get(struct state *s, struct arena *a, const struct account_id *id, const struct public_key *key,
                struct access_key *out);
void access_put(struct state *s, const struct account_id *id, const struct public_key *key, const struct access_key *v);
void access_remove(struct state *s, const struct account_id *id, const struct public_key *key);
// Bytes that the key counts for, the record included.
uint64_t access_storage(const struct public_key *key, const struct access_key *v);
// The key of a COLUMN_ACCESS_KEY entry.
bool access_key_of(struct public_key *out, struct slice state_key, size_t account_len);

// What the balance lacks to cover its storage; 0: nothing.
u128 storage_lack(const struct account_state *v);
