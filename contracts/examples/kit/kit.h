// SPDX-License-Identifier: Apache-2.0
// What the examples' unit tests share: one call and what it came to.
#pragma once
#include "base/test.h"
#include "sdk/mock/mock.h"

#define OWNER "owner.near"
#define ALICE "alice.near"
#define BOB "bob.near"
#define NEAR (1000 * MILLI_NEAR)

int released(void **state); // cmocka teardown
// The call succeeds, else the test fails with its error.
void calls(const char *method, const char *caller, u128 deposit, const char *args);
void views(const char *method, const char *args, const char *value); // and answers exactly this
void answers(const char *value);                                     // the last call's value, exactly
// The call fails, its error contains the sentence, and nothing has changed.
void refuses(const char *method, const char *caller, u128 deposit, const char *args, const char *sentence);
void comes_back(const char *method, const char *args, const char *result); // a callback that succeeds
void logs(size_t i, const char *line);                                     // the i-th line of the last call, exactly
void pays(size_t i, const char *to, u128 amount);                          // the i-th receipt is this transfer
// The i-th receipt is this call of another contract; after: the receipt it awaits, or -1.
void goes_to(size_t i, const char *to, const char *method, const char *args, u128 deposit, int after);
