// SPDX-License-Identifier: Apache-2.0
#include "settle.h"
#include "events.h"

#define REFUND_CALLBACK_GAS (5 * TGAS)
#define PAYLOAD_VERSION 1

// --- answers in the resume payload

static void put_maybe_hash(struct rec_out *r, const struct maybe_hash *h) {
    rec_put_u8(r, h->given);
    if (h->given)
        rec_put_hash(r, &h->value);
}

static struct maybe_hash take_maybe_hash(struct rec_in *r) {
    struct maybe_hash h = {.given = rec_take_u8(r)};
    if (h.given)
        h.value = rec_take_hash(r);
    return h;
}

// The stored output is named by its hash, so that the callback returns this one and no other.
static void put_answer(struct rec_out *r, const struct answer *a, const struct stored_output *stored) {
    bool is_stored = a->success && stored->kind != OUTPUT_NONE;
    rec_put_u8(r, PAYLOAD_VERSION);
    rec_put_u8(r, a->success);
    rec_put_u8(r, a->failure);
    rec_put_u64(r, a->resources_used.instructions);
    rec_put_u64(r, a->resources_used.time_ms);
    rec_put_u8(r, a->resources_used.compile_time_ms.given);
    rec_put_u64(r, a->resources_used.compile_time_ms.value);
    put_maybe_hash(r, &a->wasm_hash);
    put_maybe_hash(r, &a->attestation_digest);
    rec_put_text(r, a->error);
    rec_put_text(r, a->compilation_note);
    rec_put_u8(r, is_stored);
    if (is_stored) {
        rec_put_hash(r, &stored->hash);
    } else {
        rec_put_u8(r, a->success ? (uint8_t)a->output.kind : OUTPUT_NONE);
        rec_put_text(r, a->success ? a->output.bytes : (struct text){0});
    }
}

static struct answer take_answer(struct rec_in *r, const struct request *q) {
    struct answer a = {.request_id = q->id};
    rec_take_version(r, PAYLOAD_VERSION);
    a.success = rec_take_u8(r);
    a.failure = rec_take_u8(r);
    a.resources_used.instructions = rec_take_u64(r);
    a.resources_used.time_ms = rec_take_u64(r);
    a.resources_used.compile_time_ms.given = rec_take_u8(r);
    a.resources_used.compile_time_ms.value = rec_take_u64(r);
    a.wasm_hash = take_maybe_hash(r);
    a.attestation_digest = take_maybe_hash(r);
    a.error = rec_take_text_or_null(r);
    a.compilation_note = rec_take_text_or_null(r);
    if (rec_take_u8(r)) {
        struct hash promised = rec_take_hash(r);
        require(hash_eq(&promised, &q->output.hash), "The stored output is not the one of the answer");
        a.output = (struct output){q->output.kind, output_load(q), {true, promised}};
    } else {
        a.output.kind = rec_take_u8(r);
        a.output.bytes = rec_take_text(r);
    }
    return a;
}

static struct yocto charge_of(const struct request *q, const struct answer *a) {
    bool ours = !a->success && a->failure == FAILURE_PLATFORM;
    return ours ? YOCTO(0) : price_charge(q, &a->resources_used);
}

void resume_request(struct request *q, const struct answer *a) {
    static const char too_long[] =
        "The answer does not fit into the 1024 bytes that a resumed promise carries: submit the "
        "output with submit_execution_output_and_resolve";
    uint8_t bytes[2 * YIELD_PAYLOAD_MAX];
    struct rec_out r = REC_OUT(bytes);
    require(!q->answered, "Execution request has already been answered");
    require(q->output.kind != OUTPUT_NONE || a->output.bytes.len <= YIELD_PAYLOAD_MAX, too_long);
    put_answer(&r, a, &q->output);
    require(r.len <= YIELD_PAYLOAD_MAX, too_long);
    q->answered = true;
    q->charge = charge_of(q, a);
    request_save(q);
    log_number("Resolving execution for request_id: ", q->id, "");
    require(yield_resume(&q->data_id, REC_TEXT(r)), "Unable to resume execution promise");
}

// --- large outputs

// Bytes of the output as the callback returns it.
static uint64_t returned_length(const struct output *o) {
    switch (o->kind) {
    case OUTPUT_NONE: return 0;
    case OUTPUT_BYTES: return 2 + ((uint64_t)o->bytes.len + 2) / 3 * 4;
    case OUTPUT_TEXT: return json_quoted_length(o->bytes);
    case OUTPUT_JSON: return o->bytes.len;
    }
    __builtin_unreachable();
}

static void check_returnable(const struct output *o) {
    uint64_t n = returned_length(o);
    if (n <= OUTPUT_JSON_MAX)
        return;
    char buffer[160];
    struct out s = OUT(buffer);
    out_str(&s, "The output is ");
    out_number(&s, n);
    out_str(&s, " bytes long as JSON; at most ");
    out_number(&s, OUTPUT_JSON_MAX);
    out_str(&s, " can be handed to a callback");
    stop_out(&s);
}

// The stake of an output is the contract's own up to OUTPUT_LENT_BYTES; beyond, the payment must cover it, so that
// users cannot bind money that is not theirs.
static void check_stake(const struct request *q, uint64_t bytes) {
    struct yocto stake = {bytes > OUTPUT_LENT_BYTES ? (bytes - OUTPUT_LENT_BYTES) * BYTE_STAKE : 0};
    if (!yocto_less(q->payment, stake))
        return;
    char buffer[256];
    struct out s = OUT(buffer);
    out_str(&s, "An output of this size needs a payment of ");
    out_amount(&s, stake);
    out_str(&s, " yoctoNEAR to be stored until it is delivered (what is not charged is returned), got ");
    out_amount(&s, q->payment);
    stop_out(&s);
}

void submit_output(struct request *q, const struct output *output) {
    require(q->output.kind == OUTPUT_NONE, "Output already submitted for this request");
    require(!q->answered, "Execution request has already been answered");
    check_returnable(output);
    uint64_t before = store_usage();
    output_save(q, output->kind, output->bytes);
    check_stake(q, store_usage() - before);
    log_number("Stored pending output for request_id: ", q->id, "");
}

// --- the end

// The payer may be an account that does not exist; the sender called, so it does.
static void pay_back(const struct request *q, struct yocto amount) {
    if (amount.v == 0)
        return;
    struct promise paid = promise_transfer(&q->payer, amount);
    if (account_eq(&q->payer, &q->sender))
        return;
    char buffer[320];
    struct out o = OUT(buffer);
    put_open(&o, '{');
    member_number(&o, "request_id", q->id);
    member_string(&o, "payer_account_id", account_text(&q->payer));
    member_string(&o, "sender_id", account_text(&q->sender));
    member_amount(&o, "amount", amount);
    put_close(&o, '}');
    promise_then(paid, &(struct promise_call){.account = self(),
                                              .method = "on_refund_transferred",
                                              .args = out_text(&o),
                                              .gas = REFUND_CALLBACK_GAS});
}

void refund_checked(void) {
    static const struct json_field fields[] = {
        REQUIRED(struct refund, request_id),
        REQUIRED(struct refund, payer_account_id),
        REQUIRED(struct refund, sender_id),
        REQUIRED(struct refund, amount),
    };
    static const struct json_shape shape = JSON_SHAPE(fields, CLOSED);
    struct refund r = {0};
    json_arguments(&r, &shape);
    if (promise_succeeded())
        return;
    promise_transfer(&r.sender_id, r.amount);
    log_redirected(&r);
}

static void finish(struct request *q, const struct answer *a, struct yocto charged) {
    struct state s = state_load();
    struct end end = {a, charged, yocto_sub(q->payment, charged)};
    request_remove(q);
    s.executions++;
    s.fees_collected = yocto_add_capped(s.fees_collected, charged);
    state_save(&s);
    log_completed(q, &end);
    pay_back(q, end.refunded);
}

static void answer_output(const struct output *output) {
    static char buffer[OUTPUT_JSON_MAX];
    struct out o = OUT(buffer);
    switch (output->kind) {
    case OUTPUT_NONE: put_null(&o); break;
    case OUTPUT_BYTES: put_base64(&o, output->bytes); break;
    case OUTPUT_TEXT: put_string(&o, output->bytes); break;
    case OUTPUT_JSON: answer_text(output->bytes); return;
    }
    answer_json(&o);
}

void finish_answered(struct request *q) {
    uint8_t bytes[YIELD_PAYLOAD_MAX];
    size_t len = register_copy(PROMISE_REGISTER, bytes, sizeof bytes);
    struct rec_in r = {bytes, bytes + len};
    struct answer a = take_answer(&r, q);
    finish(q, &a, q->charge);
    answer_output(&a.output);
}

static void finish_without_answer(struct request *q, enum failure failure, struct text why, struct yocto charged) {
    struct answer a = {.request_id = q->id, .failure = (uint8_t)failure, .error = why};
    finish(q, &a, charged);
}

void finish_timed_out(struct request *q) {
    finish_without_answer(q, FAILURE_TIMEOUT, TEXT("no answer came within 200 blocks; nothing was charged"), YOCTO(0));
    answer_text(TEXT("null"));
}

void finish_cancelled(struct request *q) {
    struct text why = q->answered ? TEXT("the answer could not be delivered: the callback failed")
                                  : TEXT("cancelled after 600 s without an answer; nothing was charged");
    finish_without_answer(q, FAILURE_CANCELLED, why, q->answered ? q->charge : YOCTO(0));
}
