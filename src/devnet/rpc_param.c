// SPDX-License-Identifier: Apache-2.0
#include "devnet/rpc_param.h"

#include "codec/hex.h"

static json_t *field(const json_t *o, const char *key) {
    json_t *v = json_object_get(o, key);
    return json_is_null(v) ? NULL : v;
}

static struct slice text_of(const json_t *v) { return slice_of(json_string_value(v), json_string_length(v)); }

bool param_block_id(const json_t *v, struct block_ref *out, struct err *e) {
    if (json_is_integer(v) && json_integer_value(v) >= 0) {
        *out = (struct block_ref){.kind = BLOCK_REF_HEIGHT, .height = (uint64_t)json_integer_value(v)};
        return true;
    }
    *out = (struct block_ref){.kind = BLOCK_REF_HASH};
    if (json_is_string(v) && hash_from_base58(&out->hash, text_of(v), NULL))
        return true;
    return err_set(e, ERR_INVALID, "a block id is a height or a base58 hash");
}

static bool finality(const json_t *v, struct block_ref *out, struct err *e) {
    static const char *const known[] = {"optimistic", "near-final", "final"};
    *out = (struct block_ref){.kind = BLOCK_REF_LATEST};
    for (size_t i = 0; json_is_string(v) && i < ARRAY_LEN(known); i++)
        if (strcmp(json_string_value(v), known[i]) == 0)
            return true;
    return err_set(e, ERR_INVALID, "field 'finality' must be optimistic, near-final or final");
}

static bool checkpoint(const json_t *v, struct block_ref *out, struct err *e) {
    const char *text = json_string_value(v);
    *out = (struct block_ref){.kind = BLOCK_REF_EARLIEST};
    if (text && (strcmp(text, "genesis") == 0 || strcmp(text, "earliest_available") == 0))
        return true;
    return err_set(e, ERR_INVALID, "field 'sync_checkpoint' must be genesis or earliest_available");
}

bool param_block_ref(const json_t *params, bool needed, struct block_ref *out, struct err *e) {
    *out = (struct block_ref){.kind = BLOCK_REF_LATEST};
    if (json_is_array(params)) {
        json_t *first = json_array_get(params, 0);
        if (first && !json_is_null(first))
            return param_block_id(first, out, e);
    } else if (field(params, "block_id")) {
        return param_block_id(field(params, "block_id"), out, e);
    } else if (field(params, "finality")) {
        return finality(field(params, "finality"), out, e);
    } else if (field(params, "sync_checkpoint")) {
        return checkpoint(field(params, "sync_checkpoint"), out, e);
    }
    return !needed || err_set(e, ERR_INVALID, "field 'block_id' or 'finality' is missing");
}

json_t *block_ref_json(const struct block_ref *ref, struct arena *a) {
    switch (ref->kind) {
    case BLOCK_REF_LATEST: return json_pack("{s:s}", "finality", "final");
    case BLOCK_REF_EARLIEST: return json_pack("{s:s}", "sync_checkpoint", "earliest_available");
    case BLOCK_REF_HEIGHT: return json_pack("{s:I}", "block_id", (json_int_t)ref->height);
    case BLOCK_REF_HASH: return json_pack("{s:s}", "block_id", hash_base58(a, &ref->hash));
    }
    return json_object();
}

bool param_account(const json_t *params, const char *key, struct account_id *out, struct err *e) {
    const char *text;
    return json_get_text(params, key, &text, e) && account_id_parse(out, slice_str(text), e);
}

bool param_key(const json_t *params, const char *key, struct public_key *out, struct err *e) {
    const char *text;
    return json_get_text(params, key, &text, e) && public_key_parse(out, slice_str(text), e);
}

bool param_hash(const json_t *params, const char *key, struct hash *out, struct err *e) {
    const char *text;
    return json_get_text(params, key, &text, e) && (hash_from_base58(out, slice_str(text), NULL) ||
                                                    err_set(e, ERR_INVALID, "field '%s' must be a base58 hash", key));
}

bool param_base64(const json_t *params, const char *key, struct arena *a, struct slice *out, struct err *e) {
    const char *text = "";
    *out = (struct slice){NULL, 0};
    return json_opt_text(params, key, &text, e) &&
           (base64_decode(out, a, slice_str(text), NULL) || err_set(e, ERR_INVALID, "field '%s' must be base64", key));
}

bool param_page(const json_t *params, const char *after, struct param_page *out, struct err *e) {
    const json_t *limit = field(params, "limit");
    *out = (struct param_page){0};
    if (!json_opt_text(params, after, &out->after, e))
        return false;
    if (!limit)
        return true;
    json_int_t n = json_integer_value(limit); // 0 when it is none
    out->limit = n > 0 && n <= UINT32_MAX ? (uint32_t)n : 0;
    return out->limit || err_set(e, ERR_INVALID, "field 'limit' must be a whole number from 1 to %u", UINT32_MAX);
}

const char *wait_level_text(enum wait_level level) {
    switch (level) {
#define X(level, text)                                                                                                 \
    case level: return text;
        WAIT_LEVELS(X)
#undef X
    }
    return "NONE";
}

static bool wait_until(const json_t *params, enum wait_level *out, struct err *e) {
    const char *text = "EXECUTED_OPTIMISTIC";
    if (!json_opt_text(params, "wait_until", &text, e))
        return false;
    for (enum wait_level l = WAIT_NONE; l <= WAIT_FINAL; l++) {
        *out = l;
        if (strcmp(text, wait_level_text(l)) == 0)
            return true;
    }
    return err_set(e, ERR_INVALID, "field 'wait_until' has an unknown value");
}

static bool tx_bytes(const char *text, struct arena *a, struct param_tx *out, struct err *e) {
    if (base64_decode(&out->bytes, a, slice_str(text), NULL) && out->bytes.len)
        return true;
    return err_set(e, ERR_INVALID, "the transaction must be base64");
}

static bool tx_list(const json_t *params, struct arena *a, struct param_tx *out, struct err *e) {
    json_t *first = json_array_get(params, 0), *second = json_array_get(params, 1);
    struct account_id sender;
    if (!json_is_string(first) || (second && !json_is_string(second)))
        return err_set(e, ERR_INVALID, "a transaction is [base64] or [hash, account]");
    if (!second)
        return tx_bytes(json_string_value(first), a, out, e);
    return (hash_from_base58(&out->hash, text_of(first), NULL) ||
            err_set(e, ERR_INVALID, "the transaction's hash must be base58")) &&
           account_id_parse(&sender, text_of(second), e);
}

bool param_tx(const json_t *params, struct arena *a, struct param_tx *out, struct err *e) {
    *out = (struct param_tx){.wait = WAIT_EXECUTED_OPTIMISTIC};
    if (json_is_array(params))
        return tx_list(params, a, out, e);
    const char *text = NULL;
    struct account_id sender;
    if (!wait_until(params, &out->wait, e) || !json_opt_text(params, "signed_tx_base64", &text, e))
        return false;
    if (text)
        return tx_bytes(text, a, out, e);
    return param_hash(params, "tx_hash", &out->hash, e) && param_account(params, "sender_account_id", &sender, e);
}

// The parts of "kind/a/b"; at most three, the last keeps further slashes.
static size_t split(char *path, char *parts[static 3]) {
    size_t n = 0;
    for (char *p = path; p && n < 3;) {
        parts[n++] = p;
        p = n < 3 ? strchr(p, '/') : NULL;
        if (p)
            *p++ = 0;
    }
    return n;
}

static const char *base58_to_base64(const char *text, struct arena *a, struct err *e) {
    size_t size = strlen(text) + 1, len;
    uint8_t *raw = arena_alloc(a, size);
    if (!text[0])
        return "";
    return base58_decode(raw, size, &len, slice_str(text), e) ? base64_text(a, slice_of(raw, len)) : NULL;
}

json_t *param_legacy_query(const json_t *params, struct arena *a, struct err *e) {
    const char *path = json_string_value(json_array_get(params, 0));
    const char *data = json_string_value(json_array_get(params, 1));
    char *p[3];
    size_t n = path ? split(arena_strdup(a, path), p) : 0;
    const char *data64 = base58_to_base64(data ? data : "", a, e);
    if (!data64)
        return NULL;
    if (n == 2 && strcmp(p[0], "account") == 0)
        return json_pack("{s:s, s:s}", "request_type", "view_account", "account_id", p[1]);
    if (n == 3 && strcmp(p[0], "access_key") == 0)
        return json_pack("{s:s, s:s, s:s}", "request_type", "view_access_key", "account_id", p[1], "public_key", p[2]);
    if (n == 2 && strcmp(p[0], "access_key") == 0)
        return json_pack("{s:s, s:s}", "request_type", "view_access_key_list", "account_id", p[1]);
    if (n == 2 && strcmp(p[0], "code") == 0)
        return json_pack("{s:s, s:s}", "request_type", "view_code", "account_id", p[1]);
    if (n == 2 && strcmp(p[0], "contract") == 0)
        return json_pack("{s:s, s:s, s:s}", "request_type", "view_state", "account_id", p[1], "prefix_base64", data64);
    if (n == 3 && strcmp(p[0], "call") == 0)
        return json_pack("{s:s, s:s, s:s, s:s}", "request_type", "call_function", "account_id", p[1], "method_name",
                         p[2], "args_base64", data64);
    err_set(e, ERR_INVALID, "unknown query path");
    return NULL;
}
