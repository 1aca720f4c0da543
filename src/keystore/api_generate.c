// SPDX-License-Identifier: Apache-2.0
// POST /add_generated_secret: makes secrets inside, adds them to what an owner has sealed, and seals all of it anew
// under the newest generation. Existing secrets are opened only for their owner, who signs a NEP-413 message. The
// answer is signed together with the question and the caller's nonce, so that whoever carries them can change neither.
#include "codec/hex.h"
#include "keystore/api.h"
#include "keystore/generate.h"

struct generation_call {
    struct keystore *k;
    struct arena *a; // wiped
    struct generate_question question;
    struct secrets all;
    struct hash before; // of the blob that was given
};

static struct made_list asked_for(const struct generate_question *q) {
    return (struct made_list){q->names, q->types, q->count};
}

static bool check_owner(const struct generation_call *c, struct err *e) {
    const struct generate_question *q = &c->question;
    if (!q->is_signed) {
        err_set(e, ERR_UNAUTHORIZED, "secrets that are there already are opened only for their owner");
        return err_hint(e, "send public_key, nonce and signature of the owner's NEP-413 message (`outlayer secrets "
                           "generate` does)");
    }
    struct made_list made = asked_for(q);
    const char *message = generate_message(c->a, &q->scope, &c->before, &made);
    struct hash h = nep413_hash(message, q->nonce, q->scope.contract, q->callback_url);
    if (!signature_verify(&q->signature, &q->key, hash_slice(&h)))
        return err_set(e, ERR_UNAUTHORIZED, "the signature is not that of this key over this request's message");
    struct chain_view view;
    chain_view_init(&view, &c->k->sight);
    return chain_view_speaks_for(&view, c->a, q->scope.owner, &q->key, e);
}

static bool open_existing(struct generation_call *c, struct err *e) {
    const struct generate_question *q = &c->question;
    struct slice plain;
    struct hpke_pair pair;
    uint32_t generation;
    c->before = sha256(q->blob);
    if (!check_owner(c, e) || !blob_generation(q->blob, &generation, e) ||
        !master_derive(c->k->master, &q->scope, generation, &pair, e))
        return false;
    bool ok = blob_open(c->a, &q->scope, &pair, q->blob, &plain, e) && secrets_parse(&c->all, c->a, plain, e);
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

static bool add_one(struct generation_call *c, const char *name, const char *type, struct err *e) {
    const char *value;
    if (strncmp(name, PROTECTED_PREFIX, strlen(PROTECTED_PREFIX)) != 0)
        return err_set(e, ERR_INVALID, "the name '%.80s' of a generated secret must begin with " PROTECTED_PREFIX,
                       name);
    if (is_known(&c->all, name)) {
        err_set(e, ERR_CONFLICT, "there is a secret '%.80s' already", name);
        return err_hint(e, "another name, or another profile; `outlayer secrets access` changes who may use it");
    }
    if (c->all.count == SECRETS_MAX)
        return err_set(e, ERR_TOO_LARGE, "there would be more than %d secrets", SECRETS_MAX);
    if (!secret_generate(c->a, type, &value, e))
        return err_wrap(e, "secret '%.80s'", name);
    c->all.items[c->all.count++] = (struct secret){name, value};
    return true;
}

static struct signature sign_answer(const struct generation_call *c, const char *const *names, struct slice blob) {
    const struct generate_question *q = &c->question;
    struct sealed_terms terms = {.before = c->before,
                                 .nonce = q->has_nonce ? q->nonce : NULL,
                                 .made = asked_for(q),
                                 .names = names,
                                 .count = c->all.count};
    struct hash record = sealed_record(&q->scope, &terms, blob);
    return master_sign(c->k->master, &record);
}

static void put_blob(const struct generation_call *c, json_t *answer, struct slice blob) {
    const char *names[SECRETS_MAX];
    json_t *list = json_array();
    for (size_t i = 0; i < c->all.count; i++) {
        names[i] = c->all.items[i].name;
        json_array_append_new(list, json_string(names[i]));
    }
    struct signature s = sign_answer(c, names, blob);
    json_set_text(answer, "blob_signature", signature_text(c->a, &s));
    json_set_text(answer, "encrypted_data_base64", base64_text(c->a, blob));
    json_object_set_new(answer, "all_keys", list);
}

static bool seal_all(struct generation_call *c, json_t **out, struct err *e) {
    struct slice plain, blob;
    struct hpke_pair pair;
    json_t *answer;
    uint32_t generation = master_generation(c->k->master);
    if (!secrets_print(c->a, &c->all, &plain, e) ||
        !master_derive(c->k->master, &c->question.scope, generation, &pair, e))
        return false;
    bool ok = blob_seal(c->a, &c->question.scope, generation, pair.public, plain, &blob, e) &&
              api_pubkey(c->k, c->a, &c->question.scope, NULL, &answer, e);
    hpke_pair_wipe(&pair);
    if (!ok)
        return false;
    put_blob(c, answer, blob);
    *out = answer;
    return true;
}

static bool generate(struct generation_call *c, struct slice body, json_t **out, struct err *e) {
    struct question_place at = api_place(c->k);
    const struct generate_question *q = &c->question;
    if (!generate_question_read(&c->question, c->a, body, &at, e))
        return false;
    c->all.items = arena_calloc(c->a, SECRETS_MAX, sizeof *c->all.items);
    if (q->has_blob && !open_existing(c, e))
        return false;
    for (size_t i = 0; i < q->count; i++)
        if (!add_one(c, q->names[i], q->types[i], e))
            return false;
    return seal_all(c, out, e);
}

void keystore_add_generated(struct http_request *r, void *ctx) {
    struct generation_call c = {.k = ctx, .a = arena_new()};
    struct err e;
    json_t *answer = NULL;
    bool ok = generate(&c, http_body(r), &answer, &e);
    const struct scope *s = &c.question.scope;
    const struct audit_entry entry = {.what = "generate",
                                      .verdict = ok ? "allowed" : "refused",
                                      .owner = s->owner,
                                      .profile = s->profile,
                                      .repo = s->repo,
                                      .branch = s->branch,
                                      .why = ok ? NULL : e.msg,
                                      .unproven = !ok || !c.question.has_blob}; // only then a signature was looked at
    ok = audit_write(c.k->audit, &entry, ok ? &e : NULL) && ok;
    if (ok) {
        http_reply_json(r, 200, answer);
    } else {
        json_decref(answer);
        http_reply_err(r, &e);
    }
    arena_free_wiped(c.a);
}
