// SPDX-License-Identifier: Apache-2.0
// What a register contract keeps of collateral, by its views get_collateral and get_collateral_status, and whether
// there is something newer for it.
#pragma once
#include "codec/json.h"
#include "collateral/facts.h"

#define KEPT_MAX 512

struct kept_part {
    enum collateral_part part;
    char id[16]; // as in struct collateral_facts
    uint64_t issued, next_update, number;
    uint64_t until; // 0: not in force
};
struct kept_parts {
    size_t count;
    struct kept_part at[KEPT_MAX];
};
// Both answers are the chain's words.
[[nodiscard]] bool kept_read(struct kept_parts *out, const json_t *all, const json_t *in_force, struct err *e);
// The part that is in force, NULL: there is none.
const struct kept_part *kept_in_force(const struct kept_parts *k, enum collateral_part p, const char *id);

enum kept_answer {
    KEPT_WANTED, // the contract has none, or an older one
    KEPT_KNOWN,  // it has this one
    KEPT_NEWER,  // it has a newer one
    KEPT_ASIDE,  // it keeps two sets that are both older, and its owner decides when to move
};
enum kept_answer kept_compare(const struct kept_parts *k, enum collateral_part p, const struct collateral_facts *f);
// Whether a part that is wanted is worth a transaction now: the contract has none of its set, its own is `days` days
// older, or ends within `left` days.
bool kept_is_due(const struct kept_parts *k, enum collateral_part p, const struct collateral_facts *f, uint64_t now,
                 unsigned days, unsigned left);
