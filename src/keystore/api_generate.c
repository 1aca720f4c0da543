// SPDX-License-Identifier: Apache-2.0
// POST /add_generated_secret: makes secrets inside, adds them to what an owner has sealed, and seals all of it anew
// under the newest generation. Existing secrets are opened only for their owner, who signs a NEP-413 message.
#include "codec/hex.h"
#include "keystore/api.h"
#include "keystore/generate.h"
#include "secrets/values.h"

struct generation_call {
    struct keystore *k;
    struct arena *a; // wiped
    const json_t *body;
    struct scope scope;
    struct secrets all;
    struct hash before; // of the blob that was given
    const char *names[SECRETS_MAX];
    size_t name_count;
};

static bool read_names(struct generation_call *c, struct err *e) {
    json_t *list;
    if (!json_get_array(c->body, "new_secrets", &list, e))
        return false;
    if (json_array_size(list) > SECRETS_MAX)
        return err_set(e, ERR_TOO_LARGE, "field 'new_secrets' has more than %d entries", SECRETS_MAX);
    for (size_t i = 0; i < json_array_size(list); i++)
        if (!json_get_text(json_array_get(list, i), "name", &c->names[c->name_count++], e))
            return err_wrap(e, "new_secrets");
    return true;
}

// --- the existing blob, and its owner's word

static bool read_signature(const struct generation_call *c, struct public_key *key, uint8_t nonce[static 32],
                           struct signature *s, struct err *e) {
    const char *key_text, *nonce_text, *signature;
    struct slice bytes;
    if (!json_get_text(c->body, "public_key", &key_text, e) || !json_get_text(c->body, "nonce", &nonce_text, e) ||
        !json_get_text(c->body, "signature", &signature, e)) {
        err_set(e, ERR_UNAUTHORIZED, "secrets that are there already are opened only for their owner");
        return err_hint(e, "send public_key, nonce and signature of the owner's NEP-413 message (`outlayer secrets "
                           "generate` does)");
    }
    if (!public_key_parse(key, slice_str(key_text), e) || !base64_decode(c->a, slice_str(nonce_text), &bytes, e))
        return false;
    if (bytes.len != 32)
        return err_set(e, ERR_INVALID, "field 'nonce' must be base64 of 32 bytes");
    memcpy(nonce, bytes.ptr, 32);
    if (strncmp(signature, "ed25519:", 8) == 0)
        return signature_parse(s, slice_str(signature), e);
    if (!base64_decode(c->a, slice_str(signature), &bytes, e) || bytes.len != 64)
        return err_set(e, ERR_INVALID, "field 'signature' must be \"ed25519:…\" or base64 of 64 bytes");
    s->type = KEY_ED25519;
    memcpy(s->bytes, bytes.ptr, 64);
    return true;
}

static bool check_owner(const struct generation_call *c, struct err *e) {
    struct public_key key;
    struct signature s;
    uint8_t nonce[32];
    const char *callback = NULL;
    if (!read_signature(c, &key, nonce, &s, e) || !json_opt_text(c->body, "callback_url", &callback, e))
        return false;
    const char *message = generate_message(c->a, &c->scope, &c->before, c->names, c->name_count);
    struct hash h = nep413_hash(message, nonce, c->scope.contract, callback);
    if (!signature_verify(&s, &key, hash_slice(&h)))
        return err_set(e, ERR_UNAUTHORIZED, "the signature is not that of this key over this request's message");
    return keystore_is_owner(c->k, c->a, c->scope.owner, &key, e);
}

static bool open_existing(struct generation_call *c, const char *text, struct err *e) {
    struct slice blob, plain;
    struct hpke_pair pair;
    uint32_t generation;
    if (!base64_decode(c->a, slice_str(text), &blob, e))
        return false;
    c->before = sha256(blob);
    if (!check_owner(c, e) || !blob_generation(blob, &generation, e) ||
        !master_derive(c->k->master, &c->scope, generation, &pair, e))
        return false;
    bool ok = blob_open(c->a, &c->scope, &pair, blob, &plain, e) && secrets_parse(&c->all, c->a, plain, e);
    hpke_pair_wipe(&pair);
    return ok;
}

// --- the new ones

static bool is_known(const struct secrets *s, const char *name) {
    for (size_t i = 0; i < s->count; i++)
        if (strcmp(s->items[i].name, name) == 0)
            return true;
    return false;
}

static bool add_one(struct generation_call *c, const json_t *o, struct err *e) {
    const char *name, *type, *value;
    if (!json_get_text(o, "name", &name, e) || !json_get_text(o, "generation_type", &type, e))
        return err_wrap(e, "new_secrets");
    if (strncmp(name, PROTECTED_PREFIX, strlen(PROTECTED_PREFIX)) != 0)
        return err_set(e, ERR_INVALID, "the name '%.80s' of a generated secret must begin with " PROTECTED_PREFIX,
                       name);
    if (!secret_name_check(slice_str(name), MADE_BY_KEYSTORE, e))
        return false;
    if (is_known(&c->all, name))
        return err_set(e, ERR_CONFLICT, "there is a secret '%.80s' already", name);
    if (c->all.count == SECRETS_MAX)
        return err_set(e, ERR_TOO_LARGE, "there would be more than %d secrets", SECRETS_MAX);
    if (!secret_generate(c->a, type, &value, e))
        return err_wrap(e, "secret '%.80s'", name);
    c->all.items[c->all.count++] = (struct secret){name, value};
    return true;
}

static bool seal_all(struct generation_call *c, json_t **out, struct err *e) {
    struct slice plain, blob;
    struct hpke_pair pair;
    json_t *answer;
    uint32_t generation = master_generation(c->k->master);
    if (!secrets_print(c->a, &c->all, &plain, e) || !master_derive(c->k->master, &c->scope, generation, &pair, e))
        return false;
    bool ok = blob_seal(c->a, &c->scope, generation, pair.public, plain, &blob, e) &&
              api_pubkey(c->k, c->a, &c->scope, &answer, e);
    hpke_pair_wipe(&pair);
    if (!ok)
        return false;
    json_t *names = json_array();
    for (size_t i = 0; i < c->all.count; i++)
        json_array_append_new(names, json_string(c->all.items[i].name));
    struct hash record = sealed_record(&c->scope, &c->before, blob);
    struct signature s = master_sign(c->k->master, &record);
    json_set_text(answer, "blob_signature", signature_text(c->a, &s));
    json_set_text(answer, "encrypted_data_base64", base64_text(c->a, blob));
    json_object_set_new(answer, "all_keys", names);
    *out = answer;
    return true;
}

static bool generate(struct generation_call *c, json_t **out, struct err *e) {
    const char *existing = NULL;
    if (!api_scope(c->k, c->a, c->body, &c->scope, e) || !read_names(c, e) ||
        !json_opt_text(c->body, "encrypted_secrets_base64", &existing, e))
        return false;
    if (!c->scope.profile)
        return err_set(e, ERR_INVALID, "field 'profile' is missing: secrets are sealed for one");
    c->all.items = arena_calloc(c->a, SECRETS_MAX, sizeof *c->all.items);
    if (existing && !open_existing(c, existing, e))
        return false;
    json_t *list = json_object_get(c->body, "new_secrets");
    for (size_t i = 0; i < json_array_size(list); i++)
        if (!add_one(c, json_array_get(list, i), e))
            return false;
    if (!c->all.count)
        return err_set(e, ERR_INVALID, "there is nothing to seal: neither 'new_secrets' nor secrets that exist");
    return seal_all(c, out, e);
}

void keystore_add_generated(struct http_request *r, void *ctx) {
    static const char *const keys[] = {"repo",        "owner",      "branch", "profile",   "encrypted_secrets_base64",
                                       "new_secrets", "public_key", "nonce",  "signature", "callback_url",
                                       NULL};
    SCOPED_JSON(body) = api_body(r, keys);
    if (!body)
        return;
    struct generation_call c = {.k = ctx, .a = arena_new(), .body = body};
    struct err e;
    json_t *answer = NULL;
    bool ok = generate(&c, &answer, &e);
    const struct audit_entry entry = {.what = "generate",
                                      .verdict = ok ? "allowed" : "refused",
                                      .owner = c.scope.owner,
                                      .profile = c.scope.profile,
                                      .repo = c.scope.repo,
                                      .branch = c.scope.branch,
                                      .why = ok ? NULL : e.msg};
    ok = audit_write(c.k->audit, &entry, ok ? &e : NULL) && ok;
    if (ok) {
        http_reply_json(r, 200, answer);
    } else {
        json_decref(answer);
        http_reply_err(r, &e);
    }
    arena_free_wiped(c.a);
}
