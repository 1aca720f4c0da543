// SPDX-License-Identifier: Apache-2.0
#include "worker/settle.h"

#include "base/clock.h"
#include "base/log.h"
#include <inttypes.h>
#include <time.h>

#define NONCE_TRIES 5
#define OUTCOME_MS 12000
#define EVENT_MS 4000
#define SETTLEMENT_MS 15000
#define BACKOFF_MS 500
#define BACKOFF_MAX_MS 10000
#define COMPLETE_TRIES 8

// --- submissions

static const char *keep(struct arena *a, const char *text) { return text ? arena_strdup(a, text) : NULL; }

static void keep_task(struct arena *a, struct task *t) {
    t->contract_id = keep(a, t->contract_id);
    t->sender_id = keep(a, t->sender_id);
    t->payer_id = keep(a, t->payer_id);
    t->repo = keep(a, t->repo);
    t->ref = keep(a, t->ref);
    t->target = keep(a, t->target);
    t->secrets = (struct secrets_ref){keep(a, t->secrets.profile), keep(a, t->secrets.account_id)};
    t->input = slice_of(NULL, 0);
    struct task_context *c = &t->context;
    c->transaction_hash = keep(a, c->transaction_hash);
    c->signer_id = keep(a, c->signer_id);
    c->receipt_id = c->predecessor_id = c->signer_public_key = NULL;
}

struct submission *submission_new(const struct task *t, struct held_lease *lease, const char *token,
                                  const struct answer *n, json_t *report) {
    struct arena *a = arena_new();
    struct submission *s = arena_calloc(a, 1, sizeof *s);
    *s = (struct submission){.arena = a, .task = *t, .lease = lease, .token = keep(a, token), .report = report};
    keep_task(a, &s->task);
    if (n) {
        s->has_answer = true;
        s->answer = *n;
        s->answer.error = keep(a, n->error);
        s->answer.note = keep(a, n->note);
        s->answer.output = arena_copy(a, n->output);
    }
    return s;
}

void submission_free(struct submission *s) {
    if (!s)
        return;
    json_decref(s->report);
    arena_free(s->arena);
}

static struct lease_id id_of(const struct submission *s) {
    return (struct lease_id){s->task.contract_id, s->token, s->task.request_id};
}

// Waits a little longer each time; false when the worker is abandoned.
static bool back_off(struct worker *w, unsigned tries) {
    uint64_t ms = BACKOFF_MS << (tries < 5 ? tries : 5);
    if (ms > BACKOFF_MAX_MS)
        ms = BACKOFF_MAX_MS;
    for (uint64_t end = clock_mono_ms() + ms; !flag_is_set(&w->abandon) && clock_mono_ms() < end;) {
        struct timespec t = {0, 50000000};
        nanosleep(&t, NULL);
    }
    return !flag_is_set(&w->abandon);
}

// --- sending

static bool note(struct worker *w, struct submission *s, const struct sent *sent, struct err *e) {
    const struct task *t = &s->task;
    s->entry = (struct journal_entry){.contract_id = t->contract_id,
                                      .request_id = t->request_id,
                                      .data_id = t->data_id,
                                      .token = s->token,
                                      .signer_id = sender_account(w->sender)->s,
                                      .public_key = public_key_text(s->arena, sender_key(w->sender)),
                                      .request_transaction = t->context.transaction_hash,
                                      .request_signer = t->context.signer_id,
                                      .sender_id = t->sender_id,
                                      .has_height = t->context.has_height,
                                      .block_height = t->context.block_height,
                                      .nonce = sent->nonce,
                                      .bytes = sent->bytes,
                                      .report = s->report};
    memcpy(s->entry.hash, sent->hash, sizeof s->entry.hash);
    return journal_write(w->set.pending_dir, s->arena, &s->entry, e);
}

bool settle_send(struct worker *w, struct submission *s, struct err *e) {
    struct account_id contract;
    struct answer_call call = answer_call(&s->answer, s->arena, s->task.request_id);
    struct action action = {.kind = ACTION_FUNCTION_CALL, .method = call.method, .args = call.args, .gas = call.gas};
    if (!account_id_parse(&contract, slice_str(s->task.contract_id), e))
        return false;
    for (int i = 0; i < NONCE_TRIES; i++) {
        struct sent sent;
        bool stale;
        if (!sender_sign(w->sender, s->arena, &contract, &action, 1, &sent, e) || !note(w, s, &sent, e))
            return false;
        bool ok = rpc_send(w->rpc, s->arena, sent.bytes, &stale, e);
        log_info("%s sent transaction=%s nonce=%" PRIu64 " bytes=%zu%s", call.method, sent.hash, sent.nonce,
                 sent.bytes.len,
                 ok      ? ""
                 : stale ? " (nonce used up)"
                         : " (in doubt)");
        if (ok || (!stale && e->code != ERR_CHAIN))
            return true; // sent, or nobody knows: following finds out
        // Refused before anything was executed.
        journal_remove(w->set.pending_dir, s->arena, s->task.contract_id, s->task.request_id);
        if (!stale)
            return false;
        sender_forget_nonce(w->sender);
    }
    return err_wrap(e, "the key's nonces are used by somebody else at the same time");
}

// --- following

enum fate {
    FATE_DONE,    // executed, and the contract took it
    FATE_REFUSED, // executed, and the contract said no: words
    FATE_DEAD,    // was not executed and never can be
    FATE_OPEN,    // the worker was abandoned before it could be known
};

static bool key_nonce(struct worker *w, struct arena *a, const struct journal_entry *n, uint64_t *nonce,
                      struct err *e) {
    struct public_key key;
    struct rpc_access_key out;
    if (!public_key_parse(&key, slice_str(n->public_key), e))
        return false;
    if (!rpc_access_key(w->rpc, a, n->signer_id, &key, &out, e)) {
        *nonce = UINT64_MAX; // a key that was removed signs nothing any more
        return e->code == ERR_NOT_FOUND;
    }
    *nonce = out.nonce;
    return true;
}

// The chain does not know the transaction. True: it never can be executed. False: the same bytes are on their way
// again, or that could not be found out.
static bool is_dead(struct worker *w, struct arena *a, const struct journal_entry *n) {
    uint64_t nonce;
    bool stale;
    struct err e;
    if (!key_nonce(w, a, n, &nonce, &e))
        return false;
    if (nonce < n->nonce) {
        if (rpc_send(w->rpc, a, n->bytes, &stale, &e))
            return false;
        if (e.code != ERR_CHAIN)
            return false;
        log_err(LOG_WARN, "the same transaction again", &e);
    }
    // Its nonce is used up, perhaps by itself a moment ago: then the chain knows it by now.
    SCOPED_JSON(outcome) = NULL;
    return !rpc_tx(w->rpc, a, n->hash, n->signer_id, "NONE", OUTCOME_MS, &outcome, &e) && e.code == ERR_NOT_FOUND;
}

// The chain took it in and found that it cannot be executed: its nonce was used up by a later one that came first.
static bool was_never_executed(const json_t *status) {
    return json_object_get(json_object_get(status, "Failure"), "InvalidTxError");
}

static enum fate follow_once(struct worker *w, struct arena *a, const struct journal_entry *n, const char **words,
                             bool *known) {
    SCOPED_JSON(outcome) = NULL;
    struct err e;
    *known = rpc_tx(w->rpc, a, n->hash, n->signer_id, "EXECUTED_OPTIMISTIC", 0, &outcome, &e);
    if (*known && was_never_executed(json_object_get(outcome, "status")))
        return FATE_DEAD;
    if (*known) {
        *words = rpc_failure_text(a, json_object_get(outcome, "status"));
        return *words ? FATE_REFUSED : FATE_DONE;
    }
    log_debug("outcome of %s: %s", n->hash, e.msg);
    *known = (e.code == ERR_NOT_FOUND || e.code == ERR_TIMEOUT || e.code == ERR_CHAIN) && is_dead(w, a, n);
    return FATE_DEAD;
}

static enum fate follow(struct worker *w, struct arena *a, const struct journal_entry *n, const char **words) {
    for (unsigned tries = 0; !flag_is_set(&w->abandon); tries++) {
        bool known;
        enum fate fate = follow_once(w, a, n, words, &known);
        if (known)
            return fate;
        if (!back_off(w, tries))
            break;
    }
    return FATE_OPEN;
}

// --- ends

static const char *outcome_of(const struct settlement *s) {
    if (s->success)
        return "success";
    if (strcmp(s->failure, "access") == 0)
        return "refused";
    bool none = strcmp(s->failure, "timeout") == 0 || strcmp(s->failure, "cancelled") == 0 ||
                strcmp(s->failure, "platform") == 0;
    return none ? "expired" : "guest_failed";
}

static void put_settlement(json_t *report, const struct settlement *s) {
    json_set_text(report, "outcome", outcome_of(s));
    json_set_text(report, "failure", s->failure[0] ? s->failure : NULL);
    json_set_text(report, "error", s->error[0] ? s->error : NULL);
    json_set_text(report, "output_hash", s->output_hash[0] ? s->output_hash : NULL);
    json_set_u64(report, "instructions", s->instructions);
    json_set_u64(report, "time_ms", s->time_ms);
    json_set_u128(report, "charged", s->charged);
    json_set_u128(report, "refunded", s->refunded);
}

static bool find_settlement(struct worker *w, struct arena *a, const struct task *t, struct settlement *out) {
    struct err e;
    bool found;
    if (seen_wait(w->seen, t->request_id, w->set.monitored ? EVENT_MS : 0, out))
        return true;
    if (!chain_settlement(w->chain, a, t, SETTLEMENT_MS, out, &found, &e)) {
        log_err(LOG_WARN, "how the request ended is not known", &e);
        return false;
    }
    return found;
}

void settle_report(struct worker *w, struct arena *a, const struct task *t, const struct lease_id *id,
                   const json_t *report, const char *ours, bool answered_by_us) {
    SCOPED_JSON(j) = report ? json_deep_copy(report) : json_object();
    struct settlement s;
    struct err e;
    bool found = find_settlement(w, a, t, &s);
    if (found)
        put_settlement(j, &s);
    else if (!answered_by_us) {
        json_set_text(j, "outcome", "expired");
        json_set_text(j, "error", "the request is not pending on chain any more");
    }
    if (answered_by_us)
        json_set_text(j, "resolve_transaction", ours);
    char charged[64] = "unknown";
    if (found)
        yocto_text((struct yocto){s.charged}, charged);
    log_info("settled outcome=%s charged=\"%s\"", json_string_value(json_object_get(j, "outcome")), charged);
    for (unsigned tries = 0; tries < COMPLETE_TRIES; tries++) {
        if (api_complete(w->api, a, id, j, &e))
            return;
        if (e.code != ERR_UNAVAILABLE && e.code != ERR_TIMEOUT)
            break;
        if (!back_off(w, tries))
            break;
    }
    // The lease runs out, and whoever gets the next one finds the request settled.
    log_err(LOG_WARN, "the coordinator could not be told", &e);
}

static void give_back(struct worker *w, struct submission *s, const char *why) {
    struct lease_id id = id_of(s);
    struct err e;
    log_warn("the answer did not come on chain: %s", why);
    if (!api_fail(w->api, s->arena, &id, why, true, &e))
        log_err(LOG_WARN, "returning a lease", &e);
}

// The contract's two refusals of an output. It lends stake for one while it can, which only it can know.
static bool is_too_large(const char *words) { return strstr(words, REFUSED_OUTPUT_TAIL); }
static bool is_not_covered(const char *words) { return strstr(words, REFUSED_STAKE_PART); }

// True: the output was the reason, and the answer says so now.
static bool answer_without_output(struct submission *s, const char *words) {
    bool large = is_too_large(words), other = !large && !is_not_covered(words);
    if (!s->has_answer || s->answer.class != ANSWER_SUCCESS || other)
        return false;
    answer_fail(&s->answer, s->arena, ANSWER_GUEST, "the output cannot be delivered: %s%s", words,
                large ? "" : "; attach more, what is not charged comes back, or write less");
    return true;
}

// Does the request still wait for an answer? Asks until that is known; false with *known false when abandoned.
static bool still_waits(struct worker *w, struct submission *s, bool *known) {
    struct chain_request r;
    enum chain_answer answer;
    struct err e;
    for (unsigned tries = 0; !flag_is_set(&w->abandon); tries++) {
        *known = chain_request(w->chain, s->arena, &s->task, &answer, &r, &e);
        if (*known)
            return answer == CHAIN_OPEN && !r.answered;
        log_err(LOG_WARN, "is the request still open?", &e);
        if (!back_off(w, tries))
            break;
    }
    *known = false;
    return false;
}

// The transaction was refused or is dead. True when another one has been sent.
static bool try_other(struct worker *w, struct submission *s, const char *words, bool *ended) {
    struct err e;
    bool known, waits = still_waits(w, s, &known);
    *ended = known && !waits;
    if (!known || !waits)
        return false;
    if (!(words && answer_without_output(s, words)) && (words || !s->has_answer)) {
        give_back(w, s, words ? words : "a transaction of an earlier life was never executed");
        return false;
    }
    if (s->lease && held_is_lost(s->lease))
        return false;
    if (settle_send(w, s, &e))
        return true;
    give_back(w, s, e.msg);
    return false;
}

void settle_follow(struct worker *w, struct submission *s) {
    for (;;) {
        const char *words = NULL;
        enum fate fate = follow(w, s->arena, &s->entry, &words);
        if (fate == FATE_OPEN)
            return; // the journal knows
        bool ended = fate == FATE_DONE, sent = false;
        if (words)
            log_warn("transaction=%s was refused: %s", s->entry.hash, words);
        if (!ended)
            sent = try_other(w, s, words, &ended);
        if (sent)
            continue;
        if (flag_is_set(&w->abandon) && !ended)
            return;
        if (ended) {
            struct lease_id id = id_of(s);
            if (s->lease)
                held_stage(w->held, s->lease, STAGE_ENDED);
            settle_report(w, s->arena, &s->task, &id, s->report, s->entry.hash, fate == FATE_DONE);
        }
        if (!flag_is_set(&w->abandon))
            journal_remove(w->set.pending_dir, s->arena, s->task.contract_id, s->task.request_id);
        return;
    }
}
