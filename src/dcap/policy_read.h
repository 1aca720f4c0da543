// SPDX-License-Identifier: Apache-2.0
// A policy as people write it, in JSON; docs/attestation.md has its members. A member that is not known is refused: a
// policy with a misspelled word would demand less than its author thinks.
#pragma once
#include "dcap/policy.h"

// Starts from the default policy, which empty text stands for. The result points into the text and the arena. After
// false *why is a sentence.
[[nodiscard]] bool dcap_policy_read(struct dcap_policy *out, struct dcap_arena *a, struct bytes json, const char **why);
