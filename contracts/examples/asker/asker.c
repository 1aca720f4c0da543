// SPDX-License-Identifier: Apache-2.0
// A contract that asks: what a developer writes who wants an answer from outside of the chain.
//
//   new{outlayer_id}   anyone, once
//   ask{…}             anyone, with a deposit: both go on to outlayer_id's request_execution
//   on_answer          this contract itself: keeps what came back and returns it
//   get_answer         view: {"value": the last answer, "asked": n, "answered": n}
//
// Stored under STATE: version, outlayer_id, asked, answered; under "a": the last answer's JSON text.
//
// The deposit is handed on whole. What OutLayer does not use, and all of it when it refuses the question, comes back to
// this contract, not to who asked, and stays: there is no method that pays it out. A question can name who gets the
// change (payer_account_id); a deposit that was refused comes here all the same. coin_flip shows how to owe players
// their money.
#include "sdk/sdk.h"

#define CALLBACK_GAS (15 * TGAS) // to keep an answer
#define OWN_GAS (5 * TGAS)       // for the rest of `ask`
#define LEAST_GAS (60 * TGAS)    // what request_execution needs, the answer's way back included
#define ANSWER_MAX (64u * 1024)  // kept: longer answers are only passed on
static const struct text state_key = {"STATE", 5}, answer_key = {"a", 1};

struct state {
    struct account outlayer_id;
    uint64_t asked, answered;
};

static struct state load(void) {
    uint8_t bytes[128];
    size_t len = 0;
    require(store_get(state_key, bytes, sizeof bytes, &len), "The contract is not initialized");
    struct rec_in r = {bytes, bytes + len};
    rec_take_version(&r, 1);
    struct state s = {.outlayer_id = rec_take_account(&r)};
    s.asked = rec_take_u64(&r);
    s.answered = rec_take_u64(&r);
    return s;
}

static void save(const struct state *s) {
    uint8_t bytes[128];
    struct rec_out r = REC_OUT(bytes);
    rec_put_u8(&r, 1);
    rec_put_account(&r, &s->outlayer_id);
    rec_put_u64(&r, s->asked);
    rec_put_u64(&r, s->answered);
    store_put(state_key, REC_TEXT(r));
}

METHOD(CALL, new) {
    static const struct json_field fields[] = {REQUIRED(struct state, outlayer_id)};
    static const struct json_shape shape = JSON_SHAPE(fields, CLOSED);
    struct state s = {0};
    json_arguments(&s, &shape);
    require(!store_has(state_key), "The contract has already been initialized");
    save(&s);
}

METHOD(PAYABLE, ask) {
    struct state s = load();
    struct arguments in = arguments();
    require(gas_left() > LEAST_GAS + CALLBACK_GAS + OWN_GAS, "Attach at least 100 Tgas to ask");
    s.asked++;
    save(&s);
    struct promise question = promise_call(&(struct promise_call){.account = s.outlayer_id,
                                                                  .method = "request_execution",
                                                                  .args = {in.ptr, in.len},
                                                                  .deposit = deposit_attached(),
                                                                  .gas = gas_left() - CALLBACK_GAS - OWN_GAS});
    promise_return(
        promise_then(question, &(struct promise_call){.account = self(), .method = "on_answer", .gas = CALLBACK_GAS}));
}

METHOD(CALLBACK, on_answer) {
    static char value[ANSWER_MAX];
    struct state s = load();
    require(promise_succeeded(), "OutLayer refused the question: its own receipt says why");
    s.answered++;
    save(&s);
    if (host_register_len(PROMISE_REGISTER) <= sizeof value)
        store_put(answer_key, (struct text){value, register_copy(PROMISE_REGISTER, value, sizeof value)});
    answer_register(PROMISE_REGISTER);
}

METHOD(VIEW, get_answer) {
    static char value[ANSWER_MAX], buffer[ANSWER_MAX + 128];
    struct state s = load();
    size_t len = 0;
    struct out o = OUT(buffer);
    put_open(&o, '{');
    put_key(&o, "value");
    put_value(&o, store_get(answer_key, value, sizeof value, &len) ? (struct text){value, len} : TEXT("null"));
    member_number(&o, "asked", s.asked);
    member_number(&o, "answered", s.answered);
    put_close(&o, '}');
    answer_json(&o);
}
