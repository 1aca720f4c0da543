// SPDX-License-Identifier: Apache-2.0
// Health, metrics and public keys.
#include "keystore/api.h"

#include "base/clock.h"
#include "codec/hex.h"
#include "protocol/contract.h"

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

bool keystore_ready(struct keystore *k, struct arena *a, struct err *e) {
    struct public_key identity = master_identity(k->master);
    const char *own = public_key_text(a, &identity);
    struct chain_view view;
    chain_view_init(&view, &k->sight);
    SCOPED_JSON(key) = chain_view_own(&view, a, VIEW_KEYSTORE_KEY, NULL, e);
    if (!key) {
        e->code = ERR_UNAVAILABLE;
        return false;
    }
    if (json_is_string(key) && strcmp(json_string_value(key), own) == 0)
        return true;
    err_set(e, ERR_UNAVAILABLE, "%s does not publish this keystore's key", k->contract);
    return err_hint(e, "the owner calls set_keystore_key with \"%s\"", own);
}

void keystore_readyz(struct http_request *r, void *ctx) {
    struct err e;
    if (keystore_ready(ctx, http_arena(r), &e))
        http_reply_json(r, 200, json_pack("{s:s}", "status", "ready"));
    else
        http_reply_err(r, &e);
}

// --- figures

static uint64_t count_of(const atomic_uint_fast64_t *n) { return atomic_load_explicit(n, memory_order_relaxed); }

void keystore_figures(struct keystore *k, struct buf *out) {
    uint64_t seen_ms = atomic_load(&k->sight.seen_ms);
    figure_one(out, FIGURE_COUNTER, "outlayer_keystore_sessions_opened_total", "Sessions that workers opened.",
               count_of(&k->opened));
    figure_head(out, FIGURE_COUNTER, "outlayer_keystore_decisions_total",
                "Questions of sessions' holders for secrets, by what was decided; failed: nothing could be.");
    figure_u64(out, "outlayer_keystore_decisions_total", "verdict=\"allowed\"", count_of(&k->decrypted));
    figure_u64(out, "outlayer_keystore_decisions_total", "verdict=\"refused\"", count_of(&k->refused));
    figure_u64(out, "outlayer_keystore_decisions_total", "verdict=\"failed\"", count_of(&k->failed));
    figure_head(out, FIGURE_COUNTER, "outlayer_keystore_refusals_total",
                "Refusals by reason: of decisions, and of who asks (unauthorized).");
    figure_tally(out, "outlayer_keystore_refusals_total", "reason", &k->reasons);
    figure_head(out, FIGURE_HISTOGRAM, "outlayer_keystore_decision_seconds", "How long a decision took.");
    figure_histogram(out, "outlayer_keystore_decision_seconds", NULL, &k->took);
    if (seen_ms) {
        figure_head(out, FIGURE_GAUGE, "outlayer_keystore_chain_view_age_seconds",
                    "Since the newest final block was seen; /readyz looks for one, too.");
        figure_micro(out, "outlayer_keystore_chain_view_age_seconds", NULL, (clock_mono_ms() - seen_ms) * 1000);
    }
    figure_one(out, FIGURE_GAUGE, "outlayer_keystore_chain_height", "The newest final block that was seen.",
               atomic_load(&k->sight.newest_seen));
    figure_one(out, FIGURE_GAUGE, "outlayer_keystore_generation", "Newest generation of the master secret.",
               master_generation(k->master));
}
