// SPDX-License-Identifier: Apache-2.0
// What unit tests of contracts share: one call in the mock host, and checks of its outcome.
#pragma once
#include "base/test.h"
#include "sdk/mock/mock.h"
#include <jansson.h>

int released(void **state); // cmocka teardown

// The call succeeds, else the test fails with its error.
void calls(const char *method, const char *caller, u128 deposit, const char *args);
void views(const char *method, const char *args, const char *value); // and answers exactly this
// The call fails, and its error contains the sentence; nothing has changed.
void refuses(const char *method, const char *caller, u128 deposit, const char *args, const char *sentence);
void answers(const char *value); // the last call's value, exactly

// JSON whose numbers beyond 63 bits, which jansson does not read, have become strings; NULL: it is none.
json_t *parsed(const char *text);
// The one event of this name in the last call's logs: its data object, to be json_decref'd by the caller.
json_t *event(const char *name);
void event_is(const char *name, const char *member, const char *json); // the member's compact JSON
// The last call made exactly one receipt: this transfer.
void pays(const char *to, u128 amount);
void pays_nothing(void);
const char *amount_text(u128 amount); // decimal; a few results live at once
