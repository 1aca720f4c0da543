// SPDX-License-Identifier: Apache-2.0
#include "near/types.h"

#include "base/file.h"
#include "base/text.h"
#include "codec/hex.h"
#include "codec/json.h"
#include <secp256k1.h>
#include <secp256k1_recovery.h>
#include <sodium.h>

#define CREDENTIALS_MAX 16384

static bool is_separator(uint8_t c) { return c == '-' || c == '_' || c == '.'; }

bool account_id_valid(struct slice text) {
    if (text.len < 2 || text.len > NEAR_ACCOUNT_MAX)
        return false;
    bool separator = true; // none may come first, last or next to another
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        bool now = is_separator(c);
        if ((!now && !(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9')) || (now && separator))
            return false;
        separator = now;
    }
    return !separator;
}

bool account_id_parse(struct account_id *out, struct slice text, struct err *e) {
    *out = (struct account_id){0};
    if (!account_id_valid(text)) {
        int shown = text.len > 80 ? 80 : (int)text.len;
        err_set(e, ERR_INVALID, "'%.*s' is not an account id", shown, (const char *)text.ptr);
        return err_hint(e, "account ids have 2 to 64 of a-z, 0-9 and single - _ . between them, like alice.near");
    }
    return text_copy(out->s, sizeof out->s, text);
}

static bool lower_hex(const char *s, size_t n) { return strspn(s, "0123456789abcdef") == n && s[n] == 0; }
bool account_id_is_near_implicit(const char *id) { return lower_hex(id, 64); }
bool account_id_is_eth_implicit(const char *id) { return id[0] == '0' && id[1] == 'x' && lower_hex(id + 2, 40); }

// A decimal number of whole NEAR with at most 24 digits behind the point, as yocto.
static bool parse_near(struct slice number, u128 *out) {
    const uint8_t *dot = memchr(number.ptr, '.', number.len);
    struct slice whole = dot ? slice_of(number.ptr, (size_t)(dot - number.ptr)) : number;
    struct slice part = dot ? slice_of(dot + 1, number.len - whole.len - 1) : (struct slice){NULL, 0};
    u128 w = 0, p = 0;
    if (part.len > 24 || (dot && !part.len) || !text_u128(whole, &w) || (part.len && !text_u128(part, &p)))
        return false;
    for (size_t i = part.len; i < 24; i++)
        p *= 10; // below 10^24: fits
    return !ckd_mul(&w, w, NEAR_ONE) && !ckd_add(out, w, p);
}

bool yocto_parse(struct yocto *out, const char *text, struct err *e) {
    struct slice s = slice_str(text);
    size_t n = strspn(text, "0123456789.");
    struct slice number = slice_of(s.ptr, n), unit = slice_skip(s, n + strspn(text + n, " "));
    bool ok = false;
    if (slice_eq_str(unit, "NEAR") || slice_eq_str(unit, "near") || slice_eq_str(unit, "N"))
        ok = parse_near(number, &out->v);
    else if (!unit.len || slice_eq_str(unit, "yocto") || slice_eq_str(unit, "yoctoNEAR"))
        ok = text_u128(number, &out->v);
    if (ok)
        return true;
    err_set(e, ERR_USAGE, "'%.60s' is not an amount", text);
    return err_hint(e, "write '0.1 NEAR', or a whole number of yoctoNEAR");
}

const char *yocto_text(struct yocto v, char out[static 64]) {
    char whole[U128_TEXT_MAX], part[U128_TEXT_MAX];
    u128_text(v.v / NEAR_ONE, whole);
    u128_text(v.v % NEAR_ONE + NEAR_ONE, part); // a leading 1 keeps the zeros
    size_t n = 25;
    while (n > 1 && part[n - 1] == '0')
        n--;
    snprintf(out, 64, "%s%s%.*s NEAR", whole, n > 1 ? "." : "", (int)n - 1, part + 1);
    return out;
}

const char *gas_text(struct gas g, char out[static 32]) {
    snprintf(out, 32, "%.2f Tgas", (double)g.v / (double)TGAS);
    return out;
}

size_t public_key_len(const struct public_key *k) { return k->type == KEY_ED25519 ? 32 : 64; }

bool public_key_eq(const struct public_key *a, const struct public_key *b) {
    return a->type == b->type && memcmp(a->bytes, b->bytes, public_key_len(a)) == 0;
}

static const char *const key_prefixes[] = {[KEY_ED25519] = "ed25519:", [KEY_SECP256K1] = "secp256k1:"};

// The base58 part behind "ed25519:" or "secp256k1:"; no prefix means ed25519.
static struct slice split_key(struct slice text, enum key_type *type) {
    for (size_t i = 0; i < ARRAY_LEN(key_prefixes); i++) {
        if (slice_starts(text, slice_str(key_prefixes[i]))) {
            *type = (enum key_type)i;
            return slice_skip(text, strlen(key_prefixes[i]));
        }
    }
    *type = KEY_ED25519;
    return text;
}

bool public_key_parse(struct public_key *out, struct slice text, struct err *e) {
    *out = (struct public_key){0};
    struct slice digits = split_key(text, &out->type);
    return base58_decode_exact(out->bytes, public_key_len(out), digits, e) || err_wrap(e, "not a public key");
}

char *public_key_text(struct arena *a, const struct public_key *k) {
    return arena_printf(a, "%s%s", key_prefixes[k->type], base58_text(a, slice_of(k->bytes, public_key_len(k))));
}

char *signature_text(struct arena *a, const struct signature *s) {
    size_t n = s->type == KEY_ED25519 ? 64 : 65;
    return arena_printf(a, "%s%s", key_prefixes[s->type], base58_text(a, slice_of(s->bytes, n)));
}

bool signature_parse(struct signature *out, struct slice text, struct err *e) {
    *out = (struct signature){0};
    struct slice digits = split_key(text, &out->type);
    size_t n = out->type == KEY_ED25519 ? 64 : 65;
    return base58_decode_exact(out->bytes, n, digits, e) || err_wrap(e, "not a signature");
}

void secret_key_generate(struct secret_key *out) {
    uint8_t public[32];
    crypto_sign_keypair(public, out->bytes);
}

void secret_key_from_seed(struct secret_key *out, const uint8_t seed[static 32]) {
    uint8_t public[32];
    crypto_sign_seed_keypair(public, out->bytes, seed);
}

bool secret_key_parse(struct secret_key *out, struct slice text, struct err *e) {
    enum key_type type;
    struct slice digits = split_key(text, &type);
    uint8_t bytes[64];
    size_t n = 0;
    struct err why; // its text could quote the key: it is dropped
    bool ok = type == KEY_ED25519 && base58_decode(bytes, sizeof bytes, &n, digits, &why) && (n == 64 || n == 32);
    if (ok) {
        secret_key_from_seed(out, bytes);
        ok = n == 32 || memcmp(out->bytes, bytes, 64) == 0;
    }
    sodium_memzero(bytes, sizeof bytes);
    if (ok)
        return true;
    err_set(e, ERR_INVALID, "not a secret key");
    return err_hint(e, "keys look like ed25519:<base58 of 64 bytes>");
}

char *secret_key_text(struct arena *a, const struct secret_key *k) {
    return arena_printf(a, "ed25519:%s", base58_text(a, slice_of(k->bytes, sizeof k->bytes)));
}

void secret_key_wipe(struct secret_key *k) { sodium_memzero(k, sizeof *k); }

struct public_key secret_key_public(const struct secret_key *k) {
    struct public_key p = {.type = KEY_ED25519};
    memcpy(p.bytes, k->bytes + 32, 32);
    return p;
}

struct signature secret_key_sign(const struct secret_key *k, struct slice message) {
    struct signature s = {.type = KEY_ED25519};
    crypto_sign_detached(s.bytes, NULL, message.ptr, message.len, k->bytes);
    return s;
}

static bool verify_secp256k1(const struct signature *s, const struct public_key *k, struct slice hash) {
    const secp256k1_context *ctx = secp256k1_context_static;
    secp256k1_ecdsa_recoverable_signature recoverable;
    secp256k1_ecdsa_signature plain;
    secp256k1_pubkey key;
    uint8_t encoded[65] = {4};
    memcpy(encoded + 1, k->bytes, 64);
    if (hash.len != 32 || s->bytes[64] > 3 || !secp256k1_ec_pubkey_parse(ctx, &key, encoded, sizeof encoded) ||
        !secp256k1_ecdsa_recoverable_signature_parse_compact(ctx, &recoverable, s->bytes, s->bytes[64]))
        return false;
    secp256k1_ecdsa_recoverable_signature_convert(ctx, &plain, &recoverable);
    return secp256k1_ecdsa_verify(ctx, &plain, hash.ptr, &key);
}

bool signature_verify(const struct signature *s, const struct public_key *k, struct slice message) {
    if (s->type != k->type)
        return false;
    if (s->type == KEY_SECP256K1)
        return verify_secp256k1(s, k, message);
    return crypto_sign_verify_detached(s->bytes, message.ptr, message.len, k->bytes) == 0;
}

bool credentials_read(struct credentials *out, const char *path, struct err *e) {
    struct arena *a = arena_new();
    struct slice text;
    const char *account, *secret = NULL;
    *out = (struct credentials){0};
    bool ok = file_read_secret(a, path, CREDENTIALS_MAX, &text, e);
    json_t *j = ok ? json_parse(text, CREDENTIALS_MAX, e) : NULL;
    ok = j && json_get_text(j, "account_id", &account, e) && json_opt_text(j, "private_key", &secret, e) &&
         (secret || json_get_text(j, "secret_key", &secret, e)) &&
         account_id_parse(&out->account, slice_str(account), e) && secret_key_parse(&out->secret, slice_str(secret), e);
    if (ok)
        out->public = secret_key_public(&out->secret);
    else
        err_wrap(e, "key file '%s'", path);
    json_decref(j);
    arena_free_wiped(a);
    return ok;
}

bool credentials_write(const struct credentials *c, const char *path, struct err *e) {
    struct arena *a = arena_new();
    const char *text = arena_printf(a, "{\"account_id\":\"%s\",\"public_key\":\"%s\",\"private_key\":\"%s\"}\n",
                                    c->account.s, public_key_text(a, &c->public), secret_key_text(a, &c->secret));
    bool ok = file_write_atomic(path, slice_str(text), 0600, e);
    arena_free_wiped(a);
    return ok;
}
