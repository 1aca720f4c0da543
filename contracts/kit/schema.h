// SPDX-License-Identifier: Apache-2.0
// The few rules of JSON Schema (draft 7) that the contract's ABI uses.
#pragma once
#include <jansson.h>
#include <stdbool.h>

// Whether the value is one that the schema describes; `definitions` are what its $refs name. A number that jansson does
// not hold, which kit.h's `parsed` has made a text of digits, counts as an integer.
bool schema_fits(const json_t *schema, const json_t *value, const json_t *definitions);
