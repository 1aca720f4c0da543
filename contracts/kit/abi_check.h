// SPDX-License-Identifier: Apache-2.0
// The near-abi JSON of the contract that a test is linked with, against what the contract takes and answers.
#pragma once
#include "kit/check.h"

json_t *abi_new(void); // the caller's reference
// Whether the arguments are what the ABI says: nothing unknown, nothing missing, each of its type.
bool arguments_fit(const json_t *abi, const char *method, const json_t *args);
bool answer_fits(const json_t *abi, const char *method); // the last call's value
