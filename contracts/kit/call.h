// SPDX-License-Identifier: Apache-2.0
// One call in the mock host, and what came of it: for the unit tests of every contract.
#pragma once
#include "base/test.h"
#include "sdk/mock/mock.h"

int released(void **state); // cmocka teardown

// The call succeeds, else the test fails with its error.
void calls(const char *method, const char *caller, u128 deposit, const char *args);
void views(const char *method, const char *args, const char *value); // and answers exactly this
// The call fails, and its error contains the sentence; nothing has changed.
void refuses(const char *method, const char *caller, u128 deposit, const char *args, const char *sentence);
void answers(const char *value); // the last call's value, exactly
