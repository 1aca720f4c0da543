// SPDX-License-Identifier: Apache-2.0
#include "secrets/values.h"

#include "base/text.h"
#include "codec/json.h"

// Every variable that the worker sets, or that the public documents promise to guests (worker/guest_env.c).
static const char *const reserved[] = {
    "ATTACHED_USD",
    "NEAR_BLOCK_HEIGHT",
    "NEAR_BLOCK_TIMESTAMP",
    "NEAR_CONTRACT_ID",
    "NEAR_GAS_BURNT",
    "NEAR_MAX_EXECUTION_SECONDS",
    "NEAR_MAX_INSTRUCTIONS",
    "NEAR_MAX_MEMORY_MB",
    "NEAR_NETWORK_ID",
    "NEAR_PAYMENT_YOCTO",
    "NEAR_PREDECESSOR_ID",
    "NEAR_RECEIPT_ID",
    "NEAR_REQUEST_ID",
    "NEAR_RPC_PROXY_AVAILABLE",
    "NEAR_SENDER_ID",
    "NEAR_SIGNER_PUBLIC_KEY",
    "NEAR_TRANSACTION_HASH",
    "NEAR_USER_ACCOUNT_ID",
    "OUTLAYER_CALL_ID",
    "OUTLAYER_EXECUTION_TYPE",
    "OUTLAYER_PROJECT_ID",
    "OUTLAYER_PROJECT_NAME",
    "OUTLAYER_PROJECT_OWNER",
    "OUTLAYER_PROJECT_UUID",
    "USD_PAYMENT",
    "WALLET_ID",
};

bool secret_name_reserved(struct slice name) {
    for (size_t i = 0; i < ARRAY_LEN(reserved); i++)
        if (slice_eq_str(name, reserved[i]))
            return true;
    return false;
}

static bool is_letter(uint8_t c) { return ((c | 32) >= 'a' && (c | 32) <= 'z') || c == '_'; }
static bool is_digit(uint8_t c) { return c >= '0' && c <= '9'; }

static bool is_name(struct slice s) {
    if (s.len == 0 || s.len > SECRET_NAME_MAX || !is_letter(s.ptr[0]))
        return false;
    for (size_t i = 1; i < s.len; i++)
        if (!is_letter(s.ptr[i]) && !is_digit(s.ptr[i]))
            return false;
    return true;
}

bool secret_name_check(struct slice name, enum secret_giver by, struct err *e) {
    int shown = name.len < 80 ? (int)name.len : 80;
    if (!is_name(name)) {
        err_set(e, ERR_INVALID, "'%.*s' is not a name for a secret", shown, (const char *)name.ptr);
        return err_hint(e, "a name has 1 to %d letters, digits and underscores and does not begin with a digit",
                        SECRET_NAME_MAX);
    }
    if (secret_name_reserved(name)) {
        err_set(e, ERR_INVALID, "the name '%.*s' is reserved: the worker itself sets it", shown,
                (const char *)name.ptr);
        return err_hint(e, "give the secret another name");
    }
    if (by == GIVEN_BY_USER && slice_starts(name, SLICE_LIT(PROTECTED_PREFIX))) {
        err_set(e, ERR_INVALID, "the name '%.*s' is reserved: " PROTECTED_PREFIX "… are made inside the keystore",
                shown, (const char *)name.ptr);
        return err_hint(e, "use `outlayer secrets generate`, or another name");
    }
    return true;
}

bool secret_value_check(struct slice name, struct slice value, struct err *e) {
    int shown = name.len < 80 ? (int)name.len : 80;
    if (value.len > SECRET_VALUE_MAX)
        return err_set(e, ERR_TOO_LARGE, "the value of '%.*s' has %zu bytes; at most %u are taken", shown,
                       (const char *)name.ptr, value.len, SECRET_VALUE_MAX);
    if (value.len && memchr(value.ptr, 0, value.len))
        return err_set(e, ERR_INVALID, "the value of '%.*s' contains a NUL, which no environment can hold", shown,
                       (const char *)name.ptr);
    return text_is_utf8(value) ||
           err_set(e, ERR_INVALID, "the value of '%.*s' is not UTF-8", shown, (const char *)name.ptr);
}

static bool add(struct secrets *s, struct arena *a, const char *name, const json_t *value, struct err *e) {
    struct slice n = slice_str(name), v = slice_of(json_string_value(value), json_string_length(value));
    if (!json_is_string(value))
        return err_set(e, ERR_INVALID, "the value of '%.80s' is not a text", name);
    if (!secret_name_check(n, MADE_BY_KEYSTORE, e) || !secret_value_check(n, v, e))
        return false;
    s->items[s->count++] = (struct secret){arena_text(a, n), arena_text(a, v)};
    return true;
}

bool secrets_parse(struct secrets *out, struct arena *a, struct slice json, struct err *e) {
    *out = (struct secrets){0};
    if (json.len > SECRETS_JSON_MAX)
        return err_set(e, ERR_TOO_LARGE, "the secrets have %zu bytes; at most %u are taken", json.len,
                       SECRETS_JSON_MAX);
    SCOPED_JSON(o) = json_parse(json, SECRETS_JSON_MAX, NULL); // its errors quote the text
    if (!json_is_object(o))
        return err_set(e, ERR_INVALID, "the secrets are not a JSON object of texts ({\"NAME\":\"value\"})");
    if (json_object_size(o) > SECRETS_MAX)
        return err_set(e, ERR_TOO_LARGE, "there are %zu secrets; at most %d are taken", json_object_size(o),
                       SECRETS_MAX);
    const char *name;
    json_t *value;
    out->items = arena_calloc(a, SECRETS_MAX, sizeof *out->items);
    json_object_foreach(o, name, value)
        if (!add(out, a, name, value, e))
            return false;
    return true;
}

bool secrets_print(struct arena *a, const struct secrets *s, struct slice *json, struct err *e) {
    SCOPED_JSON(o) = json_object();
    for (size_t i = 0; i < s->count; i++)
        json_object_set_new(o, s->items[i].name, json_string(s->items[i].value));
    *json = slice_str(json_text(a, o));
    return (s->count <= SECRETS_MAX && json->len <= SECRETS_JSON_MAX) ||
           err_set(e, ERR_TOO_LARGE, "%zu secrets of %zu bytes; at most %d of %u bytes together are taken", s->count,
                   json->len, SECRETS_MAX, SECRETS_JSON_MAX);
}
