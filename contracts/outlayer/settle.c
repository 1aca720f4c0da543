// SPDX-License-Identifier: Apache-2.0
// How a request ends. An operator's answer goes from the call that brings it to the callback of the yield as the
// resume's payload (resume_request, payload_load); an output that is too large for a payload is stored before
// (submit_output) and named in the payload by its hash. The callback then charges, refunds, emits the event and returns
// the value to the caller (finish_answered), or says that nobody has answered in time (finish_timed_out). A request
// whose callback can never come is ended by whoever cancels it (finish_stale, finish_by_owner). finish() is the one
// place where money moves.
#include "settle.h"
#include "sdk/reply.h"

// --- answers in the resume payload

#define PAYLOAD_ANSWER 1 // the first byte; the answer follows
#define PAYLOAD_EXTENSION 2
#define P(kind, member) REC_##kind(struct answer, member)
static const struct rec_field answer_fields[] = {
    P(RAW, success),
    P(RAW, failure),
    P(RAW, resources_used.instructions),
    P(RAW, resources_used.time_ms),
    P(RAW, resources_used.compile_time_ms.given),
    P(RAW, resources_used.compile_time_ms.value),
    REC_FLAG(struct answer, wasm_hash.given, 1),
    P(RAW, wasm_hash.value),
    REC_FLAG(struct answer, attestation_digest.given, 1),
    P(RAW, attestation_digest.value),
    P(STRING, error),
    P(STRING, compilation_note),
};
static const struct rec_shape answer_shape = REC_SHAPE(answer_fields);

// The stored output is named by its hash, so that the callback returns this one and no other.
static void put_answer(struct rec_out *r, const struct answer *a, const struct stored_output *stored) {
    bool is_stored = a->success && stored->kind != OUTPUT_NONE;
    rec_put_u8(r, PAYLOAD_ANSWER);
    rec_put_shape(r, &answer_shape, a);
    rec_put_u8(r, is_stored);
    if (is_stored) {
        rec_put_hash(r, &stored->hash);
    } else {
        rec_put_u8(r, a->success ? a->output.kind : (uint8_t)OUTPUT_NONE);
        rec_put_text(r, a->success ? a->output.bytes : (struct text){0});
    }
}

static void take_answer(struct answer *a, const struct payload *p, const struct request *q) {
    struct rec_in r = {p->bytes + 1, p->bytes + p->len};
    *a = (struct answer){0};
    rec_take_shape(&r, &answer_shape, a);
    if (rec_take_u8(&r)) {
        struct hash promised = rec_take_hash(&r);
        require(hash_eq(&promised, &q->output.hash), "The stored output is not the one of the answer");
        a->output = (struct output){q->output.kind, output_load(q), {true, promised}};
    } else {
        a->output.kind = rec_take_u8(&r);
        a->output.bytes = rec_take_text(&r);
    }
}

static struct yocto charge_of(const struct request *q, const struct answer *a) {
    bool ours = !a->success && a->failure == FAILURE_PLATFORM;
    return ours ? YOCTO(0) : price_charge(q, &a->resources_used);
}

// A second answer, or one that crosses an extension, would be lost on its way.
static void check_awaited(const struct request *q) {
    require(!q->answered, REFUSED_ANSWERED);
    require(!q->extending, REFUSED_EXTENDING);
}

static bool resume(const struct request *q, struct text payload) { return yield_resume(&q->data_id, payload); }

void resume_request(struct request *q, const struct answer *a) {
    static const char too_long[] =
        "The answer is longer than a promise's 1024 bytes: use submit_execution_output_and_resolve";
    uint8_t bytes[2 * YIELD_PAYLOAD_MAX];
    struct rec_out r = REC_OUT(bytes);
    check_awaited(q);
    require(q->output.kind != OUTPUT_NONE || a->output.bytes.len <= YIELD_PAYLOAD_MAX, too_long);
    put_answer(&r, a, &q->output);
    require(r.len <= YIELD_PAYLOAD_MAX, too_long);
    q->answered = true;
    q->charge = charge_of(q, a);
    request_save(q);
    log_number("Resolving execution for request_id: ", q->id, "");
    require(resume(q, REC_TEXT(r)), REFUSED_RESUME);
}

void resume_to_extend(struct request *q) {
    static const uint8_t payload[] = {PAYLOAD_EXTENSION};
    check_awaited(q);
    q->extending = true;
    request_save(q);
    require(resume(q, (struct text){(const char *)payload, sizeof payload}), REFUSED_RESUME);
}

enum resumed payload_load(struct payload *p) {
    p->len = register_copy(PROMISE_REGISTER, p->bytes, sizeof p->bytes);
    require(p->len > 0, "A resumed promise carries nothing");
    return p->bytes[0] == PAYLOAD_EXTENSION ? RESUMED_EXTENSION : RESUMED_ANSWER;
}

// --- large outputs

// Bytes of the output as the callback returns it.
static uint64_t returned_length(const struct output *o) {
    if (o->kind == OUTPUT_BYTES)
        return 2 + ((uint64_t)o->bytes.len + 2) / 3 * 4;
    return o->kind == OUTPUT_TEXT ? json_quoted_length(o->bytes) : o->bytes.len;
}

static void check_returnable(const struct output *o) {
    uint64_t n = returned_length(o);
    if (n > OUTPUT_JSON_MAX)
        stop_filled(REFUSED_OUTPUT, (struct yocto[]){{n}, {OUTPUT_JSON_MAX}});
}

// Whether the contract's own money covers the stake of all records, the reserve and what it owes. The request's payment
// counts, because it was taken for this request's records. The sum may wrap around, see state_migrate.
static bool can_lend(const struct request *q) {
    struct state s = state_load();
    u128 bound = stake_of(store_usage()).v + LEND_RESERVE;
    return contract_balance().v + q->payment.v >= bound + s.owed.v;
}

void check_stake(const struct request *q, uint64_t bytes, bool lend) {
    struct yocto stake = stake_of(bytes + REQUEST_GROWS);
    if (yocto_less(q->payment, stake) && !(lend && can_lend(q)))
        stop_filled(REFUSED_STAKE, (struct yocto[]){stake, q->payment});
}

void submit_output(struct request *q, const struct output *output) {
    require(q->output.kind == OUTPUT_NONE, "Output already submitted for this request");
    check_awaited(q);
    check_returnable(output);
    uint64_t before = store_usage();
    output_save(q, output->kind, output->bytes);
    check_stake(q, q->bytes + store_usage() - before, true);
    log_number("Stored pending output for request_id: ", q->id, "");
}

// --- the end

static void finish(struct state *s, struct request *q, struct answer *a, struct yocto charged) {
    a->charged = charged;
    a->refunded = yocto_sub(q->payment, charged);
    answer_end(a, q->id);
    request_remove(q);
    s->executions += a->failure != FAILURE_CANCELLED;
    s->fees_collected = yocto_add_capped(s->fees_collected, charged);
    s->owed.v -= a->refunded.v;
    state_closed(s, q->id);
    log_completed(q, a);
    refund_pay(&(struct refund){{true, q->id}, *request_payer(q), q->sender, a->refunded});
}

static void finish_now(struct request *q, struct answer *a, struct yocto charged) {
    struct state s = state_load();
    finish(&s, q, a, charged);
    state_save(&s);
}

static void put_value_of(struct out *o, const struct output *output) {
    if (output->kind == OUTPUT_BYTES)
        put_base64(o, output->bytes);
    else if (output->kind == OUTPUT_TEXT)
        put_string(o, output->bytes);
    else
        put_value(o, output->kind ? output->bytes : TEXT("null"));
}

// The caller's value: the output, or all that is known.
static void answer_caller(const struct answer *a, bool envelope) {
    if (!envelope && a->output.kind == OUTPUT_JSON) {
        answer_text(a->output.bytes);
        return;
    }
    struct out *o = reply();
    if (envelope) {
        put_open(o, '{');
        member_bool(o, "success", a->success);
        put_key(o, "output");
    }
    put_value_of(o, &a->output);
    if (envelope) {
        put_failure(o, a);
        put_usage(o, &a->resources_used);
        put_close(o, '}');
    }
    reply_end();
}

void finish_answered(struct request *q, const struct payload *p, bool envelope) {
    struct answer a;
    take_answer(&a, p, q);
    finish_now(q, &a, q->charge);
    answer_caller(&a, envelope);
}

static struct answer no_answer(enum failure failure, const char *why) {
    return (struct answer){.failure = (uint8_t)failure, .error = text_of(why)};
}

// An answer that was given but did not reach the callback is paid for all the same: its output was public.
static struct answer finish_undelivered(struct request *q, enum failure failure, const char *unanswered) {
    struct answer a = no_answer(failure, q->answered ? "the answer could not be delivered" : unanswered);
    finish_now(q, &a, q->answered ? q->charge : YOCTO(0));
    return a;
}

void finish_timed_out(struct request *q, bool envelope) {
    struct answer a = finish_undelivered(q, FAILURE_TIMEOUT, "no answer came within 200 blocks; nothing was charged");
    answer_caller(&a, envelope);
}

void answer_cancelled(bool envelope) {
    struct answer a = no_answer(FAILURE_CANCELLED, "the request was cancelled");
    answer_end(&a, 0);
    answer_caller(&a, envelope);
}

void finish_stale(struct request *q) {
    struct account by = caller();
    finish_undelivered(q, FAILURE_CANCELLED, "cancelled after 600 s without an answer; nothing was charged");
    log_cancelled(q, &by);
}

void finish_by_owner(struct state *s, struct request *q) {
    struct answer a = no_answer(FAILURE_CANCELLED, "cancelled by the owner; nothing was charged");
    finish(s, q, &a, YOCTO(0));
    log_cancelled(q, &s->owner);
}
