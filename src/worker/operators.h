// SPDX-License-Identifier: Apache-2.0
// Who may answer requests, as the chain says at `final`: the contract's operators, and their keys.
#pragma once
#include "near/rpc.h"

#define OPERATORS_MAX 64

// Accounts, the primary first; in the arena. ERR_NOT_FOUND, …: as the view.
[[nodiscard]] bool operators_read(struct rpc *rpc, struct arena *a, const char *contract_id, const char ***out,
                                  size_t *count, struct err *e);
// Appends the account's keys that may call resolve_execution of the contract, up to `most` in all. An account that is
// not there (any more) has none.
[[nodiscard]] bool operator_keys_read(struct rpc *rpc, struct arena *a, const char *contract_id, const char *account_id,
                                      struct public_key *keys, size_t *count, size_t most, struct err *e);
