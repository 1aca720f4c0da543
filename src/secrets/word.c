// SPDX-License-Identifier: Apache-2.0
#include "secrets/word.h"

#include "base/clock.h"
#include "codec/hex.h"
#include "codec/json.h"

#define KEY_TEXT_MAX 256           // of keys, signatures and nonces
#define LAST_MS 253402300799999ull // of the year 9999, whose dates have the form that is signed

bool nep413_nonce_parse(uint8_t out[static NONCE_SIZE], const char *text, struct err *e) {
    SCOPED_ARENA(a);
    struct slice bytes;
    if (!base64_decode(&bytes, a, slice_str(text), NULL) || bytes.len != NONCE_SIZE)
        return err_set(e, ERR_INVALID, "field 'nonce' must be base64 of %d bytes", NONCE_SIZE);
    memcpy(out, bytes.ptr, NONCE_SIZE);
    return true;
}

bool nep413_signature_parse(struct signature *out, const char *text, struct err *e) {
    SCOPED_ARENA(a);
    struct slice bytes;
    if (strchr(text, ':'))
        return signature_parse(out, slice_str(text), e);
    if (!base64_decode(&bytes, a, slice_str(text), e) || bytes.len != 64)
        return err_set(e, ERR_INVALID, "field 'signature' must be \"ed25519:…\" or base64 of 64 bytes");
    *out = (struct signature){.type = KEY_ED25519};
    memcpy(out->bytes, bytes.ptr, 64);
    return true;
}

// --- reading

static bool get_text(const json_t *o, const char *name, size_t max, const char **out, struct err *e) {
    return json_get_text(o, name, out, e) &&
           (strlen(*out) <= max || err_set(e, ERR_TOO_LARGE, "field '%s' has more than %zu bytes", name, max));
}

// It stands in the message on a line of its own.
static bool get_coordinator(const json_t *o, struct arena *a, const char **out, struct err *e) {
    const char *text;
    if (!get_text(o, "coordinator", WORD_COORDINATOR_MAX, &text, e))
        return false;
    for (const char *at = text; *at; at++)
        if (*at <= ' ' || *at >= 0x7f)
            return err_set(e, ERR_INVALID,
                           "field 'coordinator' must be an address such as https://coordinator.example");
    *out = arena_strdup(a, text);
    return true;
}

static bool get_account(const json_t *o, struct arena *a, const char **out, struct err *e) {
    const char *text;
    if (!get_text(o, "account_id", KEY_TEXT_MAX, &text, e))
        return false;
    *out = arena_strdup(a, text);
    return account_id_valid(slice_str(text)) ||
           err_set(e, ERR_INVALID, "field 'account_id' is not an account id: '%.80s'", text);
}

static bool get_callback(const json_t *o, struct arena *a, const char **out, struct err *e) {
    const char *text = NULL;
    if (!json_opt_text(o, "callback_url", &text, e))
        return false;
    if (text && strlen(text) > CALLBACK_URL_MAX)
        return err_set(e, ERR_TOO_LARGE, "field 'callback_url' has more than %d bytes", CALLBACK_URL_MAX);
    *out = text ? arena_strdup(a, text) : NULL;
    return true;
}

static bool get_signed(struct word *w, const json_t *o, struct err *e) {
    const char *key, *nonce, *signature;
    return get_text(o, "public_key", KEY_TEXT_MAX, &key, e) && get_text(o, "nonce", KEY_TEXT_MAX, &nonce, e) &&
           get_text(o, "signature", KEY_TEXT_MAX, &signature, e) && public_key_parse(&w->key, slice_str(key), e) &&
           nep413_nonce_parse(w->nonce, nonce, e) && nep413_signature_parse(&w->signature, signature, e) &&
           json_get_u64(o, "valid_until_ms", &w->valid_until_ms, e) &&
           (w->valid_until_ms <= LAST_MS ||
            err_set(e, ERR_INVALID, "field 'valid_until_ms' lies behind the year 9999"));
}

static bool read_json(struct word *w, struct arena *a, struct slice json, struct err *e) {
    static const char *const keys[] = {"account_id",  "public_key",     "nonce",        "signature",
                                       "coordinator", "valid_until_ms", "callback_url", NULL};
    SCOPED_JSON(o) = json_parse(json, WORD_TEXT_MAX, e);
    if (o && !json_is_object(o))
        return err_set(e, ERR_INVALID, "it is no JSON object");
    return o && json_only_keys(o, keys, e) && get_account(o, a, &w->account, e) &&
           get_coordinator(o, a, &w->coordinator, e) && get_callback(o, a, &w->callback_url, e) && get_signed(w, o, e);
}

bool word_read(struct word *out, struct arena *a, const char *base64, struct err *e) {
    struct slice json;
    *out = (struct word){0};
    if (strlen(base64) > WORD_TEXT_MAX)
        return err_set(e, ERR_TOO_LARGE, "the account's word has more than %d bytes", WORD_TEXT_MAX);
    return (base64_decode(&json, a, slice_str(base64), e) && read_json(out, a, json, e)) ||
           err_wrap(e, "the account's word");
}

// --- what is signed

const char *word_message(struct arena *a, const struct word *w, const char *network, const char *act) {
    char until[32];
    return arena_printf(a, "OutLayer: %s\nCoordinator: %s\nNetwork: %s\nAccount: %s\nValid until: %s", act,
                        w->coordinator, network, w->account, clock_iso8601(w->valid_until_ms, until));
}

static struct hash hash_of(struct arena *a, const struct word *w, const char *network, const char *act) {
    return nep413_hash(word_message(a, w, network, act), w->nonce, w->coordinator, w->callback_url);
}

const char *word_sign(struct arena *a, struct word *w, const struct secret_key *key, const char *network,
                      const char *act) {
    SCOPED_JSON(o) = json_object();
    w->key = secret_key_public(key);
    random_bytes(w->nonce, sizeof w->nonce);
    struct hash h = hash_of(a, w, network, act);
    w->signature = secret_key_sign(key, hash_slice(&h));
    json_set_text(o, "account_id", w->account);
    json_set_text(o, "public_key", public_key_text(a, &w->key));
    json_set_text(o, "nonce", base64_text(a, slice_of(w->nonce, sizeof w->nonce)));
    json_set_text(o, "signature", signature_text(a, &w->signature));
    json_set_text(o, "coordinator", w->coordinator);
    json_set_u64(o, "valid_until_ms", w->valid_until_ms);
    if (w->callback_url)
        json_set_text(o, "callback_url", w->callback_url);
    return arena_printf(a, WORD_SCHEME "%s", base64_text(a, slice_str(json_text(a, o))));
}

static bool is_in_time(const struct word *w, uint64_t now_ms, struct err *e) {
    char now[32];
    if (w->valid_until_ms > now_ms && w->valid_until_ms - now_ms <= WORD_AHEAD_MS)
        return true;
    if (w->valid_until_ms <= now_ms)
        err_set(e, ERR_UNAUTHORIZED, "the time of the account's word is over");
    else
        err_set(e, ERR_UNAUTHORIZED, "the account's word is valid for more than %d minutes", WORD_AHEAD_MS / 60000);
    return err_hint(e, "sign it anew; the coordinator's clock says %s", clock_iso8601(now_ms, now));
}

bool word_check(const struct word *w, const char *network, const char *act, uint64_t now_ms, struct err *e) {
    SCOPED_ARENA(a);
    if (!is_in_time(w, now_ms, e))
        return false;
    struct hash h = hash_of(a, w, network, act);
    if (signature_verify(&w->signature, &w->key, hash_slice(&h)))
        return true;
    err_set(e, ERR_UNAUTHORIZED, "the signature is not that of this key over this act's message");
    return err_hint(e, "docs/coordinator-api.md has the message; a callback_url counts where the wallet signed one");
}
