// SPDX-License-Identifier: Apache-2.0
// What the examples' unit tests share beside contracts/kit/call.h: callbacks, logs and receipts.
#pragma once
#include "../../kit/call.h"

#define OWNER "owner.near"
#define ALICE "alice.near"
#define BOB "bob.near"
#define NEAR (1000 * MILLI_NEAR)

void comes_back(const char *method, const char *args, const char *result); // a callback that succeeds
void logs(size_t i, const char *line);                                     // the i-th line of the last call, exactly
void transfers(size_t i, const char *to, u128 amount);                     // the i-th receipt is this transfer
// The i-th receipt is this call of another contract; after: the receipt it awaits, or -1.
void goes_to(size_t i, const char *to, const char *method, const char *args, u128 deposit, int after);
