// SPDX-License-Identifier: Apache-2.0
// What unit tests of OutLayer's contracts share beside call.h: events and money of the last call.
#pragma once
#include "call.h"
#include <jansson.h>

// JSON whose numbers beyond 63 bits, which jansson does not read, have become strings; NULL: it is none.
json_t *parsed(const char *text);
// The one event of this name in the last call's logs: its data object, to be json_decref'd by the caller.
json_t *event(const char *name);
void event_is(const char *name, const char *member, const char *json); // the member's compact JSON
// The last call made exactly one receipt: this transfer.
void pays(const char *to, u128 amount);
void pays_nothing(void);
const char *amount_text(u128 amount); // decimal; a few results live at once
