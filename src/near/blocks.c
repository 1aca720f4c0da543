// SPDX-License-Identifier: Apache-2.0
#include "near/blocks.h"

#include "base/text.h"
#include "http/client.h"
#include <inttypes.h>

#define URLS_MAX 8
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

// --- a block is large, and little of it is looked at: only that is parsed -------------------------------------------

struct scan {
    const uint8_t *at, *end;
};

static struct scan scan_of(struct slice text) {
    static const uint8_t none[1];
    return text.len ? (struct scan){text.ptr, text.ptr + text.len} : (struct scan){none, none};
}

static bool broken(struct err *e) { return err_set(e, ERR_INVALID, "block: not valid JSON"); }

static void skip_space(struct scan *s) {
    while (s->at < s->end && (*s->at == ' ' || *s->at == '\n' || *s->at == '\r' || *s->at == '\t'))
        s->at++;
}

static bool expect(struct scan *s, char c) {
    skip_space(s);
    if (s->at == s->end || *s->at != (uint8_t)c)
        return false;
    s->at++;
    return true;
}

// Behind the opening quotation mark. Most of a block is long texts: the end is looked for, not each of their
// characters.
static bool skip_text(struct scan *s) {
    const uint8_t *start = s->at, *found;
    while (s->at < s->end && (found = memchr(s->at, '"', (size_t)(s->end - s->at)))) {
        const uint8_t *slash = found;
        while (slash > start && slash[-1] == '\\')
            slash--;
        s->at = found + 1;
        if ((found - slash) % 2 == 0) // else it is a character of the text
            return true;
    }
    s->at = s->end;
    return false;
}

// Goes behind one value: brackets are counted, texts are no brackets. What is skipped is not looked at otherwise.
static bool take_value(struct scan *s, struct slice *out) {
    size_t depth = 0;
    skip_space(s);
    const uint8_t *start = s->at;
    do {
        if (s->at == s->end)
            return false;
        uint8_t c = *s->at++;
        if (c == '"' && !skip_text(s))
            return false;
        depth += c == '{' || c == '[';
        if (!depth && (c == ',' || c == ':'))
            return false;
        if ((c == '}' || c == ']') && depth-- == 0)
            return false;
        if (!depth && !strchr("\"}]", c))
            while (s->at < s->end && !strchr(",:]} \n\r\t", *s->at))
                s->at++;
    } while (depth);
    *out = slice_of(start, (size_t)(s->at - start));
    return true;
}

// The next element of a list, or member of an object: *more false behind the last one. `key` NULL: a list.
static bool take_next(struct scan *s, bool *first, bool *more, struct slice *key, struct slice *value) {
    *more = false;
    if (expect(s, key ? '}' : ']'))
        return true;
    *more = true;
    bool ok = *first || expect(s, ',');
    *first = false;
    return ok && (!key || (take_value(s, key) && expect(s, ':'))) && take_value(s, value);
}

// The values of two members of an object; NULL slices where there are none.
static bool members(struct slice object, const char *one, struct slice *first_value, const char *two,
                    struct slice *second_value) {
    struct scan s = scan_of(object);
    struct slice key, value;
    bool first = true, more = true;
    *first_value = *second_value = (struct slice){NULL, 0};
    if (!expect(&s, '{'))
        return false;
    while (take_next(&s, &first, &more, &key, &value) && more) {
        struct slice *to = slice_eq_str(key, one) ? first_value : slice_eq_str(key, two) ? second_value : NULL;
        if (to && to->ptr)
            return false; // twice
        if (to)
            *to = value;
    }
    skip_space(&s);
    return !more && s.at == s.end;
}

// --- the contract's logs

// The list with room for so many more.
static void make_room(struct arena *a, struct block_logs *out, size_t more, size_t *room) {
    if (out->log_count + more <= *room)
        return;
    *room = 2 * (out->log_count + more);
    struct block_log *logs = arena_calloc(a, *room, sizeof *logs);
    if (out->log_count)
        memcpy(logs, out->logs, out->log_count * sizeof *logs);
    out->logs = logs;
}

// One execution; nothing where it is another contract's, or failed.
static bool add_execution(struct arena *a, struct slice text, const char *contract, struct block_logs *out,
                          size_t *room, struct err *e) {
    if (!memmem(text.ptr, text.len, contract, strlen(contract)))
        return true;
    SCOPED_JSON(execution) = json_parse_big(text, BLOCK_BODY_MAX, e);
    if (!execution)
        return err_wrap(e, "block");
    const json_t *with_id = json_object_get(execution, "execution_outcome");
    const json_t *outcome = json_object_get(with_id, "outcome");
    const char *executor = json_string_value(json_object_get(outcome, "executor_id"));
    if (!executor || strcmp(executor, contract) != 0 || !succeeded(outcome))
        return true;
    make_room(a, out, json_array_size(json_object_get(outcome, "logs")), room);
    add_logs(a, execution, with_id, outcome, out);
    return true;
}

static bool add_shards(struct arena *a, struct slice shards, const char *contract, struct block_logs *out,
                       struct err *e) {
    struct scan s = scan_of(shards);
    struct slice shard, executions, none, one;
    size_t room = 0;
    bool first = true, more = true;
    if (!expect(&s, '['))
        return err_set(e, ERR_INVALID, "block: field 'shards' must be a list");
    while (take_next(&s, &first, &more, NULL, &shard) && more) {
        if (!members(shard, "\"receipt_execution_outcomes\"", &executions, "", &none))
            return broken(e);
        struct scan in = scan_of(executions);
        if (!expect(&in, '['))
            continue;
        bool in_first = true, in_more = true;
        while (take_next(&in, &in_first, &in_more, NULL, &one) && in_more)
            if (!add_execution(a, one, contract, out, &room, e))
                return false;
        if (in_more)
            return broken(e);
    }
    return !more || broken(e);
}

bool block_logs_parse(struct block_logs *out, struct arena *a, struct slice body, const char *contract, struct err *e) {
    struct slice block, shards, head, none;
    *out = (struct block_logs){0};
    if (slice_eq_str(body, "null")) {
        out->skipped = true;
        return true;
    }
    if (!members(body, "\"block\"", &block, "\"shards\"", &shards))
        return broken(e);
    if (!block.ptr || !shards.ptr)
        return err_set(e, ERR_INVALID, "block: field '%s' is missing", block.ptr ? "shards" : "block");
    if (!members(block, "\"header\"", &head, "", &none))
        return broken(e);
    if (!head.ptr)
        return err_set(e, ERR_INVALID, "block: field 'header' is missing");
    SCOPED_JSON(header) = json_parse_big(head, BLOCK_BODY_MAX, e);
    if (!header || !json_get_u64(header, "height", &out->height, e) ||
        !json_get_u64(header, "timestamp_nanosec", &out->timestamp_ns, e) ||
        !json_opt_u64(header, "prev_height", &out->prev_height, e))
        return err_wrap(e, "block");
    out->has_prev = json_is_integer(json_object_get(header, "prev_height"));
    return add_shards(a, shards, contract, out, e);
}

// --- the server ----------------------------------------------------------------------------------------------------

struct block_source {
    struct http_client *http;
    struct arena *arena;
    const char *urls[URLS_MAX];
    size_t count, preferred;
    const atomic_bool *cancel;
};

static bool add_url(struct block_source *s, struct slice url, struct err *e) {
    while (url.len && (url.ptr[url.len - 1] == '/' || url.ptr[url.len - 1] == ' '))
        url.len--;
    while (url.len && url.ptr[0] == ' ')
        url = slice_skip(url, 1);
    if (!url.len || s->count == URLS_MAX)
        return true;
    if (!slice_starts(url, SLICE_LIT("http://")) && !slice_starts(url, SLICE_LIT("https://"))) {
        err_set(e, ERR_SETTINGS, "the block source's URL is neither http nor https");
        return err_hint(e, "set NEARDATA_API_URL, for example https://mainnet.neardata.xyz");
    }
    s->urls[s->count++] = arena_text(s->arena, url);
    return true;
}

bool block_source_new(struct block_source **out, const char *urls, const atomic_bool *cancel, struct err *e) {
    struct block_source *s = xcalloc(1, sizeof *s);
    s->arena = arena_new();
    s->http = http_client_new();
    s->cancel = cancel;
    for (struct slice left = slice_str(urls); left.len;) {
        const uint8_t *comma = memchr(left.ptr, ',', left.len);
        size_t n = comma ? (size_t)(comma - left.ptr) : left.len;
        if (!add_url(s, slice_of(left.ptr, n), e)) {
            block_source_free(s);
            return false;
        }
        left = slice_skip(left, n + 1);
    }
    if (!s->count) {
        block_source_free(s);
        return err_set(e, ERR_SETTINGS, "no block source is given");
    }
    *out = s;
    return true;
}

void block_source_free(struct block_source *s) {
    if (!s)
        return;
    http_client_free(s->http);
    arena_free(s->arena);
    free(s);
}

void block_source_next(struct block_source *s) { s->preferred = (s->preferred + 1) % s->count; }

static bool get(struct block_source *s, struct arena *a, const char *path, struct http_answer *out, struct err *e) {
    struct http_call call = {.method = "GET",
                             .url = arena_printf(a, "%s%s", s->urls[s->preferred], path),
                             .timeout_ms = CALL_MS,
                             .max_answer = BLOCK_BODY_MAX,
                             .cancel = s->cancel};
    return http_call(s->http, a, &call, out, e);
}

static bool last_of(struct block_source *s, struct arena *a, uint64_t *height, struct err *e) {
    struct http_answer answer;
    json_t *header;
    if (!get(s, a, "/v0/last_block/final/headers", &answer, e))
        return false;
    if (answer.status != 200)
        return err_set(e, ERR_UNAVAILABLE, "the block source answers %d for its last block", answer.status);
    SCOPED_JSON(j) = json_parse_big(answer.body, BLOCK_BODY_MAX, e);
    return j && json_get_object(j, "header", &header, e) && json_get_u64(header, "height", height, e);
}

bool block_source_last(struct block_source *s, struct arena *a, uint64_t *height, struct err *e) {
    for (size_t i = 0; i < s->count; i++, block_source_next(s))
        if (last_of(s, a, height, e))
            return true;
    return false;
}

// What an answer other than a block means.
static bool no_block(const struct http_answer *answer, uint64_t height, struct err *e) {
    if (answer->status != 404)
        return err_set(e, ERR_UNAVAILABLE, "the block source answers %d for block %" PRIu64, answer->status, height);
    const char *body = (const char *)answer->body.ptr;
    if (answer->body.len && strstr(body, "BLOCK_HEIGHT_TOO_LOW"))
        return err_set(e, ERR_CORRUPT, "the block source has no block %" PRIu64 " any more", height);
    return err_set(e, ERR_NOT_FOUND, "block %" PRIu64 " is not there yet", height);
}

static bool get_from(struct block_source *s, struct arena *a, uint64_t height, const char *contract,
                     struct block_logs *out, struct err *e) {
    struct http_answer answer;
    if (!get(s, a, arena_printf(a, "/v0/block/%" PRIu64, height), &answer, e))
        return false;
    if (answer.status != 200)
        return no_block(&answer, height, e);
    if (!block_logs_parse(out, a, answer.body, contract, e)) {
        if (e)
            e->code = ERR_UNAVAILABLE; // it says nothing about the chain
        return err_wrap(e, "block %" PRIu64, height);
    }
    if (out->skipped)
        out->height = height;
    return out->height == height ||
           err_set(e, ERR_UNAVAILABLE, "the block source answers block %" PRIu64 " for %" PRIu64, out->height, height);
}

bool block_source_get(struct block_source *s, struct arena *a, uint64_t height, const char *contract,
                      struct block_logs *out, struct err *e) {
    struct err why = {0}, other = {0};
    for (size_t i = 0; i < s->count; i++) {
        if (get_from(s, a, height, contract, out, &why))
            return true;
        block_source_next(s);
        if (why.code == ERR_NOT_FOUND) // that took its time: the next server's turn comes with the next call
            break;
        if (why.code != ERR_CORRUPT)
            other = why;
    }
    if (e) // too old is a block for all of them, or not known to be
        *e = why.code == ERR_CORRUPT && other.code ? other : why;
    return false;
}

bool block_source_time(struct block_source *s, struct arena *a, uint64_t height, uint64_t *timestamp_ns, bool *skipped,
                       struct err *e) {
    struct http_answer answer;
    json_t *header;
    if (!get(s, a, arena_printf(a, "/v0/block/%" PRIu64 "/headers", height), &answer, e))
        return false;
    if (answer.status != 200)
        return no_block(&answer, height, e);
    *skipped = slice_eq_str(answer.body, "null");
    if (*skipped)
        return true;
    SCOPED_JSON(j) = json_parse_big(answer.body, BLOCK_BODY_MAX, e);
    return j && json_get_object(j, "header", &header, e) && json_get_u64(header, "timestamp_nanosec", timestamp_ns, e);
}
