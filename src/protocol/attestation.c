// SPDX-License-Identifier: Apache-2.0
#include "protocol/attestation.h"

#include "base/buf.h"
#include "codec/borsh.h"

#define RECORD_MAX 65536

static void put_hash(struct buf *b, const struct hash *h) { borsh_put_raw(b, h->b, sizeof h->b); }

static void put_request(struct buf *b, const struct attestation *x) {
    borsh_put_text(b, x->network);
    borsh_put_text(b, x->contract_id);
    borsh_put_u64(b, x->request_id);
    put_hash(b, &x->data_id);
    borsh_put_text(b, x->sender_id);
    borsh_put_text(b, x->repo);
    borsh_put_text(b, x->commit);
    borsh_put_text(b, x->build_target);
}

static void put_secrets(struct buf *b, const struct attestation *x) {
    borsh_put_u8(b, x->secrets_profile != NULL);
    if (!x->secrets_profile)
        return;
    borsh_put_text(b, x->secrets_profile);
    borsh_put_text(b, x->secrets_account);
}

static void put_record(struct buf *b, const struct attestation *x) {
    borsh_put_text(b, "outlayer-attestation-v1");
    put_request(b, x);
    put_hash(b, &x->build_key);
    put_hash(b, &x->wasm_hash);
    put_hash(b, &x->input_hash);
    put_hash(b, &x->output_hash);
    borsh_put_u8(b, x->success);
    borsh_put_u64(b, x->instructions);
    borsh_put_u64(b, x->max_instructions);
    borsh_put_u64(b, x->max_memory_mb);
    borsh_put_u64(b, x->max_execution_seconds);
    borsh_put_text(b, x->price_list);
    put_secrets(b, x);
    borsh_put_text(b, x->engine);
    borsh_put_text(b, x->measurement);
    borsh_put_u64(b, x->block_height);
    BUG_ON(b->full);
}

struct hash attestation_hash(const struct attestation *x) {
    SCOPED_BUF(b, RECORD_MAX);
    put_record(&b, x);
    return sha256(buf_slice(&b));
}

struct slice attestation_record(struct arena *a, const struct attestation *x) {
    SCOPED_BUF(b, RECORD_MAX);
    put_record(&b, x);
    return arena_copy(a, buf_slice(&b));
}

// --- as JSON -------------------------------------------------------------------------------------------------------

enum kind { PART_TEXT, PART_HASH, PART_NUMBER };
struct part {
    const char *name;
    enum kind kind;
    size_t at; // in the struct
};
#define PART(name, kind)                                                                                               \
    { #name, kind, offsetof(struct attestation, name) }
static const struct part parts[] = {
    PART(network, PART_TEXT),     PART(data_id, PART_HASH),        PART(sender_id, PART_TEXT),
    PART(repo, PART_TEXT),        PART(commit, PART_TEXT),         PART(build_target, PART_TEXT),
    PART(build_key, PART_HASH),   PART(wasm_hash, PART_HASH),      PART(input_hash, PART_HASH),
    PART(output_hash, PART_HASH), PART(instructions, PART_NUMBER), PART(price_list, PART_TEXT),
    PART(engine, PART_TEXT),      PART(measurement, PART_TEXT),    PART(block_height, PART_NUMBER)};
static const struct part limits[] = {PART(max_instructions, PART_NUMBER), PART(max_memory_mb, PART_NUMBER),
                                     PART(max_execution_seconds, PART_NUMBER)};
static const char *const keys[] = {"network",      "data_id",         "sender_id",   "repo",        "commit",
                                   "build_target", "build_key",       "wasm_hash",   "input_hash",  "output_hash",
                                   "instructions", "price_list",      "engine",      "measurement", "block_height",
                                   "success",      "resource_limits", "secrets_ref", NULL};
static const char *const limit_keys[] = {"max_instructions", "max_memory_mb", "max_execution_seconds", NULL};
static const char *const secrets_keys[] = {"profile", "account_id", NULL};

static void put_part(json_t *o, const struct part *p, const struct attestation *x) {
    const char *at = (const char *)x + p->at;
    char hex[65];
    switch (p->kind) {
    case PART_TEXT: json_set_text(o, p->name, *(const char *const *)(const void *)at); break;
    case PART_HASH: json_set_text(o, p->name, hash_hex((const struct hash *)(const void *)at, hex)); break;
    case PART_NUMBER: json_set_u64(o, p->name, *(const uint64_t *)(const void *)at); break;
    }
}

json_t *attestation_json(const struct attestation *x) {
    json_t *o = json_object(), *most = json_object(), *secrets = x->secrets_profile ? json_object() : json_null();
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        put_part(o, &parts[i], x);
    for (size_t i = 0; i < ARRAY_LEN(limits); i++)
        put_part(most, &limits[i], x);
    if (x->secrets_profile) {
        json_set_text(secrets, "profile", x->secrets_profile);
        json_set_text(secrets, "account_id", x->secrets_account);
    }
    json_object_set_new(o, "success", json_boolean(x->success));
    json_object_set_new(o, "resource_limits", most);
    json_object_set_new(o, "secrets_ref", secrets);
    return o;
}

static bool read_text(const json_t *o, const char *name, const char **out, struct err *e) {
    return json_get_text(o, name, out, e) &&
           (strlen(*out) <= ATTESTATION_TEXT_MAX ||
            err_set(e, ERR_INVALID, "field '%s' is longer than %d bytes", name, ATTESTATION_TEXT_MAX));
}

static bool read_part(const json_t *o, const struct part *p, struct attestation *x, struct err *e) {
    char *at = (char *)x + p->at;
    const char *text;
    switch (p->kind) {
    case PART_TEXT: return read_text(o, p->name, (const char **)(void *)at, e);
    case PART_HASH:
        return json_get_text(o, p->name, &text, e) &&
               (hash_from_hex((struct hash *)(void *)at, slice_str(text), e) || err_wrap(e, "field '%s'", p->name));
    case PART_NUMBER: return json_get_u64(o, p->name, (uint64_t *)(void *)at, e);
    }
    return false;
}

static bool read_secrets(const json_t *j, struct attestation *out, struct err *e) {
    const json_t *secrets = json_object_get(j, "secrets_ref");
    if (!secrets || json_is_null(secrets))
        return true;
    return json_only_keys(secrets, secrets_keys, e) && read_text(secrets, "profile", &out->secrets_profile, e) &&
           read_text(secrets, "account_id", &out->secrets_account, e);
}

bool attestation_read(struct attestation *out, const json_t *j, struct err *e) {
    const json_t *most = json_object_get(j, "resource_limits");
    *out = (struct attestation){0};
    if (!json_only_keys(j, keys, e) || !json_get_bool(j, "success", &out->success, e))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        if (!read_part(j, &parts[i], out, e))
            return false;
    if (!json_is_object(most))
        return err_set(e, ERR_INVALID, "field 'resource_limits' is not an object");
    if (!json_only_keys(most, limit_keys, e))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(limits); i++)
        if (!read_part(most, &limits[i], out, e))
            return false;
    return read_secrets(j, out, e);
}
