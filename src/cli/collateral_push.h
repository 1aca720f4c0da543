// SPDX-License-Identifier: Apache-2.0
// Pushing parts to the register contract, and saying so.
#pragma once
#include "cli/collateral_chain.h"

struct push_result {
    bool parts[COLLATERAL_PARTS]; // what is to be pushed
    const char *transaction;      // NULL: nothing was to be
};
[[nodiscard]] bool push_parts(struct collateral_chain *c, struct collateral_job *j, const struct collateral *from,
                              struct push_result *r, struct err *e);
// A line for people unless --json, and an entry in `out`.
void push_report(const struct collateral_job *j, const struct push_result *r, const char *path, json_t *out);
