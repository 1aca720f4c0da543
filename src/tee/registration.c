// SPDX-License-Identifier: Apache-2.0
#include "tee/registration.h"

#include "base/file.h"
#include "codec/hex.h"
#include "protocol/register.h"
#include "tee/event_log.h"
#include "tee/measurement.h"
#include "tee/quote_verdict.h"
#include <errno.h>

#define CHALLENGE_GAS (10 * TGAS)
#define REGISTER_GAS (100 * TGAS)   // a call that brings everything burns about 16
#define STAKE ((u128)NEAR_ONE / 10) // what is not needed for the storage comes back
#define QUOTE_TIME_S 60u            // between the challenge and the call that binds it, generously

struct run {
    const struct registration *r;
    struct arena *a;
    struct credentials key;
    struct registration_result *out;
    uint64_t now; // by the chain's clock
    struct dstack_quote quote;
    struct td_view td;  // what it shows
    json_t *collateral; // sent along; NULL: not needed
    bool removed;       // the contract has removed the key
};

static void say(const struct run *run, enum registration_step step, const char *detail) {
    if (run->r->say)
        run->r->say(run->r->ctx, step, detail);
}

// --- the key

static bool make_key(struct run *run, struct err *e) {
    run->key.account = run->r->registry.account;
    secret_key_generate(&run->key.secret);
    run->key.public = secret_key_public(&run->key.secret);
    return credentials_write(&run->key, run->r->key_path, e);
}

bool registration_read_key(struct credentials *out, const struct registry *r, const char *path, struct err *e) {
    *out = (struct credentials){0};
    if (access(path, F_OK) != 0 && errno == ENOENT)
        return err_set(e, ERR_NOT_FOUND, "there is no key file '%s'", path);
    if (!credentials_read(out, path, e)) {
        e->code = e->code == ERR_NOT_FOUND ? ERR_IO : e->code;
        return err_hint(e,
                        "bring it back from a copy; or move it away for another key to be made, and have the lost one "
                        "removed (`outlayer tee remove ed25519:…` by the contract's owner)");
    }
    if (strcmp(out->account.s, r->account.s) == 0)
        return true;
    err_set(e, ERR_CONFLICT, "key file '%s' is of account '%s', and the register contract is '%s'", path,
            out->account.s, r->account.s);
    return err_hint(e, "`outlayer tee register --key FILE` with another file: a key belongs to one register contract");
}

// It is on the disk before anybody hears of it.
static bool find_key(struct run *run, struct err *e) {
    const char *path = run->r->key_path;
    struct err why;
    file_remove_unfinished(path);
    if (registration_read_key(&run->key, &run->r->registry, path, &why))
        return true;
    if (why.code == ERR_NOT_FOUND)
        return make_key(run, e);
    *e = why;
    return false;
}

// The key's record as the contract has it now.
static bool look_up(struct run *run, struct err *e) {
    const struct registry *registry = &run->r->registry;
    run->out->key = run->key.public;
    return registry_now(registry, run->a, &run->now, e) &&
           registry_key(registry, run->a, &run->key.public, &run->out->record, e);
}

bool registration_due(const struct registry_key *record, const struct public_key *key, uint64_t now) {
    uint64_t from = record->renewed_at, whole = record->valid_until > from ? record->valid_until - from : 0;
    uint64_t early = whole / 10 * key->bytes[0] / 255;
    return now >= from + whole / 3 * 2 - early;
}

// --- the quote

static bool counts(const struct run *run, const struct registry_challenge *c) {
    return c->there && c->made_at + CHALLENGE_VALID_S >= run->now + QUOTE_TIME_S;
}

// Only where the contract has no challenge that still counts is another one paid for.
static bool fresh_challenge(struct run *run, struct registry_challenge *c, struct err *e) {
    const struct registry *registry = &run->r->registry;
    const struct registry_call call = {.method = METHOD_NEW_CHALLENGE, .gas = {CHALLENGE_GAS}};
    const char *transaction;
    char hex[65];
    if (!counts(run, c) &&
        (!registry_send(registry, run->a, &call, &transaction, NULL, e) || !registry_challenge(registry, run->a, c, e)))
        return false;
    say(run, STEP_CHALLENGE, hash_hex(&c->hash, hex));
    return c->there || err_set(e, ERR_CHAIN, "the register contract gives no challenge");
}

static bool get_quote(struct run *run, const struct hash *challenge, struct err *e) {
    const struct quote_place place = {run->r->network, run->r->registry.account.s, run->r->config.main_contract};
    struct report_data data = report_data_worker(&place, &run->key.public, challenge);
    return dstack_quote(run->r->agent, run->a, &data, &run->quote, &run->td, e);
}

static void say_quote(const struct run *run) {
    char name[MEASUREMENT_TEXT_MAX];
    say(run, STEP_QUOTE,
        arena_printf(run->a, "%zu bytes, %s", run->quote.quote.len,
                     measurement_text(&run->td, run->r->config.simulated, name)));
}

// The arguments by which check_quote and register_worker_key take a quote; the caller releases them.
static bool arguments(json_t **out, struct arena *a, const struct public_key *key, const struct dstack_quote *quote,
                      json_t *collateral, struct err *e) {
    struct event_log log;
    *out = NULL;
    if (!event_log_parse(&log, a, quote->event_log, e))
        return false;
    *out = json_object();
    if (key)
        json_set_text(*out, "public_key", public_key_text(a, key));
    json_set_text(*out, "tdx_quote_hex", hex_text(a, quote->quote));
    if (log.count)
        json_object_set_new(*out, "event_log", event_log_json(&log, a));
    if (collateral)
        json_object_set(*out, "collateral", collateral);
    return true;
}

static json_t *ask(const struct registry *r, struct arena *a, const struct quote_question *q, json_t *collateral,
                   struct err *e) {
    SCOPED_JSON(args) = NULL;
    return arguments(&args, a, q->key, q->quote, collateral, e) ? registry_view(r, a, VIEW_CHECK_QUOTE, args, e) : NULL;
}

json_t *registry_check_quote(const struct registry *r, struct arena *a, const struct quote_question *q,
                             json_t **collateral, struct err *e) {
    SCOPED_JSON(found) = NULL;
    json_t *verdict = ask(r, a, q, NULL, e);
    if (verdict && q->find && verdict_wants_collateral(verdict)) {
        json_decref(verdict);
        verdict = q->find(q->ctx, a, q->quote->quote, &found, e) ? ask(r, a, q, found, e) : NULL;
    }
    if (collateral)
        *collateral = json_incref(found);
    return verdict;
}

// --- the call

static bool removed(struct err *e) {
    e->code = ERR_FORBIDDEN;
    return err_hint(e, "`outlayer tee register --new-key` makes another key in its place");
}

static bool refused(const char *words, struct err *e) {
    err_set(e, ERR_FORBIDDEN, "the register contract would refuse this machine: %s", words);
    return err_hint(
        e, "`outlayer tee status` says what is wrong; `outlayer tee approve` is how its owner approves an image");
}

// Whether a part that the contract has for this platform runs out soon. What it does not say is no reason to bring
// anything.
static bool runs_out(const struct registry *r, struct arena *a, const json_t *verdict) {
    struct err e;
    SCOPED_JSON(parts) = registry_view(r, a, VIEW_COLLATERAL_STATUS, NULL, &e);
    uint64_t days;
    size_t i;
    json_t *one;
    json_array_foreach(parts, i, one)
        if (verdict_of_part(verdict, one) && json_get_u64(one, "days_left", &days, &e) && days < REGISTRATION_DAYS_FEW)
            return true;
    return false;
}

// Asks the contract what it would say to the quote, and brings the collateral that it lacks. The caller releases the
// verdict.
static bool ask_first(struct run *run, bool purpose, json_t **verdict, struct err *e) {
    const struct registration *r = run->r;
    const struct quote_question q = {&run->key.public, &run->quote, r->collateral, r->ctx};
    *verdict = run->collateral ? ask(&r->registry, run->a, &q, run->collateral, e)
                               : registry_check_quote(&r->registry, run->a, &q, &run->collateral, e);
    if (!*verdict)
        return false;
    const char *words = purpose ? verdict_refusal(*verdict, run->a) : verdict_refusal_of_machine(*verdict, run->a);
    run->removed = verdict_of_removed(*verdict);
    if (run->removed)
        return err_set(e, ERR_FORBIDDEN, "%s", words) || removed(e);
    return !words || refused(words, e);
}

// With a challenge that no longer counts, or none: whatever else the contract has against the machine, its collateral
// or its key is known before a challenge is paid for.
static bool rehearse(struct run *run, const struct registry_challenge *c, struct err *e) {
    SCOPED_JSON(verdict) = NULL;
    return counts(run, c) || (get_quote(run, &c->hash, e) && ask_first(run, false, &verdict, e));
}

static bool check(struct run *run, struct err *e) {
    const struct registration *r = run->r;
    SCOPED_JSON(verdict) = NULL;
    say_quote(run);
    if (!ask_first(run, true, &verdict, e))
        return false;
    struct err ignored; // the contract still takes what it has
    if (!run->collateral && r->collateral && runs_out(&r->registry, run->a, verdict))
        (void)!r->collateral(r->ctx, run->a, run->quote.quote, &run->collateral, &ignored);
    run->out->with_collateral = run->collateral;
    say(run, STEP_CHECK, run->collateral ? "accepted, with collateral for the contract" : "accepted");
    return true;
}

// Whether somebody removed the key since it was asked about: by the contract's own code, not by words in an error,
// which may be anybody's.
static bool was_removed(struct run *run) {
    const struct quote_question q = {.key = &run->key.public, .quote = &run->quote};
    struct err ignored;
    SCOPED_JSON(verdict) = ask(&run->r->registry, run->a, &q, run->collateral, &ignored);
    run->removed = verdict_of_removed(verdict);
    return run->removed;
}

static bool send(struct run *run, struct err *e) {
    const struct registration *r = run->r;
    SCOPED_JSON(args) = NULL;
    if (!arguments(&args, run->a, &run->key.public, &run->quote, run->collateral, e))
        return false;
    const struct registry_call call = {.method = METHOD_REGISTER_WORKER_KEY,
                                       .args = args,
                                       .gas = {REGISTER_GAS},
                                       .deposit = {r->config.open ? STAKE : 0}};
    say(run, STEP_SEND, run->r->registry.account.s);
    if (!registry_send(&r->registry, run->a, &call, &run->out->transaction, NULL, e))
        return was_removed(run) ? removed(e) : false;
    if (!look_up(run, e))
        return false;
    return run->out->record.there || err_set(e, ERR_CHAIN, "the register contract took the key and does not have it");
}

static bool quote_and_send(struct run *run, struct err *e) {
    bool known = run->out->record.there;
    struct registry_challenge c;
    bool ok = registry_challenge(&run->r->registry, run->a, &c, e) && rehearse(run, &c, e) &&
              fresh_challenge(run, &c, e) && get_quote(run, &c.hash, e) && check(run, e) && send(run, e);
    json_decref(run->collateral);
    run->collateral = NULL;
    run->out->end = known ? REGISTRATION_RENEWED : REGISTRATION_NEW;
    return ok;
}

static bool run_once(struct run *run, struct err *e) {
    const struct registry_key *record = &run->out->record;
    if (!look_up(run, e))
        return false;
    say(run, STEP_KEY, public_key_text(run->a, &run->key.public));
    if (record->there && !run->r->renew && !registration_due(record, &run->key.public, run->now))
        return true; // REGISTRATION_KEPT
    return quote_and_send(run, e);
}

static bool run_all(struct run *run, struct err *e) {
    if (!find_key(run, e))
        return false;
    if (run_once(run, e))
        return true;
    // A new key takes the place of one that the contract has removed, never of one that may still be registered.
    return run->r->new_key && run->removed && make_key(run, e) && run_once(run, e);
}

bool registration_run(const struct registration *r, struct arena *a, struct registration_result *out, struct err *e) {
    struct run run = {.r = r, .a = a, .out = out};
    int lock;
    *out = (struct registration_result){.end = REGISTRATION_KEPT};
    const char *who = arena_printf(a, "process %d", (int)getpid());
    if (!file_lock(arena_printf(a, "%s.lock", r->key_path), who, &lock, e))
        return err_hint(e, e->code == ERR_CONFLICT
                               ? "another registration of this key is under way; it ends within a minute"
                               : "the key's folder must be there, and this user's");
    bool ok = run_all(&run, e);
    secret_key_wipe(&run.key.secret);
    close(lock);
    return ok;
}
