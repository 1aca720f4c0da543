// SPDX-License-Identifier: Apache-2.0
#include "devnet/neardata.h"

#include "base/text.h"
#include "codec/json.h"
#include "devnet/block_wait.h"
#include "http/server.h"
#include <inttypes.h>

#define AHEAD_MAX 10 // heights that are awaited
#define HEIGHT_MAX 1000000000000000ull
#define TYPE "application/json; charset=utf-8"
#define FOR_EVER "public, max-age=31536000"
#define FOR_A_DAY "public, max-age=86400"

static const char *chunk_text(const struct stored_block *b, const char *author, struct arena *a) {
    SCOPED_JSON(header) = render_chunk_header(&b->head, a);
    return arena_printf(a, "{\"author\":\"%s\",\"header\":%s,\"transactions\":%s,\"receipts\":%s}", author,
                        json_text(a, header), b->text.txs, b->text.receipts);
}

static const char *shard_text(const struct stored_block *b, const char *author, struct arena *a) {
    return arena_printf(a, "{\"shard_id\":%d,\"chunk\":%s,\"receipt_execution_outcomes\":%s,\"state_changes\":%s}",
                        CHAIN_SHARD, chunk_text(b, author, a), b->text.executions, b->text.changes);
}

static const char *block_text(const struct stored_block *b, const char *author, struct arena *a) {
    SCOPED_JSON(block) = render_block(&b->head, author, a);
    return json_text(a, block);
}

const char *neardata_text(const struct stored_block *b, const char *author, struct arena *a) {
    return arena_printf(a, "{\"block\":%s,\"shards\":[%s]}", block_text(b, author, a), shard_text(b, author, a));
}

static void reply(struct http_request *r, int status, const char *cache, const char *text) {
    http_add_header(r, "Cache-Control", cache);
    http_reply(r, status, TYPE, slice_str(text));
}

static void refuse(struct http_request *r, int status, const char *type, const char *text) {
    SCOPED_JSON(o) = json_object();
    json_set_text(o, "error", text);
    if (type)
        json_set_text(o, "type", type);
    // A block that is not there yet will be; that must not stay in a cache.
    reply(r, status, type && strcmp(type, "BLOCK_DOES_NOT_EXIST") == 0 ? "no-store" : FOR_A_DAY,
          json_text(http_arena(r), o));
}

enum part { PART_WHOLE, PART_HEADERS, PART_CHUNK, PART_SHARD, PART_UNKNOWN };

// What stands behind the height: "", "/headers", "/chunk/0".
static const char *suffix(struct http_request *r) {
    const char *p = http_path(r);
    for (int slashes = 0; *p; p++)
        if (*p == '/' && ++slashes == 4)
            break;
    return p;
}

static enum part part_of(struct http_request *r, const char **shard) {
    const char *s = suffix(r);
    *shard = "";
    if (!*s)
        return PART_WHOLE;
    if (strcmp(s, "/headers") == 0)
        return PART_HEADERS;
    bool chunk = strncmp(s, "/chunk/", 7) == 0;
    if (!chunk && strncmp(s, "/shard/", 7) != 0)
        return PART_UNKNOWN;
    *shard = s + 7;
    return chunk ? PART_CHUNK : PART_SHARD;
}

// The asked part; null when the block has no such shard.
static const char *part_text(struct http_request *r, const struct stored_block *b, const char *author) {
    struct arena *a = http_arena(r);
    const char *text;
    uint64_t shard;
    enum part part = part_of(r, &text);
    switch (part) {
    case PART_WHOLE: return neardata_text(b, author, a);
    case PART_HEADERS: return block_text(b, author, a);
    case PART_CHUNK:
    case PART_SHARD: break;
    case PART_UNKNOWN: return "null";
    }
    if (!text_u64(slice_str(text), &shard) || shard != CHAIN_SHARD)
        return "null";
    return part == PART_SHARD ? shard_text(b, author, a) : chunk_text(b, author, a);
}

static void reply_block(struct http_request *r, struct devnet *net, uint64_t height) {
    struct err e;
    SCOPED_BLOCK(b) = NULL;
    if (!history_at(net->history, height, &b, &e))
        http_reply_err(r, &e);
    else if (b)
        reply(r, 200, FOR_EVER, part_text(r, b, net->facts.validator.s));
    else
        reply(r, 200, FOR_A_DAY, "null"); // a skipped height
}

struct neardata_wait {
    struct block_wait wait;
    struct http_request *request;
};

static void waited(struct block_wait *wait, bool there) {
    struct neardata_wait *w = (struct neardata_wait *)wait;
    if (there)
        reply_block(w->request, wait->net, wait->height);
    else
        refuse(w->request, 404, "BLOCK_DOES_NOT_EXIST", "The block is not there yet");
}

static bool height_of(struct http_request *r, uint64_t *height) {
    bool ok = text_u64(slice_str(http_param(r, "height")), height);
    if (!ok)
        refuse(r, 400, NULL, "Invalid argument");
    return ok;
}

void neardata_block(struct http_request *r, void *ctx) {
    struct devnet *net = ctx;
    uint64_t height, head = history_head(net->history);
    const char *shard;
    if (part_of(r, &shard) == PART_UNKNOWN) {
        refuse(r, 404, NULL, "Not found");
        return;
    }
    if (!height_of(r, &height))
        return;
    if (height < net->facts.genesis_height || height < history_lowest(net->history)) {
        refuse(r, 404, "BLOCK_HEIGHT_TOO_LOW", "The block is before the first one that is kept");
    } else if (height > HEIGHT_MAX) {
        refuse(r, 404, "BLOCK_HEIGHT_TOO_HIGH", "The block height is too high");
    } else if (height > head + AHEAD_MAX) {
        refuse(r, 404, "BLOCK_DOES_NOT_EXIST", "The block is too far in the future");
    } else {
        struct neardata_wait *w = arena_calloc(http_arena(r), 1, sizeof *w);
        *w = (struct neardata_wait){{.net = net, .height = height, .done = waited}, r};
        block_wait(&w->wait);
    }
}

// To a block's own address, keeping the part and the key.
static void redirect(struct http_request *r, const char *to, uint64_t height, const char *part, const char *cache) {
    const char *key = http_query(r, "apiKey");
    http_add_header(r, "Cache-Control", cache);
    http_redirect(r, arena_printf(http_arena(r), "/v0/%s/%" PRIu64 "%s%s%s", to, height, part, key ? "?apiKey=" : "",
                                  key ? key : ""));
}

void neardata_last_block(struct http_request *r, void *ctx) {
    struct devnet *net = ctx;
    const char *which = http_param(r, "height");
    if (strcmp(which, "final") == 0)
        redirect(r, "block", history_head(net->history), suffix(r), "no-store");
    else if (strcmp(which, "optimistic") == 0)
        redirect(r, "block_opt", history_head(net->history), suffix(r), "no-store");
    else
        refuse(r, 404, NULL, "Not found");
}

void neardata_first_block(struct http_request *r, void *ctx) {
    struct devnet *net = ctx;
    redirect(r, "block", history_lowest(net->history), "", FOR_A_DAY);
}

// Every block is final at once: the optimistic one is the same. Older ones are at their own address.
void neardata_block_opt(struct http_request *r, void *ctx) {
    struct devnet *net = ctx;
    uint64_t height;
    if (!height_of(r, &height))
        return;
    if (height < history_head(net->history))
        redirect(r, "block", height, suffix(r), FOR_EVER);
    else
        neardata_block(r, ctx);
}

void neardata_health(struct http_request *r, void *ctx) {
    (void)ctx;
    reply(r, 200, "no-store", "{\"status\":\"ok\"}");
}
