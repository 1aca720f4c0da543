// SPDX-License-Identifier: Apache-2.0
// What the register contract says of a quote (its view check_quote) for people. A contract pays for each of its bytes,
// so it answers with codes; their words are here.
#pragma once
#include "base/arena.h"
#include <jansson.h>

// Why a verdict refuses, all reasons in one line; NULL: it does not refuse.
const char *verdict_refusal(const json_t *verdict, struct arena *a);
// The same but for the report data, which say for what the quote was made and nothing of its machine.
const char *verdict_refusal_of_machine(const json_t *verdict, struct arena *a);
// One entry of `refused`, {"code":…}.
const char *refusal_words(const json_t *entry, struct arena *a);
// Whether the reason is the image, which the contract's owner may approve.
bool refusal_of_image(const json_t *entry);
// Whether it is this very key: it was removed, which is for ever, or is registered in another role.
bool refusal_of_removed(const json_t *entry);
bool refusal_of_role(const json_t *entry);
// Whether it is the report data, which say for what the quote was made and nothing of its machine.
bool refusal_of_purpose(const json_t *entry);
// Whether the key was removed, which is for ever.
bool verdict_of_removed(const json_t *verdict);
// Whether a part of the contract's collateral (a row of get_collateral_status) is one by which this quote's platform is
// judged; those of other kinds of platforms stand beside it.
bool verdict_of_part(const json_t *verdict, const json_t *row);
// Whether other collateral than was looked at might make the quote checkable.
bool verdict_wants_collateral(const json_t *verdict);
