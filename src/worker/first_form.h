// SPDX-License-Identifier: Apache-2.0
// Contracts of the first form: near-outlayer 1.0.0 itself, so that workers can be changed before the contract is. What
// is different there, told by a get_request without `build_seconds`:
//   - The input stands in get_request itself, and limits may be null. There are no extensions, no keystore's key, no
//     result envelope, and one operator (get_config).
//   - What a build may take is not said, and not bounded by the contract: it is reckoned here, as our contract does.
//   - Whoever fails is charged the base fee, the platform, too; so is a request that nobody answered.
//   - A yield is resumed with the response as JSON, and a Json output is logged whole: a longer one would end the
//     callback, and nobody would be answered or paid back.
//   - execution_completed does not say of which request it is. It is found in the request's own transaction, by sender
//     and source; where several fit, the charge stays unknown.
#pragma once
#include "near/rpc.h"
#include "protocol/request.h"

#define FIRST_FORM_JSON_MAX 15000 // of the 16,384 bytes that a call can log
#define FIRST_FORM_NULLS 80       // ,"output":null,"error":null,"compile_time_ms":null,"compilation_note":null

// Sets build_seconds of a request of that form, from the contract's prices.
[[nodiscard]] bool first_form_build_seconds(struct chain_request *r, struct rpc *rpc, struct arena *a,
                                            const char *contract_id, struct err *e);
// The reckoning: prices are base, per million instructions, per ms, per ms of building.
uint64_t build_seconds_bought(const struct request_limits *l, u128 payment, const u128 prices[static 4]);
