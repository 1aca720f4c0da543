// SPDX-License-Identifier: Apache-2.0
// What the owner accepts.
#pragma once
#include "model.h"

// The core's policy by what is stored; its lists live as long as the call.
void policy_load(struct dcap_policy *p, const struct state *s);
bool platform_allowed(const struct state *s, const struct hash *platform);
