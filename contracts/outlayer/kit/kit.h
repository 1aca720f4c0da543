// SPDX-License-Identifier: Apache-2.0
// What the contract's unit tests share: a deployed contract with the usual accounts, and checks of one call's outcome.
#pragma once
#include "base/test.h"
#include "sdk/mock/mock.h"
#include <jansson.h>

#define SELF "outlayer.near"
#define OWNER "owner.near"
#define OPERATOR "worker.near"
#define ALICE "alice.near"
#define NEAR (1000 * MILLI_NEAR)
#define DEPOSIT (100 * MILLI_NEAR)
#define SOURCE                                                                                                         \
    "\"code_source\":{\"repo\":\"https://github.com/a/b\",\"commit\":\"main\",\"build_target\":\"wasm32-wasip1\"}"
#define USED "\"resources_used\":{\"instructions\":10999999,\"time_ms\":5000,\"compile_time_ms\":3000}"
#define PAYLOAD_VERSION_BYTES 1

int deployed(void **state); // cmocka setup: new world, `new` called
int released(void **state); // cmocka teardown
#define TEST(f) cmocka_unit_test_setup_teardown(f, deployed, released)

// The call succeeds, else the test fails with its error.
void calls(const char *method, const char *caller, u128 deposit, const char *args);
void views(const char *method, const char *args, const char *value); // and answers exactly this
// The call fails, and its error contains the sentence; nothing has changed.
void refuses(const char *method, const char *caller, u128 deposit, const char *args, const char *sentence);
void answers(const char *value); // the last call's value, exactly

// request_execution with SOURCE and these further arguments ("" or ",…"); the id of the request.
uint64_t requests(const char *more, u128 deposit);
// resolve_execution of the request with this response.
void resolves(uint64_t id, const char *response);
void ends(uint64_t id); // the callback of the id-th yield succeeds

uint64_t usage_beside_state(void); // bytes of state without the record STATE, whose numbers take what they need

// JSON whose numbers beyond 63 bits, which jansson does not read, have become strings; NULL: it is none.
json_t *parsed(const char *text);
// The one event of this name in the last call's logs: its data object, to be json_decref'd by the caller.
json_t *event(const char *name);
void event_is(const char *name, const char *member, const char *json); // the member's compact JSON
// The last call made exactly one receipt: this transfer.
void pays(const char *to, u128 amount);
void pays_nothing(void);
// [[yNEAR charged: "amount"]] and the event's payment_charged, payment_refunded; adds up to the deposit.
void charged(u128 charge, u128 refund);
const char *amount_text(u128 amount); // decimal; a few results live at once
