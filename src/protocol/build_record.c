// SPDX-License-Identifier: Apache-2.0
#include "protocol/build_record.h"

#include "codec/borsh.h"
#include "codec/hex.h"

#define RECORD_TAG "outlayer-build-v2"
#define RECORD_MAX 65536
#define BUILT_AT_MAX 253402300799ull // the year 9999
#define BUILD_MS_MAX 86400000ull
#define TEXT_MAX 1024

const char *const record_keys[] = {"build_key",  "wasm_hash", "repo",     "commit",    "target",
                                   "toolchain",  "built_at",  "build_ms", "lock_hash", "lock_made",
                                   "public_key", "signature", NULL};

struct hash record_hash(const struct build_record *r) {
    SCOPED_BUF(b, RECORD_MAX);
    borsh_put_text(&b, RECORD_TAG);
    borsh_put_raw(&b, r->build_key.b, sizeof r->build_key.b);
    borsh_put_raw(&b, r->wasm_hash.b, sizeof r->wasm_hash.b);
    borsh_put_text(&b, r->repo);
    borsh_put_text(&b, r->commit);
    borsh_put_text(&b, r->target);
    borsh_put_text(&b, r->toolchain);
    borsh_put_u64(&b, r->built_at);
    borsh_put_u64(&b, r->build_ms);
    borsh_put_raw(&b, r->lock_hash.b, sizeof r->lock_hash.b);
    borsh_put_u64(&b, r->lock_made);
    BUG_ON(b.full);
    return sha256(buf_slice(&b));
}

void record_sign(struct build_record *r, const struct secret_key *key) {
    struct hash h = record_hash(r);
    r->key = secret_key_public(key);
    r->signature = secret_key_sign(key, hash_slice(&h));
}

bool record_signature_good(const struct build_record *r) {
    struct hash h = record_hash(r);
    return signature_verify(&r->signature, &r->key, hash_slice(&h));
}

json_t *record_json(struct arena *a, const struct build_record *r) {
    char hex[65];
    json_t *j = json_object();
    json_set_text(j, "build_key", hash_hex(&r->build_key, hex));
    json_set_text(j, "wasm_hash", hash_hex(&r->wasm_hash, hex));
    json_set_text(j, "repo", r->repo);
    json_set_text(j, "commit", r->commit);
    json_set_text(j, "target", r->target);
    json_set_text(j, "toolchain", r->toolchain);
    json_set_u64(j, "built_at", r->built_at);
    json_set_u64(j, "build_ms", r->build_ms);
    json_set_text(j, "lock_hash", hash_hex(&r->lock_hash, hex));
    json_set_u64(j, "lock_made", r->lock_made);
    json_set_text(j, "public_key", public_key_text(a, &r->key));
    json_set_text(j, "signature", base64_text(a, slice_of(r->signature.bytes, 64)));
    return j;
}

static bool read_text(const json_t *j, const char *key, struct arena *a, const char **out, struct err *e) {
    const char *text;
    if (!json_get_text(j, key, &text, e))
        return false;
    if (strlen(text) > TEXT_MAX)
        return err_set(e, ERR_INVALID, "field '%s' is longer than %d bytes", key, TEXT_MAX);
    *out = arena_strdup(a, text);
    return true;
}

static bool read_hash(const json_t *j, const char *key, struct hash *out, struct err *e) {
    const char *text;
    return json_get_text(j, key, &text, e) &&
           (hash_from_hex(out, slice_str(text), e) || err_wrap(e, "field '%s'", key));
}

bool record_parse(struct build_record *out, struct arena *a, const json_t *j, struct err *e) {
    const char *key, *signature;
    struct slice bytes;
    *out = (struct build_record){0};
    if (!read_hash(j, "build_key", &out->build_key, e) || !read_hash(j, "wasm_hash", &out->wasm_hash, e) ||
        !read_text(j, "repo", a, &out->repo, e) || !read_text(j, "commit", a, &out->commit, e) ||
        !read_text(j, "target", a, &out->target, e) || !read_text(j, "toolchain", a, &out->toolchain, e) ||
        !json_get_u64(j, "built_at", &out->built_at, e) || !json_get_u64(j, "build_ms", &out->build_ms, e) ||
        !read_hash(j, "lock_hash", &out->lock_hash, e) || !json_get_u64(j, "lock_made", &out->lock_made, e) ||
        !json_get_text(j, "public_key", &key, e) || !json_get_text(j, "signature", &signature, e) ||
        !public_key_parse(&out->key, slice_str(key), e) || !base64_decode(&bytes, a, slice_str(signature), e))
        return false;
    if (out->built_at > BUILT_AT_MAX || out->lock_made > BUILT_AT_MAX || out->build_ms > BUILD_MS_MAX)
        return err_set(e, ERR_INVALID, "field 'built_at', 'lock_made' or 'build_ms' is too large");
    if (out->key.type != KEY_ED25519 || bytes.len != 64)
        return err_set(e, ERR_INVALID, "field 'signature' is not an ed25519 signature");
    out->signature.type = KEY_ED25519;
    memcpy(out->signature.bytes, bytes.ptr, 64);
    return true;
}

bool records_parse(struct build_record **out, size_t *count, struct arena *a, const json_t *j, struct err *e) {
    json_t *list, *one;
    size_t i;
    *out = arena_alloc(a, RECORDS_MAX * sizeof **out);
    *count = 0;
    if (!json_object_get(j, "records")) {
        *count = 1;
        return record_parse(*out, a, j, e);
    }
    if (!json_get_array(j, "records", &list, e))
        return false;
    json_array_foreach(list, i, one)
        if (*count < RECORDS_MAX && record_parse(&(*out)[*count], a, one, NULL))
            (*count)++;
    return true;
}
