// SPDX-License-Identifier: Apache-2.0
// Who may do what.
#pragma once
#include "args.h"

struct state owner_state(void);                                   // stops unless the owner calls
void require_operator(void);                                      // stops unless an operator calls
bool is_operator(const struct state *s, const struct account *a); // the first one or another
