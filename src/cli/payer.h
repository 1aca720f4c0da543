// SPDX-License-Identifier: Apache-2.0
// Who signs and pays for calls of the register contract.
#pragma once
#include "cli/target.h"

// INIT_ACCOUNT_ID with its key (INIT_ACCOUNT_PRIVATE_KEY, or a file: …_FILE), as the reference's worker has it, unless
// another account or key file is named; else the account's key as for other commands, of a devnet's own accounts also
// that in its home. `account` NULL: INIT_ACCOUNT_ID, or the session's first. `a` is wiped when it is freed, since it
// may hold the key.
[[nodiscard]] bool payer_find(const struct target *t, struct arena *a, const char *account, struct credentials *out,
                              struct err *e);
// Whether INIT_ACCOUNT_ID says who pays.
bool payer_is_set(void);
