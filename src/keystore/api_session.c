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
    struct session_question question;
};

// What costs nothing to look at comes before the chain is asked.
static bool open_session(struct session_call *c, struct session *out, struct err *e) {
    const struct session_question *q = &c->question;
    struct hash record = session_record(&q->terms);
    struct chain_view view;
    if (!sessions_check(c->k->sessions, &q->terms, now_s(), e))
        return false;
    if (!signature_verify(&q->signature, &q->key, hash_slice(&record)))
        return err_set(e, ERR_UNAUTHORIZED, "the signature is not that of this key over this session's terms");
    uint64_t asked_ms = clock_mono_ms();
    chain_view_init(&view, &c->k->sight);
    if (!keystore_may_resolve(&view, c->a, q->terms.account, &q->key, e) ||
        !sessions_open(c->k->sessions, &q->terms, &q->key, now_s(), out, e))
        return false;
    sessions_checked(c->k->sessions, &out->id, asked_ms);
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
    struct session_call c = {.k = ctx, .a = http_arena(r)};
    struct question_place at = api_place(ctx);
    struct session s;
    struct err e;
    bool ok = session_question_read(&c.question, c.a, http_body(r), &at, &e) && open_session(&c, &s, &e);
    char hex[65];
    const struct audit_entry entry = {.what = "session",
                                      .verdict = ok ? "allowed" : "refused",
                                      .account = c.question.terms.account,
                                      .session = ok ? hash_hex(&s.id, hex) : NULL,
                                      .why = ok ? NULL : e.msg,
                                      .unproven = !ok};
    if (!audit_write(c.k->audit, &entry, ok ? &e : NULL) && ok)
        ok = sessions_revoke(c.k->sessions, &s.id) && false;
    if (!ok) {
        http_reply_err(r, &e);
        return;
    }
    atomic_fetch_add(&c.k->opened, 1);
    log_info("session opened by %s", c.question.terms.account);
    http_reply_json(r, 200, session_json(c.k, c.a, &s));
}

// --- decrypt

struct decrypt_call { // in the request's arena: it may wait for its owner's turn
    struct keystore *k;
    struct arena *a; // the request's; no secret is in it
    struct chain_view view;
    struct decrypt_question question;
    struct session session;
    struct finding found;
    struct decision decision;
    bool proven; // the session's holder asks
    uint64_t start_us;
};

// Of one owner's conditions that ask the chain: its contracts may be slow, and that is its own affair.
static const struct deferred_share owners_share = {.at_once = 2, .waiting_each = 8};

// The key may have been removed since the session was opened.
static bool check_still(struct decrypt_call *c, struct err *e) {
    uint64_t now = clock_mono_ms();
    if (now - c->session.checked_ms < RECHECK_MS)
        return true;
    if (keystore_may_resolve(&c->view, c->a, c->session.account.s, &c->session.key, e)) {
        c->session.checked_ms = now;
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
    struct hash record = decrypt_record(&c->question.terms);
    if (!sessions_find(c->k->sessions, &c->question.terms.session, now_s(), &c->session, e))
        return false;
    if (!signature_verify(&c->question.signature, &c->session.key, hash_slice(&record)))
        return err_set(e, ERR_UNAUTHORIZED, "the signature is not that of the session's key over this request");
    if (!sessions_count(c->k->sessions, &c->question.terms.session, c->question.terms.counter, e))
        return false;
    c->proven = true;
    return check_still(c, e);
}

static bool audit_decrypt(const struct decrypt_call *c, const struct decision *d, bool decided, const char *why,
                          struct err *e) {
    char hex[65];
    const struct audit_entry entry = {.what = "decrypt",
                                      .verdict = !decided     ? "failed"
                                                 : d->allowed ? "allowed"
                                                              : "refused",
                                      .session = hash_hex(&c->question.terms.session, hex),
                                      .account = c->session.account.s,
                                      .caller = d->caller,
                                      .owner = d->owner,
                                      .profile = d->profile,
                                      .repo = d->repo,
                                      .branch = d->branch,
                                      .why = why,
                                      .has_request = true,
                                      .request_id = c->question.terms.request_id};
    return audit_write(c->k->audit, &entry, e);
}

static void reply_decision(struct http_request *r, struct decrypt_call *c, const struct decision *d) {
    json_t *o;
    struct hash record;
    int status = 200;
    if (d->allowed) {
        record = answer_record(&c->question.terms, d->answer.sealed);
        o = json_pack("{s:s}", "sealed", base64_text(c->a, d->answer.sealed));
    } else {
        const char *code = err_slug(d->refusal.code);
        record = refusal_record(&c->question.terms, code, d->refusal.msg);
        o = json_pack("{s:{s:s,s:s,s:s}}", "error", "code", code, "message", d->refusal.msg, "hint", "");
        status = err_http_status(d->refusal.code);
    }
    api_put_signature(c->k, c->a, o, &record);
    http_reply_json(r, status, o);
}

// Nothing was decided: an unsigned "not found" would look as if it was.
static void reply_undecided(struct http_request *r, struct err *e) {
    if (e->code != ERR_UNAUTHORIZED && !chain_view_is_trouble(e))
        e->code = ERR_UNAVAILABLE;
    http_reply_err(r, e);
}

static void finish(struct http_request *r, struct decrypt_call *c, bool decided, struct err *e) {
    struct decision *d = &c->decision;
    const char *why = !decided ? e->msg : d->allowed ? NULL : d->refusal.msg;
    struct err unwritten;
    if (!audit_decrypt(c, d, decided, why, &unwritten)) {
        *e = unwritten;
        decided = false;
    }
    histogram_add(&c->k->took, clock_mono_us() - c->start_us);
    if (decided && !d->allowed)
        tally_add(&c->k->reasons, err_slug(d->refusal.code));
    atomic_fetch_add(!decided ? &c->k->failed : d->allowed ? &c->k->decrypted : &c->k->refused, 1);
    if (decided) {
        log_info("secrets %s: %s", d->allowed ? "given" : "refused", d->allowed ? c->session.account.s : why);
        reply_decision(r, c, d);
        return;
    }
    log_err(LOG_WARN, "a decision could not be made", e);
    reply_undecided(r, e);
}

static void decide(struct http_request *r, void *ctx) {
    struct decrypt_call *c = ctx;
    struct decision *d = &c->decision;
    struct err e;
    struct arena *wiped = arena_new();
    log_request_of(c->k->contract, c->question.terms.request_id);
    bool decided = keystore_decide(c->k, &c->view, wiped, &c->session, &c->question.terms, &c->found, &c->decision, &e);
    c->view.bounds.height = 0; // what the chain says now, in what is left of this decision's time
    if (decided && d->allowed && !check_still(c, &e)) // the chain was slow, and the key may have been removed meanwhile
        d->allowed = decided = false;
    finish(r, c, decided, &e);
    arena_free_wiped(wiped);
}

static void find(struct http_request *r, struct decrypt_call *c) {
    struct err e;
    c->start_us = clock_mono_us();
    bool ok = keystore_find(c->k, &c->view, c->a, &c->question.terms, &c->found, &c->decision, &e);
    if (!ok || c->decision.refusal.msg[0])
        finish(r, c, ok, &e);
    else if (c->found.asks_chain)
        deferred_run_for(c->k->conditions, r, decide, c, c->found.scope.owner, &owners_share);
    else
        decide(r, c);
}

// A signature that is none, a counter that was used, a session that is over; or a chain that does not say whether the
// holder's key may still resolve.
static void refuse_holder(struct http_request *r, const struct decrypt_call *c, struct err *why) {
    char hex[65];
    struct err e;
    bool failed = why->code != ERR_UNAUTHORIZED;
    if (!failed)
        tally_add(&c->k->reasons, err_slug(why->code));
    const struct audit_entry entry = {.what = "decrypt",
                                      .verdict = failed ? "failed" : "refused",
                                      .session = hash_hex(&c->question.terms.session, hex),
                                      .account = c->session.account.s[0] ? c->session.account.s : NULL,
                                      .why = why->msg,
                                      .has_request = true,
                                      .request_id = c->question.terms.request_id,
                                      .unproven = !c->proven};
    if (!audit_write(c->k->audit, &entry, &e))
        log_err(LOG_ERROR, "audit", &e);
    reply_undecided(r, why);
}

void keystore_decrypt(struct http_request *r, void *ctx) {
    struct decrypt_call *c = arena_calloc(http_arena(r), 1, sizeof *c);
    struct question_place at = api_place(ctx);
    struct err e;
    c->k = ctx;
    c->a = http_arena(r);
    chain_view_init(&c->view, &c->k->sight);
    if (!decrypt_question_read(&c->question, c->a, http_body(r), &at, &e))
        http_reply_err(r, &e);
    else {
        log_request_of(c->k->contract, c->question.terms.request_id);
        if (check_holder(c, &e))
            find(r, c);
        else
            refuse_holder(r, c, &e);
    }
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
    char hex[65];
    const struct audit_entry entry = {.what = "revoke", .verdict = "allowed", .session = hash_hex(&id, hex)};
    if (audit_write(k->audit, &entry, &e))
        http_reply_empty(r, 204);
    else
        http_reply_err(r, &e);
}
