// SPDX-License-Identifier: Apache-2.0
// Who may answer requests, as the chain says at `final`: the contract's operators, and their keys.
#pragma once
#include "near/rpc.h"
#include "protocol/contract.h"

#define OPERATORS_READ_MAX (OPERATORS_MAX + 1) // the first one and those beside it

// Accounts, the primary first; in the arena. ERR_NOT_FOUND, …: as the view.
[[nodiscard]] bool operators_read(struct rpc *rpc, struct arena *a, const char *contract_id, const char ***out,
                                  size_t *count, struct err *e);
// Appends the account's keys that may call resolve_execution of the contract, up to `most` in all. An account that is
// not there (any more) has none.
[[nodiscard]] bool operator_keys_read(struct rpc *rpc, struct arena *a, const char *contract_id, const char *account_id,
                                      struct public_key *keys, size_t *count, size_t most, struct err *e);
// The key may answer requests for its account: full access, or a function-call key for the contract's
// resolve_execution.
bool key_may_resolve(const struct rpc_access_key *k, const char *contract_id);
// The key may call this method of the contract.
bool key_may_call(const struct rpc_access_key *k, const char *contract_id, const char *method);
