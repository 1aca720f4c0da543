// SPDX-License-Identifier: Apache-2.0
// FastNEAR's neardata interface (docs/near.md, Blocks for indexers): whole blocks as JSON for indexers, waiting for the
// next one included.
#pragma once
#include "devnet/devnet.h"

// Handlers; the context is the struct devnet. The third segment of their paths is {height} ("final" or "optimistic" in
// last_block's); behind it nothing, "headers", "chunk/<shard>" or "shard/<shard>".
void neardata_block(struct http_request *r, void *net);
void neardata_last_block(struct http_request *r, void *net);
void neardata_first_block(struct http_request *r, void *net);
void neardata_block_opt(struct http_request *r, void *net);
void neardata_health(struct http_request *r, void *net);

// "/v0/block/{height}"'s body: {"block","shards"}.
const char *neardata_text(const struct stored_block *b, const char *author, struct arena *a);
