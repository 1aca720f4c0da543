// SPDX-License-Identifier: Apache-2.0
// What the contract's unit tests share: a deployed contract with the usual accounts, and checks of one call's outcome.
#pragma once
#include "kit/check.h"

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
#define TEST(f) cmocka_unit_test_setup_teardown(f, deployed, released)

// request_execution with SOURCE and these further arguments ("" or ",…"); the id of the request.
uint64_t requests(const char *more, u128 deposit);
// resolve_execution of the request with this response.
void resolves(uint64_t id, const char *response);
void ends(uint64_t id); // the callback of the id-th yield succeeds

uint64_t usage_beside_state(void); // bytes of state without the record STATE, whose numbers take what they need

// [[yNEAR charged: "amount"]] and the event's payment_charged, payment_refunded; adds up to the deposit.
void charged(u128 charge, u128 refund);
