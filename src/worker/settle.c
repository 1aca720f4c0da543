// SPDX-License-Identifier: Apache-2.0
// How it works: settle_prepare signs an answer and writes it to the journal. settle_follow then gives the bytes to the
// chain with send_tx, which either gives the outcome or says why they cannot be executed (follow_once), as often as it
// takes to know: repeating the same bytes is harmless. After each doubt the request itself is looked at (has_ended), so
// that no follow outlives its request. What is known then is the `fate`: the contract took the answer (report), refused
// it, or never will see it (try_other, which signs another transaction only where the request still waits, and
// otherwise gives the lease back). settle_report looks for the request's event, by the monitor or in the transaction
// that made the request, because the event alone says what was charged.
#include "worker/settle.h"

#include "base/clock.h"
#include "base/log.h"
#include "protocol/attestation.h"
#include <inttypes.h>
#include <time.h>

#define OUTCOME_MS 12000
#define EVENT_MS 4000
#define SETTLEMENT_MS 15000
#define BACKOFF_MS 500
#define BACKOFF_MAX_MS 10000
#define COMPLETE_TRIES 8
#define EVENT_TRIES 4 // to find the event of a request that our own transaction has answered
#define CROSSED_MAX 4 // an extension is over in the next block, unless its callback fails for ever
#define CONFIRMED 2   // how often a verdict must be heard that a server which is behind could give as well

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
                                      .repo = t->repo,
                                      .ref = t->ref,
                                      .target = t->target,
                                      .has_height = t->context.has_height,
                                      .block_height = t->context.block_height,
                                      .nonce = sent->nonce,
                                      .bytes = sent->bytes,
                                      .report = s->report};
    memcpy(s->entry.hash, sent->hash, sizeof s->entry.hash);
    return journal_write(w->set.pending_dir, s->arena, &s->entry, e);
}

bool settle_prepare(struct worker *w, struct submission *s, struct err *e) {
    struct account_id contract;
    struct answer_call call = answer_call(&s->answer, s->arena, s->task.request_id);
    struct action action = {.kind = ACTION_FUNCTION_CALL, .method = call.method, .args = call.args, .gas = call.gas};
    struct sent sent;
    if (!account_id_parse(&contract, slice_str(s->task.contract_id), e) ||
        !sender_sign(w->sender, s->arena, &contract, &action, 1, &sent, e) || !note(w, s, &sent, e))
        return false;
    log_info("%s transaction=%s nonce=%" PRIu64 " bytes=%zu", call.method, sent.hash, sent.nonce, sent.bytes.len);
    return true;
}

void settle_push(struct worker *w, struct submission *s) {
    SCOPED_ARENA(a);
    struct err e;
    if (!rpc_send(w->rpc, a, s->entry.bytes, &e))
        log_debug("transaction=%s is not handed over yet: %s", s->entry.hash, e.msg);
}

// --- following

enum fate {
    FATE_DONE,    // executed, and the contract took it
    FATE_REFUSED, // executed, and the contract said no: words
    FATE_DEAD,    // was not executed and never can be
    FATE_UNABLE,  // this key cannot pay for it or may not send it: words
    FATE_ENDED,   // the request is over, and this transaction is not known
    FATE_OPEN,    // the worker was abandoned before it could be known
};

struct following {
    const char *words; // in the submission's arena
    enum tx_verdict heard;
    unsigned times;
};

static enum fate fate_of(struct submission *s, const json_t *outcome, struct following *f) {
    f->words = rpc_failure_text(s->arena, json_object_get(outcome, "status"));
    return f->words ? FATE_REFUSED : FATE_DONE;
}

// Its nonce is used up, perhaps by itself a moment ago: then the chain knows it. true: *fate is known.
static bool fate_of_stale(struct worker *w, struct submission *s, struct following *f, enum fate *fate) {
    SCOPED_ARENA(a);
    SCOPED_JSON(known) = NULL;
    SCOPED_JSON(outcome) = NULL;
    const struct journal_entry *n = &s->entry;
    struct err e;
    *fate = FATE_DEAD;
    if (!rpc_tx(w->rpc, a, n->hash, n->signer_id, "NONE", 0, &known, &e))
        return e.code == ERR_NOT_FOUND;
    if (!rpc_tx(w->rpc, a, n->hash, n->signer_id, "EXECUTED_OPTIMISTIC", OUTCOME_MS, &outcome, &e))
        return false;
    if (!json_object_get(json_object_get(json_object_get(outcome, "status"), "Failure"), "InvalidTxError"))
        *fate = fate_of(s, outcome, f);
    return true;
}

// A server that is behind does not have the newest block, key or allowance yet: another one is asked.
static bool is_confirmed(struct worker *w, struct following *f, enum tx_verdict verdict) {
    f->times = f->heard == verdict ? f->times + 1 : 1;
    f->heard = verdict;
    if (f->times >= CONFIRMED)
        return true;
    rpc_next_server(w->rpc);
    return false;
}

// The same bytes again: that tells what became of them, and whether they still can be executed. true: *fate is known.
static bool follow_once(struct worker *w, struct submission *s, struct following *f, enum fate *fate) {
    SCOPED_ARENA(a);
    SCOPED_JSON(outcome) = NULL;
    struct tx_said said;
    struct err e = {0};
    if (!rpc_send_wait(w->rpc, a, s->entry.bytes, s->entry.hash, "EXECUTED_OPTIMISTIC", &said, &outcome, &e))
        log_info("transaction=%s: %s", s->entry.hash, e.msg);
    switch (said.verdict) {
    case TX_TAKEN: *fate = fate_of(s, outcome, f); return true;
    case TX_STALE: sender_heed(w->sender, &said, &e); return fate_of_stale(w, s, f, fate);
    case TX_AHEAD:
    case TX_EXPIRED:
    case TX_UNPAID:
    case TX_FORBIDDEN:
    case TX_INVALID:
        if (!is_confirmed(w, f, said.verdict))
            return false;
        sender_heed(w->sender, &said, &e);
        f->words = arena_strdup(s->arena, e.msg);
        *fate = tx_may_be_signed_anew(said.verdict) ? FATE_DEAD : FATE_UNABLE;
        return true;
    case TX_DOUBT: rpc_next_server(w->rpc); return false;
    }
    return false;
}

// true: the chain says that the request waits for no answer any more.
static bool has_ended(struct worker *w, struct submission *s) {
    SCOPED_ARENA(a);
    struct chain_request r;
    enum chain_answer answer;
    struct err e;
    return chain_request(w->chain, a, &s->task, &answer, &r, &e) && (answer == CHAIN_ENDED || r.answered);
}

static enum fate follow(struct worker *w, struct submission *s, const char **words) {
    struct following f = {.heard = TX_TAKEN};
    enum fate fate = FATE_OPEN;
    for (unsigned tries = 0; !flag_is_set(&w->abandon); tries++) {
        bool known = follow_once(w, s, &f, &fate);
        *words = f.words;
        if (known)
            return fate;
        if (has_ended(w, s))
            return fate_of_stale(w, s, &f, &fate) && fate == FATE_DONE ? FATE_DONE : FATE_ENDED;
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
    bool knows_less = s->unnamed && json_object_get(report, "outcome"); // than the report of who answered
    if (!knows_less) {
        json_set_text(report, "outcome", outcome_of(s));
        json_set_text(report, "failure", s->failure[0] ? s->failure : NULL);
        json_set_text(report, "error", s->error[0] ? s->error : NULL);
        json_set_text(report, "output_hash", s->output_hash[0] ? s->output_hash : NULL);
    }
    json_set_u64(report, "instructions", s->instructions);
    json_set_u64(report, "time_ms", s->time_ms);
    json_set_u128(report, "charged", s->charged);
    json_set_u128(report, "refunded", s->refunded);
}

// Events come by the monitor first; where it does not run or has missed one, the request's own transaction tells.
static enum chain_end find_end(struct worker *w, struct arena *a, const struct task *t, struct settlement *out,
                               struct err *e) {
    if (!t->first_form && seen_wait(w->seen, t->request_id, w->set.monitored ? EVENT_MS : 0, out))
        return END_FOUND;
    return chain_settlement(w->chain, a, t, SETTLEMENT_MS, out, e);
}

// What our own transaction has settled is looked for until it is found: it is money.
static enum chain_end find_settlement(struct worker *w, struct arena *a, const struct task *t, bool insist,
                                      struct settlement *out) {
    struct err e;
    enum chain_end end = find_end(w, a, t, out, &e);
    for (unsigned tries = 0; insist && end != END_FOUND && tries < EVENT_TRIES && back_off(w, tries); tries++)
        end = find_end(w, a, t, out, &e);
    if (end == END_UNKNOWN || (insist && end == END_NONE))
        log_err(LOG_WARN, "how the request ended is not known", &e);
    return end;
}

static void put_end(json_t *report, const struct task *t, enum chain_end end, const struct settlement *s, bool ours) {
    char charged[64] = "unknown";
    if (end == END_FOUND) {
        put_settlement(report, s);
        yocto_text((struct yocto){s->charged}, charged);
    } else if (!ours) {
        json_set_text(report, "outcome", "expired");
        json_set_text(report, "error",
                      end == END_NONE ? "the request is not pending on chain: its transaction is over without it"
                                      : "the request is not pending on chain any more, and how it ended is not known");
    }
    log_info("settled request=%" PRIu64 " outcome=%s charged=\"%s\"", t->request_id,
             json_string_value(json_object_get(report, "outcome")), charged);
}

// Until the coordinator has it. Where it cannot be told, the lease runs out, and whoever gets the next one finds the
// request settled.
static void tell(struct worker *w, struct arena *a, const struct lease_id *id, const json_t *report) {
    struct err e;
    for (unsigned tries = 0; tries < COMPLETE_TRIES; tries++) {
        if (api_complete(w->api, a, id, report, &e))
            return;
        if (e.code != ERR_UNAVAILABLE && e.code != ERR_TIMEOUT)
            break;
        if (!back_off(w, tries))
            break;
    }
    log_err(LOG_WARN, "the coordinator could not be told", &e);
}

bool settle_report(struct worker *w, struct arena *a, const struct task *t, const struct lease_id *id,
                   const json_t *report, const char *ours, bool last_try) {
    SCOPED_JSON(j) = report ? json_deep_copy(report) : json_object();
    struct settlement s;
    enum chain_end end = find_settlement(w, a, t, ours, &s);
    if (end == END_UNKNOWN && !ours && !last_try)
        return false;
    put_end(j, t, end, &s, ours);
    if (ours)
        json_set_text(j, "resolve_transaction", ours);
    else
        json_object_del(j, "attestation"); // of an answer that the chain did not take
    tell(w, a, id, j);
    return true;
}

static void give_back(struct worker *w, struct submission *s, const char *why) {
    struct lease_id id = id_of(s);
    log_warn("the answer did not come on chain: %s", why);
    held_give_back(w->held, s->arena, &id, why, true);
}

// The contract's two refusals of an output. It lends stake for one while it can, which only it can know.
static bool is_too_large(const char *words) { return strstr(words, REFUSED_OUTPUT_TAIL); }
static bool is_not_covered(const char *words) { return strstr(words, REFUSED_STAKE_PART); }

// The digest says the same as the answer.
static void attest_anew(struct submission *s) {
    json_t *parts = json_object_get(s->report, "attestation");
    struct attestation x;
    struct err e;
    s->answer.has_digest = false;
    if (!parts || !attestation_read(&x, parts, &e))
        return;
    x.contract_id = s->task.contract_id;
    x.request_id = s->task.request_id;
    x.success = false;
    x.output_hash = answer_output_hash(&s->answer);
    x.instructions = s->answer.instructions;
    s->answer.digest = attestation_hash(&x);
    s->answer.has_digest = true;
    json_object_set_new(s->report, "attestation", attestation_json(&x));
}

// True: the output was the reason, and the answer says so now.
static bool answer_without_output(struct submission *s, const char *words) {
    bool large = is_too_large(words), other = !large && !is_not_covered(words);
    if (!s->has_answer || s->answer.class != ANSWER_SUCCESS || other)
        return false;
    answer_fail(&s->answer, s->arena, ANSWER_GUEST, "the output cannot be delivered: %s%s", words,
                large ? "" : "; attach more, what is not charged comes back, or write less");
    attest_anew(s);
    return true;
}

// Does the request still wait for an answer? Asks until that is known; false with *known false when abandoned.
static bool still_waits(struct worker *w, struct submission *s, bool *known) {
    struct chain_request r;
    enum chain_answer answer;
    struct err e;
    for (unsigned tries = 0; !flag_is_set(&w->abandon); tries++) {
        SCOPED_ARENA(a);
        *known = chain_request(w->chain, a, &s->task, &answer, &r, &e);
        if (*known)
            return answer == CHAIN_OPEN && !r.answered;
        log_err(LOG_WARN, "is the request still open?", &e);
        if (!back_off(w, tries))
            break;
    }
    *known = false;
    return false;
}

// True: the same answer is taken a block later.
static bool crossed_extension(struct submission *s, const char *words) {
    return s->has_answer && strstr(words, REFUSED_EXTENDING) && s->crossed++ < CROSSED_MAX;
}

static bool may_answer_again(struct submission *s, enum fate fate, const char *words) {
    switch (fate) {
    case FATE_REFUSED: return answer_without_output(s, words) || crossed_extension(s, words);
    case FATE_DEAD: return s->has_answer;
    case FATE_DONE:
    case FATE_UNABLE:
    case FATE_ENDED:
    case FATE_OPEN: return false;
    }
    return false;
}

// The transaction was refused or is dead. True when another one is signed.
static bool try_other(struct worker *w, struct submission *s, enum fate fate, const char *words, bool *ended) {
    struct err e;
    bool known, waits = still_waits(w, s, &known);
    *ended = known && !waits;
    if (!known || !waits)
        return false;
    if (fate == FATE_UNABLE)
        worker_unable(w);
    if (!may_answer_again(s, fate, words)) {
        give_back(w, s, words ? words : "a transaction of an earlier life was never executed");
        return false;
    }
    if (s->lease && held_is_lost(s->lease))
        return false;
    if (settle_prepare(w, s, &e))
        return true;
    give_back(w, s, e.msg);
    return false;
}

static void report(struct worker *w, struct submission *s, bool by_us) {
    struct lease_id id = id_of(s);
    if (by_us)
        worker_able(w);
    if (s->lease)
        held_stage(w->held, s->lease, STAGE_ENDED);
    if (!settle_report(w, s->arena, &s->task, &id, s->report, by_us ? s->entry.hash : NULL, false))
        give_back(w, s, "the request has ended, and how is not known yet");
}

void settle_follow(struct worker *w, struct submission *s) {
    uint64_t start_us = clock_mono_us();
    for (;;) {
        const char *words = NULL;
        enum fate fate = follow(w, s, &words);
        if (fate == FATE_OPEN)
            return; // the journal knows
        bool ended = fate == FATE_DONE || fate == FATE_ENDED, other = false;
        if (words)
            log_warn("transaction=%s was refused: %s", s->entry.hash, words);
        if (!ended)
            other = try_other(w, s, fate, words, &ended);
        if (other)
            continue;
        if (flag_is_set(&w->abandon) && !ended)
            return;
        histogram_add(&w->counts.settled, clock_mono_us() - start_us);
        if (ended)
            report(w, s, fate == FATE_DONE);
        if (!flag_is_set(&w->abandon))
            journal_remove(w->set.pending_dir, s->arena, s->task.contract_id, s->task.request_id);
        return;
    }
}
