// SPDX-License-Identifier: Apache-2.0
// OutLayer's contract: a contract or account pays for an execution outside of the chain and gets its output as the
// value of its own call.
//
// Who may call what
//   anyone once   new
//   anyone        request_execution (with a deposit), cancel_stale_execution (600 s after the request or its last
//                 extension), claim_refund (refund.c), the views (views.c)
//   a secret's owner   store_secrets, update_access, delete_secrets (secrets.c)
//   operators     submit_execution_output, submit_execution_output_and_resolve, resolve_execution, extend_execution
//   owner         prices, pausing, operators, cancelling, fees, upgrades (admin.c)
//   itself        on_execution_response (the yield's callback), on_refund_transferred, migrate
//
// A pending request (model.h) is removed by the callback (answered, or 200 blocks without an answer) or by cancelling
// it. An extension resumes the yield, and its callback yields again: another 200 blocks, paid by the gas that the
// caller attached.
//
// Money: request_execution takes the whole deposit as the request's payment, at least the price of its limits
// (price.h); what is beyond buys build time. At the end charge + refund = payment; charges are added to fees_collected.
//   success                                       the price of what was used, never more than the payment
//   the guest or its build failed, access denied  the same
//   the platform failed, no answer, cancelled     nothing
//   answered, but the answer was not delivered    the price of what was used (cancelled by the owner: nothing)
// Prices are those in force when the request was made. The refund goes to payer_account_id, else to the sender; one
// that bounces is kept for the payer.
#include "roles.h"
#include "sdk/reply.h"
#include "settle.h"

#define CALLBACK_TGAS 50 // enough to return OUTPUT_JSON_MAX bytes; what the caller attached beyond is added
#define EXTENSION_TGAS 3 // what an extension takes from that
#define REST_TGAS 1      // of a call, after it has looked what it has left
#define EXTENSIONS_MAX 10
#define STALE_NS (STALE_SECONDS * SECOND_NS)

ENTRY(new) {
    require(!state_exists(), "The contract has already been initialized");
    struct state s = {.owner = in->owner_id, .first_operator = in->operator_id, .fees = default_fees()};
    if (!s.first_operator.len)
        s.first_operator = s.owner;
    state_save(&s);
}

// --- requests

#define TARGET_MAX 64

static void check_arguments(const struct args *in) {
    const struct text *target = &in->build_target;
    require(text_valid(in->repo.ptr, in->repo.len, REPO_MAX, RULE_ADDRESS) && *in->repo.ptr != '-' &&
                ref_valid(in->commit.ptr, in->commit.len) &&
                (!target->ptr || text_valid(target->ptr, target->len, TARGET_MAX, RULE_WORD)),
            "code_source: repo, commit and build_target must be an address, a git ref and a target of at most 256, 255 "
            "and 64 bytes");
    if (in->profile.ptr)
        profile_check(in->profile);
}

static void check_limit(uint64_t n, uint64_t cap, const char *sentence) {
    require(n, "A limit cannot be zero; leave it out for the default");
    if (n > cap)
        stop_filled(sentence, (struct yocto[]){{n}, {cap}});
}

static void check_limits(const struct limits *l) {
    check_limit(l->max_instructions, MAX_INSTRUCTIONS, "Requested max_instructions % exceeds hard limit of %");
    check_limit(l->max_execution_seconds, MAX_EXECUTION_SECONDS,
                "Requested max_execution_seconds % exceeds hard limit of % seconds");
    check_limit(l->max_memory_mb, MAX_MEMORY_MB, "Requested max_memory_mb % exceeds hard limit of % MB");
}

static void check_payment(const struct limits *l, struct yocto required, struct yocto got) {
    if (yocto_less(got, required))
        stop_filled("Insufficient payment: required % yoctoNEAR for requested limits (max_instructions: %, "
                    "max_execution_seconds: %), got % yoctoNEAR",
                    (struct yocto[]){required, {l->max_instructions}, {l->max_execution_seconds}, got});
}

static void check_payer(const struct account *payer) {
    struct account here = self();
    require(!account_eq(payer, &here), "payer_account_id cannot be this contract");
}

// What the limits cost.
static struct yocto fill_request(struct request *q, const struct args *in, const struct state *s) {
#ifndef __wasm__ // there each call has its own memory
    *q = (struct request){0};
#endif
    q->id = s->next_request_id; // member by member, so that the whole is not copied
    q->sender = caller();
    q->repo = in->repo;
    q->commit = in->commit;
    q->build_target = in->build_target;
    q->secrets_profile = in->profile;
    q->secrets_owner = in->account_id;
    q->limits = limits_of(&in->limits);
    q->payment = deposit_attached();
    q->timestamp = now_ns();
    q->format = in->response_format;
    q->fees = s->fees;
    check_limits(&q->limits);
    struct yocto required = price_required(&q->fees, &q->limits);
    check_payment(&q->limits, required, q->payment);
    if (in->payer_account_id.len && !account_eq(&in->payer_account_id, &q->sender)) {
        q->payer = in->payer_account_id;
        check_payer(&q->payer);
    }
    q->input_hash.given = in->input_data.ptr;
    if (q->input_hash.given) {
        q->input_hash.value = sha256_of(in->input_data);
        q->input_len = (uint32_t)in->input_data.len;
    }
    return required;
}

static struct promise await_answer(struct request *q, bool envelope) {
    struct out *args = reply_open('{');
    member_number(args, "request_id", q->id);
    if (envelope)
        member_bool(args, "result_envelope", true);
    put_close(args, '}');
    return yield_create("on_execution_response", out_text(args), CALLBACK_TGAS * TGAS, &q->data_id);
}

// How much gas the callback will have: what it is given, and what this call leaves over.
static void count_gas(struct request *q) {
    uint64_t left = gas_left() / TGAS;
    q->callback_tgas = (uint16_t)(CALLBACK_TGAS + (left > REST_TGAS ? left - REST_TGAS : 0));
}

uint32_t extensions_left(const struct request *q) {
    uint32_t paid = q->callback_tgas > CALLBACK_TGAS ? (q->callback_tgas - CALLBACK_TGAS) / EXTENSION_TGAS : 0;
    uint32_t allowed = EXTENSIONS_MAX - q->extensions;
    return paid < allowed ? paid : allowed;
}

ENTRY(request_execution) {
    static struct request q;
    check_arguments(in);
    struct state s = state_load();
    require(!s.paused, "Contract is paused");
    struct yocto required = fill_request(&q, in, &s);
    struct promise answer = await_answer(&q, in->result_envelope);
    s.next_request_id++;
    s.open++;
    s.owed.v += q.payment.v;
    state_save(&s);
    log_requested(&q, in->input_data);
    count_gas(&q);
    q.build_seconds = price_build_seconds(&q, required, extensions_left(&q));
    uint64_t before = store_usage();
    request_save(&q);
    check_stake(&q, store_usage() - before, false);
    promise_return(answer);
}

ENTRY(cancel_stale_execution) {
    struct request q;
    request_must_load(in->request_id.value, &q);
    uint64_t since = q.extensions ? q.extended : q.timestamp;
    require(now_ns() > since + STALE_NS, "Execution is not yet stale, please wait");
    finish_stale(&q);
}

// --- answers

static void load_for_operator(const struct args *in, struct request *q) {
    require_operator();
    request_must_load(in->request_id.value, q);
}

ENTRY(submit_execution_output) {
    struct request q;
    load_for_operator(in, &q);
    submit_output(&q, &in->answer.output);
}

ENTRY(resolve_execution) {
    struct request q;
    load_for_operator(in, &q);
    resume_request(&q, &in->answer);
}

ENTRY(submit_execution_output_and_resolve) {
    struct request q;
    load_for_operator(in, &q);
    submit_output(&q, &in->answer.output);
    resume_request(&q, &in->answer);
}

ENTRY(extend_execution) {
    struct request q;
    load_for_operator(in, &q);
    require(extensions_left(&q), "Extended as often as the request's gas pays, at most 10 times");
    resume_to_extend(&q);
}

static void extend(struct request *q, bool envelope) {
    struct promise answer = await_answer(q, envelope);
    q->extending = false;
    q->extensions++;
    q->extended = now_ns();
    log_extended(q);
    count_gas(q);
    request_save(q);
    promise_return(answer);
}

ENTRY(on_execution_response) {
    struct request q;
    struct payload p;
    uint64_t id = in->request_id.value;
    bool envelope = in->result_envelope;
    if (!request_load(id, &q)) {
        log_number("Warning: Execution request ", id, " not found in pending requests");
        answer_cancelled(envelope);
    } else if (!promise_succeeded()) {
        finish_timed_out(&q, envelope);
    } else if (payload_load(&p) == RESUMED_EXTENSION) {
        extend(&q, envelope);
    } else {
        finish_answered(&q, &p, envelope);
    }
}
