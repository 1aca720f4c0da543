// SPDX-License-Identifier: Apache-2.0
// Health, metrics and public keys.
#include "keystore/api.h"

#include "codec/hex.h"
#include "protocol/contract.h"
#include <inttypes.h>

struct question_place api_place(const struct keystore *k) {
    struct question_place at = {.network = k->network, .contract = k->contract};
    struct public_key identity = master_identity(k->master);
    memcpy(at.identity, identity.bytes, sizeof at.identity);
    return at;
}

void api_put_signature(struct keystore *k, struct arena *a, json_t *o, const struct hash *record) {
    struct public_key identity = master_identity(k->master);
    struct signature s = master_sign(k->master, record);
    json_set_text(o, "identity", public_key_text(a, &identity));
    json_set_text(o, "signature", signature_text(a, &s));
}

bool api_pubkey(struct keystore *k, struct arena *a, const struct scope *s, const uint8_t *nonce, json_t **out,
                struct err *e) {
    struct hpke_pair pair;
    uint32_t generation = master_generation(k->master);
    if (!master_derive(k->master, s, generation, &pair, e))
        return false;
    struct hash record = pubkey_record(s, generation, pair.public);
    json_t *o = json_object();
    json_set_text(o, "repo_normalized", s->repo);
    json_set_text(o, "branch", s->branch);
    json_set_text(o, "owner", s->owner);
    json_set_text(o, "pubkey", hex_text(a, slice_of(pair.public, sizeof pair.public)));
    json_set_u64(o, "generation", generation);
    api_put_signature(k, a, o, &record);
    if (nonce) {
        record = fresh_pubkey_record(s, generation, pair.public, nonce);
        struct signature fresh = master_sign(k->master, &record);
        json_set_text(o, "fresh_signature", signature_text(a, &fresh));
    }
    hpke_pair_wipe(&pair);
    *out = o;
    return true;
}

static void reply_pubkey(struct http_request *r, struct keystore *k, const struct scope *s, const uint8_t *nonce) {
    struct err e;
    json_t *answer;
    if (api_pubkey(k, http_arena(r), s, nonce, &answer, &e))
        http_reply_json(r, 200, answer);
    else
        http_reply_err(r, &e);
}

void keystore_get_pubkey(struct http_request *r, void *ctx) {
    struct question_place at = api_place(ctx);
    struct scope s = {0};
    struct err e;
    if (scope_of_texts(&s, http_arena(r), &at, http_query(r, "repo"), http_query(r, "owner"), http_query(r, "branch"),
                       &e))
        reply_pubkey(r, ctx, &s, NULL);
    else
        http_reply_err(r, &e);
}

void keystore_post_pubkey(struct http_request *r, void *ctx) {
    struct question_place at = api_place(ctx);
    struct pubkey_question q;
    struct err e;
    if (pubkey_question_read(&q, http_arena(r), http_body(r), &at, &e))
        reply_pubkey(r, ctx, &q.scope, q.has_nonce ? q.nonce : NULL);
    else
        http_reply_err(r, &e);
}

// --- health

void keystore_health(struct http_request *r, void *ctx) {
    (void)ctx;
    http_reply_json(r, 200, json_pack("{s:s,s:s}", "status", "ok", "tee_mode", "None"));
}

void keystore_healthz(struct http_request *r, void *ctx) { keystore_health(r, ctx); }

// Ready: the chain can be asked, and the contract publishes this keystore's key.
void keystore_readyz(struct http_request *r, void *ctx) {
    struct keystore *k = ctx;
    struct err e;
    struct public_key identity = master_identity(k->master);
    const char *own = public_key_text(http_arena(r), &identity);
    struct chain_view view;
    chain_view_init(&view, &k->sight);
    SCOPED_JSON(key) = chain_view_own(&view, http_arena(r), VIEW_KEYSTORE_KEY, NULL, &e);
    if (!key) {
        e.code = ERR_UNAVAILABLE;
        http_reply_err(r, &e);
    } else if (!json_is_string(key) || strcmp(json_string_value(key), own) != 0) {
        err_set(&e, ERR_UNAVAILABLE, "%s does not publish this keystore's key", k->contract);
        err_hint(&e, "the owner calls set_keystore_key with \"%s\"", own);
        http_reply_err(r, &e);
    } else {
        http_reply_json(r, 200, json_pack("{s:s}", "status", "ready"));
    }
}

void keystore_metrics(struct http_request *r, void *ctx) {
    struct keystore *k = ctx;
    const struct {
        const char *name, *help;
        uint64_t value;
    } rows[] = {
        {"outlayer_keystore_sessions_opened_total", "sessions that workers opened", atomic_load(&k->opened)},
        {"outlayer_keystore_decrypts_total", "secrets given to workers", atomic_load(&k->decrypted)},
        {"outlayer_keystore_refusals_total", "requests whose secrets were refused", atomic_load(&k->refused)},
        {"outlayer_keystore_failures_total", "decisions that the chain or this keystore failed to make",
         atomic_load(&k->failed)},
    };
    SCOPED_BUF(b, 4096);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        buf_printf(&b, "# HELP %s %s\n# TYPE %s counter\n%s %" PRIu64 "\n", rows[i].name, rows[i].help, rows[i].name,
                   rows[i].name, rows[i].value);
    buf_printf(&b,
               "# HELP outlayer_keystore_generation newest generation of the master secret\n"
               "# TYPE outlayer_keystore_generation gauge\noutlayer_keystore_generation %u\n",
               master_generation(k->master));
    http_reply(r, 200, "text/plain; version=0.0.4", buf_slice(&b));
}
