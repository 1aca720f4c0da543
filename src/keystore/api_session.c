// SPDX-License-Identifier: Apache-2.0
// Workers: challenge, session, decrypt.
#include "base/clock.h"
#include "base/log.h"
#include "codec/hex.h"
#include "keystore/api.h"

#define RECHECK_MS 5000 // how long the chain's word about a key is believed

static uint64_t now_s(void) { return clock_wall_ms() / 1000; }

void keystore_challenge(struct http_request *r, void *ctx) {
    struct keystore *k = ctx;
    uint8_t challenge[32];
    sessions_challenge(k->sessions, now_s(), challenge);
    json_t *o = json_object();
    json_set_text(o, "challenge", hex_text(http_arena(r), slice_of(challenge, sizeof challenge)));
    json_set_u64(o, "expires_in_s", CHALLENGE_S);
    http_reply_json(r, 200, o);
}

// --- session

struct session_call {
    struct keystore *k;
    struct arena *a;
    struct session_terms terms;
    struct public_key key;
    struct signature signature;
};

static bool get_hex32(const json_t *o, const char *name, uint8_t out[static 32], struct err *e) {
    const char *text;
    return json_get_text(o, name, &text, e) &&
           (hex_decode_exact(out, 32, slice_str(text), e) || err_wrap(e, "field '%s'", name));
}

static bool read_session(struct session_call *c, const json_t *o, struct err *e) {
    const char *key, *signature;
    struct public_key identity = master_identity(c->k->master);
    c->terms.network = c->k->network;
    c->terms.contract = c->k->contract;
    memcpy(c->terms.keystore_key, identity.bytes, 32);
    return json_get_text(o, "account_id", &c->terms.account, e) && json_get_text(o, "public_key", &key, e) &&
           json_get_text(o, "signature", &signature, e) && json_get_u64(o, "expires_at", &c->terms.expires_at, e) &&
           get_hex32(o, "challenge", c->terms.challenge, e) && get_hex32(o, "session_key", c->terms.session_key, e) &&
           public_key_parse(&c->key, slice_str(key), e) && signature_parse(&c->signature, slice_str(signature), e);
}

static bool open_session(struct session_call *c, struct session *out, struct err *e) {
    struct hash record = session_record(&c->terms);
    if (!signature_verify(&c->signature, &c->key, hash_slice(&record)))
        return err_set(e, ERR_UNAUTHORIZED, "the signature is not that of this key over this session's terms");
    if (!keystore_may_resolve(c->k, c->a, c->terms.account, &c->key, e) ||
        !sessions_open(c->k->sessions, &c->terms, &c->key, now_s(), out, e))
        return false;
    sessions_checked(c->k->sessions, &out->id, clock_mono_ms());
    return true;
}

static json_t *session_json(struct keystore *k, struct arena *a, const struct session *s) {
    json_t *o = json_object();
    char hex[65];
    json_set_text(o, "session_id", hash_hex(&s->id, hex));
    json_set_u64(o, "expires_at", s->expires_at);
    api_put_signature(k, a, o, &s->id);
    return o;
}

void keystore_session(struct http_request *r, void *ctx) {
    static const char *const keys[] = {"account_id", "public_key", "challenge", "session_key",
                                       "expires_at", "signature",  NULL};
    SCOPED_JSON(o) = api_body(r, keys);
    if (!o)
        return;
    struct session_call c = {.k = ctx, .a = http_arena(r)};
    struct session s;
    struct err e;
    bool ok = read_session(&c, o, &e) && open_session(&c, &s, &e);
    char hex[65];
    const struct audit_entry entry = {.what = "session",
                                      .verdict = ok ? "allowed" : "refused",
                                      .account = c.terms.account,
                                      .session = ok ? hash_hex(&s.id, hex) : NULL,
                                      .why = ok ? NULL : e.msg};
    if (!audit_write(c.k->audit, &entry, ok ? &e : NULL) && ok)
        ok = sessions_revoke(c.k->sessions, &s.id) && false;
    if (!ok) {
        http_reply_err(r, &e);
        return;
    }
    atomic_fetch_add(&c.k->opened, 1);
    log_info("session opened by %s", c.terms.account);
    http_reply_json(r, 200, session_json(c.k, c.a, &s));
}

// --- decrypt

struct decrypt_call {
    struct keystore *k;
    struct arena *a; // wiped
    struct decrypt_terms terms;
    struct signature signature;
    struct session session;
};

static bool read_decrypt(struct decrypt_call *c, const json_t *o, struct err *e) {
    const char *signature;
    c->terms.network = c->k->network;
    c->terms.contract = c->k->contract;
    return get_hex32(o, "session_id", c->terms.session.b, e) && json_get_u64(o, "counter", &c->terms.counter, e) &&
           json_get_u64(o, "request_id", &c->terms.request_id, e) && json_opt_text(o, "branch", &c->terms.branch, e) &&
           json_get_text(o, "signature", &signature, e) && signature_parse(&c->signature, slice_str(signature), e) &&
           (!c->terms.branch || strlen(c->terms.branch) <= BRANCH_MAX ||
            err_set(e, ERR_INVALID, "field 'branch' has more than %d bytes", BRANCH_MAX));
}

// The key may have been removed since the session was opened.
static bool check_still(struct decrypt_call *c, struct err *e) {
    uint64_t now = clock_mono_ms();
    if (now - c->session.checked_ms < RECHECK_MS)
        return true;
    if (keystore_may_resolve(c->k, c->a, c->session.account.s, &c->session.key, e)) {
        sessions_checked(c->k->sessions, &c->session.id, now);
        return true;
    }
    if (e->code != ERR_FORBIDDEN)
        return false;
    sessions_revoke(c->k->sessions, &c->session.id);
    e->code = ERR_UNAUTHORIZED;
    return err_wrap(e, "this session is over");
}

static bool check_holder(struct decrypt_call *c, struct err *e) {
    struct hash record = decrypt_record(&c->terms);
    if (!sessions_find(c->k->sessions, &c->terms.session, now_s(), &c->session, e))
        return false;
    if (!signature_verify(&c->signature, &c->session.key, hash_slice(&record)))
        return err_set(e, ERR_UNAUTHORIZED, "the signature is not that of the session's key over this request");
    return sessions_count(c->k->sessions, &c->terms.session, c->terms.counter, e) && check_still(c, e);
}

static bool audit_decrypt(const struct decrypt_call *c, const struct decision *d, bool decided, const char *why,
                          struct err *e) {
    char hex[65];
    const struct audit_entry entry = {.what = "decrypt",
                                      .verdict = !decided     ? "failed"
                                                 : d->allowed ? "allowed"
                                                              : "refused",
                                      .session = hash_hex(&c->terms.session, hex),
                                      .account = c->session.account.s,
                                      .caller = d->caller,
                                      .owner = d->owner,
                                      .profile = d->profile,
                                      .repo = d->repo,
                                      .branch = d->branch,
                                      .why = why,
                                      .has_request = true,
                                      .request_id = c->terms.request_id};
    return audit_write(c->k->audit, &entry, e);
}

static void reply_decision(struct http_request *r, struct decrypt_call *c, const struct decision *d) {
    json_t *o;
    struct hash record;
    int status = 200;
    if (d->allowed) {
        record = answer_record(&c->terms, d->answer.sealed);
        o = json_pack("{s:s}", "sealed", base64_text(c->a, d->answer.sealed));
    } else {
        const char *code = err_slug(d->refusal.code);
        record = refusal_record(&c->terms, code, d->refusal.msg);
        o = json_pack("{s:{s:s,s:s,s:s}}", "error", "code", code, "message", d->refusal.msg, "hint", "");
        status = err_http_status(d->refusal.code);
    }
    api_put_signature(c->k, c->a, o, &record);
    http_reply_json(r, status, o);
}

static void decide(struct http_request *r, struct decrypt_call *c) {
    struct decision d;
    struct err e;
    bool decided = keystore_decide(c->k, c->a, &c->session, &c->terms, &d, &e);
    const char *why = !decided ? e.msg : d.allowed ? NULL : d.refusal.msg;
    struct err unwritten;
    if (!audit_decrypt(c, &d, decided, why, &unwritten)) {
        e = unwritten;
        decided = false;
    }
    atomic_fetch_add(!decided ? &c->k->failed : d.allowed ? &c->k->decrypted : &c->k->refused, 1);
    if (decided) {
        reply_decision(r, c, &d);
        return;
    }
    log_err(LOG_WARN, "a decision could not be made", &e);
    http_reply_err(r, &e);
}

void keystore_decrypt(struct http_request *r, void *ctx) {
    static const char *const keys[] = {"session_id", "counter", "request_id", "branch", "signature", NULL};
    SCOPED_JSON(o) = api_body(r, keys);
    if (!o)
        return;
    struct decrypt_call c = {.k = ctx, .a = arena_new()};
    struct err e;
    if (!read_decrypt(&c, o, &e) || !check_holder(&c, &e))
        http_reply_err(r, &e);
    else
        decide(r, &c);
    arena_free_wiped(c.a);
}

// --- what is open

void keystore_list_sessions(struct http_request *r, void *ctx) {
    struct keystore *k = ctx;
    struct session *list;
    size_t n = sessions_list(k->sessions, http_arena(r), now_s(), &list);
    json_t *all = json_array();
    for (size_t i = 0; i < n; i++) {
        json_t *o = json_object();
        char hex[65];
        json_set_text(o, "session_id", hash_hex(&list[i].id, hex));
        json_set_text(o, "account_id", list[i].account.s);
        json_set_text(o, "public_key", public_key_text(http_arena(r), &list[i].key));
        json_set_u64(o, "opened_at", list[i].opened_at);
        json_set_u64(o, "expires_at", list[i].expires_at);
        json_set_u64(o, "decrypts", list[i].decrypts);
        json_array_append_new(all, o);
    }
    http_reply_json(r, 200, all);
}

void keystore_revoke_session(struct http_request *r, void *ctx) {
    struct keystore *k = ctx;
    struct hash id;
    struct err e;
    if (!hash_from_hex(&id, slice_str(http_param(r, "id")), &e)) {
        http_reply_err(r, &e);
        return;
    }
    if (!sessions_revoke(k->sessions, &id)) {
        err_set(&e, ERR_NOT_FOUND, "there is no such session");
        http_reply_err(r, &e);
        return;
    }
    http_reply_empty(r, 204);
}
