// SPDX-License-Identifier: Apache-2.0
// What the register contract says of a quote (its view check_quote) for people. A contract pays for each of its bytes,
// so it answers with codes; their words are here.
#pragma once
#include "base/arena.h"
#include <jansson.h>

// Why a verdict refuses, all reasons in one line; NULL: it does not refuse.
const char *verdict_refusal(const json_t *verdict, struct arena *a);
// One entry of `refused`, {"code":…}.
const char *refusal_words(const json_t *entry, struct arena *a);
// Whether the reason is the image, which the contract's owner may approve.
bool refusal_of_image(const json_t *entry);
// Whether it is the report data, which say for what the quote was made and nothing of its machine.
bool refusal_of_purpose(const json_t *entry);
// Whether the key was removed, which is for ever.
bool verdict_of_removed(const json_t *verdict);
// Whether other collateral than was looked at might make the quote checkable.
bool verdict_wants_collateral(const json_t *verdict);
