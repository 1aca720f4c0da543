// SPDX-License-Identifier: Apache-2.0
// Final blocks from a neardata server (docs/near.md, Blocks for indexers), and what one contract logged in them.
#pragma once
#include "codec/json.h"
#include "near/types.h"
#include <stdatomic.h>

#define BLOCK_BODY_MAX (64u << 20)

struct block_log {
    struct slice text;
    const char *tx_hash; // "" where the server does not say
    const char *receipt_id, *predecessor_id, *signer_id, *signer_public_key;
    uint64_t gas_burnt;
};
struct block_logs {
    bool skipped; // there is no block of this height
    uint64_t height, timestamp_ns;
    bool has_prev; // the block says which one is before it, which tells what was skipped rightly
    uint64_t prev_height;
    struct block_log *logs; // in the order of execution; of receipts that succeeded only
    size_t log_count;
};
// A body of /v0/block/{height}. Everything lives in `a`.
[[nodiscard]] bool block_logs_parse(struct block_logs *out, struct arena *a, struct slice body, const char *contract,
                                    struct err *e);

struct block_source; // for one thread
// urls: as in NEARDATA_API_URL, several separated by commas: the next one is asked when one cannot be reached or makes
// no sense. `cancel` is looked at while a call waits (shutdown).
[[nodiscard]] bool block_source_new(struct block_source **out, const char *urls, const atomic_bool *cancel,
                                    struct err *e);
void block_source_free(struct block_source *s); // NULL is fine
[[nodiscard]] bool block_source_last(struct block_source *s, struct arena *a, uint64_t *height, struct err *e);
// Gets the block of `height`. ERR_NOT_FOUND says that there is none yet, after the server has waited for it as long as
// it does; ERR_CORRUPT says that no server has it any more.
[[nodiscard]] bool block_source_get(struct block_source *s, struct arena *a, uint64_t height, const char *contract,
                                    struct block_logs *out, struct err *e);
// When a block was made; *skipped: there is none of this height.
[[nodiscard]] bool block_source_time(struct block_source *s, struct arena *a, uint64_t height, uint64_t *timestamp_ns,
                                     bool *skipped, struct err *e);
// Another server is asked first from now on: what the last one said is doubted.
void block_source_next(struct block_source *s);
