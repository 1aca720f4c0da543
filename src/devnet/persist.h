// SPDX-License-Identifier: Apache-2.0
// What survives a restart: the chain's state as keys and values, and the blocks with what finds them, in one SQLite
// file. A block is written whole or not at all, and before anybody sees it; after a crash at any moment the last
// written block is the chain's head. One process has the file (the folder's lock). Calls may come from several threads.
#pragma once
#include "crypto/hash.h"

#define PERSIST_SCHEMA 1

struct persist;

// Opens or makes <folder>/devnet.db. A file of a newer schema, or of another chain, is refused.
[[nodiscard]] bool persist_open(struct persist **out, const char *folder, const char *chain_id, struct err *e);
void persist_close(struct persist *p); // NULL is fine

// A fact about the chain that is decided once: the stored value, or `value` after storing it. *out lives in `a`.
[[nodiscard]] bool persist_fact(struct persist *p, const char *name, const char *value, struct arena *a,
                                const char **out, struct err *e);

struct persist_change {
    struct slice key, value;
    bool removed;
};

// What a hash names.
enum persist_kind {
    PERSIST_BLOCK = 1,
    PERSIST_CHUNK,
    PERSIST_TX,              // the block whose chunk has the transaction
    PERSIST_RECEIPT,         // the block whose chunk has the receipt
    PERSIST_RECEIPT_OUTCOME, // the block that executed it
    PERSIST_REFUND           // the block whose execution made it: a receipt that nobody waits for
};
struct persist_name {
    enum persist_kind kind;
    struct hash hash;
    uint32_t position; // within the block's list
};

struct persist_block {
    uint64_t height;
    struct slice head, body; // as persist_read gives them back
    const struct persist_change *changes;
    size_t change_count;
    const struct persist_name *names;
    size_t name_count;
};
// One transaction. `keep`: blocks older than the newest `keep` are forgotten with their names (0: none are).
[[nodiscard]] bool persist_write(struct persist *p, const struct persist_block *b, uint64_t keep, struct err *e);

// Every key of the state, in the order of the keys. false from `each` stops with its error.
[[nodiscard]] bool persist_state(struct persist *p,
                                 bool (*each)(void *ctx, struct slice key, struct slice value, struct err *e),
                                 void *ctx, struct err *e);
// Lowest and highest stored height; *any is false when there is no block yet.
[[nodiscard]] bool persist_range(struct persist *p, bool *any, uint64_t *lowest, uint64_t *highest, struct err *e);
// *found is false: not there (skipped, forgotten, not yet made).
[[nodiscard]] bool persist_read(struct persist *p, uint64_t height, struct arena *a, bool *found, struct slice *head,
                                struct slice *body, struct err *e);
struct persist_place {
    bool found;
    uint64_t height;
    uint32_t position;
};
[[nodiscard]] bool persist_find(struct persist *p, enum persist_kind kind, const struct hash *hash,
                                struct persist_place *out, struct err *e);
