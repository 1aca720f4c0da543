// SPDX-License-Identifier: Apache-2.0
#include "near/blocks.h"

#include "base/text.h"
#include "http/client.h"
#include <inttypes.h>

#define CALL_MS 40000 // servers hold a height that is about to come for 10 to 30 s

// --- what stands in a block ----------------------------------------------------------------------------------------

static bool succeeded(const json_t *outcome) {
    const json_t *status = json_object_get(outcome, "status");
    return json_object_get(status, "SuccessValue") || json_object_get(status, "SuccessReceiptId");
}

static const char *text_of(struct arena *a, const json_t *o, const char *key) {
    const char *s = json_string_value(json_object_get(o, key));
    return s ? arena_strdup(a, s) : "";
}

static void add_logs(struct arena *a, const json_t *execution, const json_t *with_id, const json_t *outcome,
                     struct block_logs *out) {
    const json_t *receipt = json_object_get(execution, "receipt"), *lines = json_object_get(outcome, "logs");
    const json_t *action = json_object_get(json_object_get(receipt, "receipt"), "Action");
    struct block_log common = {.tx_hash = text_of(a, execution, "tx_hash"),
                               .receipt_id = text_of(a, with_id, "id"),
                               .predecessor_id = text_of(a, receipt, "predecessor_id"),
                               .signer_id = text_of(a, action, "signer_id"),
                               .signer_public_key = text_of(a, action, "signer_public_key")};
    (void)!json_opt_u64(outcome, "gas_burnt", &common.gas_burnt, NULL);
    for (size_t i = 0; i < json_array_size(lines); i++) {
        const json_t *line = json_array_get(lines, i);
        if (!json_is_string(line))
            continue;
        struct block_log *log = &out->logs[out->log_count++];
        *log = common;
        log->text = arena_copy(a, slice_of(json_string_value(line), json_string_length(line)));
    }
}

// Calls `each` for executions of the contract that succeeded; NULL: counts their lines only.
static size_t visit(struct arena *a, const json_t *shards, const char *contract, struct block_logs *out) {
    size_t lines = 0, s, i;
    json_t *shard, *execution;
    json_array_foreach(shards, s, shard) {
        json_array_foreach(json_object_get(shard, "receipt_execution_outcomes"), i, execution) {
            const json_t *with_id = json_object_get(execution, "execution_outcome");
            const json_t *outcome = json_object_get(with_id, "outcome");
            const char *executor = json_string_value(json_object_get(outcome, "executor_id"));
            if (!executor || strcmp(executor, contract) != 0 || !succeeded(outcome))
                continue;
            lines += json_array_size(json_object_get(outcome, "logs"));
            if (out)
                add_logs(a, execution, with_id, outcome, out);
        }
    }
    return lines;
}

bool block_logs_parse(struct arena *a, struct slice body, const char *contract, struct block_logs *out, struct err *e) {
    *out = (struct block_logs){0};
    if (slice_eq_str(body, "null")) {
        out->skipped = true;
        return true;
    }
    SCOPED_JSON(j) = json_parse_big(body, BLOCK_BODY_MAX, e);
    json_t *block, *header, *shards;
    if (!j || !json_get_object(j, "block", &block, e) || !json_get_object(block, "header", &header, e) ||
        !json_get_u64(header, "height", &out->height, e) ||
        !json_get_u64(header, "timestamp_nanosec", &out->timestamp_ns, e) || !json_get_array(j, "shards", &shards, e))
        return err_wrap(e, "block");
    out->logs = arena_calloc(a, visit(a, shards, contract, NULL), sizeof *out->logs);
    visit(a, shards, contract, out);
    return true;
}

// --- the server ----------------------------------------------------------------------------------------------------

struct block_source {
    struct http_client *http;
    char *url;
    const atomic_bool *cancel;
};

bool block_source_new(struct block_source **out, const char *url, const atomic_bool *cancel, struct err *e) {
    size_t n = strlen(url);
    if (strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0) {
        err_set(e, ERR_SETTINGS, "the block source's URL is neither http nor https");
        return err_hint(e, "set NEARDATA_API_URL, for example https://mainnet.neardata.xyz");
    }
    struct block_source *s = xcalloc(1, sizeof *s);
    s->url = xstrdup(url);
    while (n && s->url[n - 1] == '/')
        s->url[--n] = 0;
    s->http = http_client_new();
    s->cancel = cancel;
    *out = s;
    return true;
}

void block_source_free(struct block_source *s) {
    if (!s)
        return;
    http_client_free(s->http);
    free(s->url);
    free(s);
}

static bool get(struct block_source *s, struct arena *a, const char *path, struct http_answer *out, struct err *e) {
    struct http_call call = {.method = "GET",
                             .url = arena_printf(a, "%s%s", s->url, path),
                             .timeout_ms = CALL_MS,
                             .max_answer = BLOCK_BODY_MAX,
                             .cancel = s->cancel};
    return http_call(s->http, a, &call, out, e);
}

bool block_source_last(struct block_source *s, struct arena *a, uint64_t *height, struct err *e) {
    struct http_answer answer;
    if (!get(s, a, "/v0/last_block/final/headers", &answer, e))
        return false;
    if (answer.status != 200)
        return err_set(e, ERR_UNAVAILABLE, "the block source answers %d for its last block", answer.status);
    SCOPED_JSON(j) = json_parse_big(answer.body, BLOCK_BODY_MAX, e);
    json_t *header;
    return j && json_get_object(j, "header", &header, e) && json_get_u64(header, "height", height, e);
}

bool block_source_get(struct block_source *s, struct arena *a, uint64_t height, const char *contract,
                      struct block_logs *out, struct err *e) {
    struct http_answer answer;
    if (!get(s, a, arena_printf(a, "/v0/block/%" PRIu64, height), &answer, e))
        return false;
    if (answer.status == 404) {
        bool low = strstr((const char *)answer.body.ptr, "BLOCK_HEIGHT_TOO_LOW") != NULL;
        return low ? err_set(e, ERR_CORRUPT, "the block source has no block %" PRIu64 " any more", height)
                   : err_set(e, ERR_NOT_FOUND, "block %" PRIu64 " is not there yet", height);
    }
    if (answer.status != 200)
        return err_set(e, ERR_UNAVAILABLE, "the block source answers %d for block %" PRIu64, answer.status, height);
    if (!block_logs_parse(a, answer.body, contract, out, e))
        return err_wrap(e, "block %" PRIu64, height);
    if (out->skipped)
        out->height = height;
    return out->height == height ||
           err_set(e, ERR_UNAVAILABLE, "the block source answers block %" PRIu64 " for %" PRIu64, out->height, height);
}
