// SPDX-License-Identifier: Apache-2.0
// OutLayer's contract: a contract or account pays for an execution outside of the chain and gets its output as the
// value of its own call.
//
// Who may call what
//   anyone once   new
//   anyone        request_execution (with a deposit), cancel_stale_execution (600 s after the request), the views
//   operator      submit_execution_output, submit_execution_output_and_resolve, resolve_execution
//   owner         set_pricing, set_paused
//   itself        on_execution_response (the yield's callback), on_refund_transferred
//
// Stored (model.h): "STATE"; 'r' id: a pending request; 'o' id: a large output until it is delivered. A pending request
// is removed by the callback (answered, or 200 blocks without an answer) or by cancelling it.
//
// Money: request_execution takes the whole deposit as the request's payment, at least the price of its limits
// (price.h); what is beyond buys build time. At the end charge + refund = payment; charges are added to fees_collected.
//   success                                       the price of what was used, never more than the payment
//   the guest or its build failed, access denied  the same
//   the platform failed, no answer, cancelled     nothing
//   answered, but the callback failed, cancelled  the price of what was used
// Prices are those in force when the request was made. The refund goes to payer_account_id, else to the sender; one
// that bounces goes to the sender.
#include "events.h"
#include "settle.h"

#define CALLBACK_GAS (50 * TGAS) // enough to return OUTPUT_JSON_MAX bytes; what the caller attached beyond is added
#define STALE_NS (600 * SECOND_NS)

static void require_owner(const struct state *s) {
    struct account from = caller();
    require(account_eq(&from, &s->owner), "Only owner can call this method");
}

static void require_operator(void) {
    struct state s = state_load();
    struct account from = caller();
    require(account_eq(&from, &s.operator), "Only operator can call this");
}

METHOD(CALL, new) {
    struct new_call in = new_call_read();
    require(!state_exists(), "The contract has already been initialized");
    struct state s = {
        .owner = in.owner_id, .operator= in.operator_id.len ? in.operator_id : in.owner_id, .fees = default_fees()};
    state_save(&s);
}

// --- requests

static _Noreturn void stop_limit(const char *name, uint64_t n, uint64_t cap, const char *unit) {
    char buffer[160];
    struct out o = OUT(buffer);
    out_str(&o, "Requested ");
    out_str(&o, name);
    out_char(&o, ' ');
    out_number(&o, n);
    out_str(&o, n ? " exceeds hard limit of " : " is not between 1 and ");
    out_number(&o, cap);
    out_str(&o, unit);
    stop_out(&o);
}

static void check_limits(const struct limits *l) {
    if (l->max_instructions - 1 >= MAX_INSTRUCTIONS)
        stop_limit("max_instructions", l->max_instructions, MAX_INSTRUCTIONS, "");
    if (l->max_execution_seconds - 1 >= MAX_EXECUTION_SECONDS)
        stop_limit("max_execution_seconds", l->max_execution_seconds, MAX_EXECUTION_SECONDS, " seconds");
    if (l->max_memory_mb - 1 >= MAX_MEMORY_MB)
        stop_limit("max_memory_mb", l->max_memory_mb, MAX_MEMORY_MB, " MB");
}

static void check_payment(const struct limits *l, struct yocto required, struct yocto got) {
    if (!yocto_less(got, required))
        return;
    char buffer[320];
    struct out o = OUT(buffer);
    out_str(&o, "Insufficient payment: required ");
    out_amount(&o, required);
    out_str(&o, " yoctoNEAR for requested limits (max_instructions: ");
    out_number(&o, l->max_instructions);
    out_str(&o, ", max_execution_seconds: ");
    out_number(&o, l->max_execution_seconds);
    out_str(&o, "), got ");
    out_amount(&o, got);
    out_str(&o, " yoctoNEAR");
    stop_out(&o);
}

static struct request request_of(const struct request_call *in, const struct state *s) {
    struct request q = {.id = s->next_request_id,
                        .sender = caller(),
                        .repo = in->code_source.repo,
                        .commit = in->code_source.commit,
                        .build_target = in->code_source.build_target,
                        .secrets_profile = in->secrets_ref.profile,
                        .secrets_owner = in->secrets_ref.account_id,
                        .limits = limits_of(&in->resource_limits),
                        .payment = deposit_attached(),
                        .timestamp = now_ns(),
                        .format = in->response_format,
                        .fees = s->fees};
    check_limits(&q.limits);
    struct yocto required = price_required(&q.fees, &q.limits);
    check_payment(&q.limits, required, q.payment);
    q.payer = in->payer_account_id.len ? in->payer_account_id : q.sender;
    q.build_seconds = price_build_seconds(&q.fees, q.payment, required);
    q.has_input = in->input_data.ptr;
    if (q.has_input) {
        q.input_hash = sha256_of(in->input_data);
        q.input_len = (uint32_t)in->input_data.len;
    }
    return q;
}

static void check_payer(const struct account *payer) {
    struct account here = self();
    require(!account_eq(payer, &here), "payer_account_id cannot be this contract");
}

METHOD(PAYABLE, request_execution) {
    struct request_call in = request_call_read();
    if (in.payer_account_id.len)
        check_payer(&in.payer_account_id);
    struct state s = state_load();
    require(!s.paused, "Contract is paused");
    struct request q = request_of(&in, &s);
    char buffer[64];
    struct out args = OUT(buffer);
    put_open(&args, '{');
    member_number(&args, "request_id", q.id);
    put_close(&args, '}');
    struct promise answer = yield_create("on_execution_response", out_text(&args), CALLBACK_GAS, &q.data_id);
    s.next_request_id++;
    state_save(&s);
    request_save(&q);
    log_requested(&q, in.input_data);
    promise_return(answer);
}

METHOD(CALL, cancel_stale_execution) {
    struct request q = request_must_load(request_id_read());
    require(now_ns() > q.timestamp + STALE_NS, "Execution is not yet stale, please wait");
    finish_cancelled(&q);
}

// --- answers

METHOD(CALL, submit_execution_output) {
    struct answer in = submit_read();
    require_operator();
    struct request q = request_must_load(in.request_id);
    submit_output(&q, &in.output);
}

METHOD(CALL, resolve_execution) {
    struct answer in = resolve_read();
    require_operator();
    struct request q = request_must_load(in.request_id);
    resume_request(&q, &in);
}

METHOD(CALL, submit_execution_output_and_resolve) {
    struct answer in = submit_and_resolve_read();
    require_operator();
    struct request q = request_must_load(in.request_id);
    submit_output(&q, &in.output);
    resume_request(&q, &in);
}

METHOD(CALLBACK, on_execution_response) {
    struct request q;
    uint64_t id = request_id_read();
    if (!request_load(id, &q)) {
        log_number("Warning: Execution request ", id, " not found in pending requests");
        answer_text(TEXT("null"));
    } else if (promise_succeeded()) {
        finish_answered(&q);
    } else {
        finish_timed_out(&q);
    }
}

METHOD(CALLBACK, on_refund_transferred) { refund_checked(); }

// --- the owner

static void set_fee(struct yocto *fee, const struct maybe_yocto *given) {
    require(given->value.v <= FEE_MAX, "A price may be at most 1000 NEAR");
    if (given->given)
        *fee = given->value;
}

METHOD(CALL, set_pricing) {
    struct pricing_call in = pricing_call_read();
    struct state s = state_load();
    require_owner(&s);
    set_fee(&s.fees.base, &in.base_fee);
    set_fee(&s.fees.per_million_instructions, &in.per_million_instructions_fee);
    set_fee(&s.fees.per_ms, &in.per_ms_fee);
    set_fee(&s.fees.per_compile_ms, &in.per_compile_ms_fee);
    state_save(&s);
}

#define KEYSTORE_KEY TEXT("KEYSTORE")
#define PUBLIC_KEY_MAX 64

// ed25519: and base58 of 32 bytes; null takes it back.
static void public_key_check(struct text key) {
    bool good = key.len >= 8 + 32 && key.len <= 8 + 44 && text_eq((struct text){key.ptr, 8}, TEXT("ed25519:"));
    for (size_t i = 8; good && i < key.len; i++) {
        char c = key.ptr[i], low = c | 32;
        good = ((c >= '1' && c <= '9') || (low >= 'a' && low <= 'z')) && c != 'I' && c != 'O' && c != 'l';
    }
    require(good, "public_key must be ed25519: and base58 of 32 bytes");
}

METHOD(CALL, set_keystore_key) {
    struct key_call {
        struct text public_key;
    } in = {0};
    static const struct json_field fields[] = {OPTIONAL(struct key_call, public_key)};
    static const struct json_shape shape = JSON_SHAPE(fields, CLOSED);
    json_arguments(&in, &shape);
    struct state s = state_load();
    require_owner(&s);
    if (in.public_key.ptr) {
        public_key_check(in.public_key);
        store_put(KEYSTORE_KEY, in.public_key);
    } else {
        store_remove(KEYSTORE_KEY);
    }
    log_keystore_key(in.public_key);
}

METHOD(VIEW, get_keystore_key) {
    char key[PUBLIC_KEY_MAX], buffer[PUBLIC_KEY_MAX + 2];
    struct out o = OUT(buffer);
    size_t len = 0;
    bool any = store_get(KEYSTORE_KEY, key, sizeof key, &len);
    put_string(&o, any ? (struct text){key, len} : (struct text){0});
    answer_json(&o);
}

METHOD(VIEW, is_operator) {
    struct operator_call {
        struct account account_id;
    } in = {0};
    static const struct json_field fields[] = {REQUIRED(struct operator_call, account_id)};
    static const struct json_shape shape = JSON_SHAPE(fields, CLOSED);
    json_arguments(&in, &shape);
    struct state s = state_load();
    answer_text(account_eq(&in.account_id, &s.operator) ? TEXT("true") : TEXT("false"));
}

METHOD(CALL, set_paused) {
    bool paused = paused_read();
    struct state s = state_load();
    require_owner(&s);
    s.paused = paused;
    state_save(&s);
}
