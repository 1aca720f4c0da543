// SPDX-License-Identifier: Apache-2.0
// Collateral from several addresses at once. Each answer is verified before it counts; of each part the freshest that
// is right is kept, whoever it came from, so that one good address is enough.
#pragma once
#include "collateral/facts.h"
#include "collateral/platform.h"

#define FETCH_NOTES_MAX (PCS_ADDRESSES_MAX * (PCS_PIECES + 1))

struct fetch_note {      // what did not come, or was not believed
    const char *address; // as it may be shown
    enum pcs_piece piece;
    struct err why;
};

struct fetched {
    struct collateral c; // what was believed
    struct collateral_facts facts[COLLATERAL_PARTS];
    const char *from[COLLATERAL_PARTS]; // address as it may be shown; NULL: the part could not be had
    bool sets_known;
    struct tcb_sets sets;
    struct fetch_note notes[FETCH_NOTES_MAX];
    size_t note_count;
    unsigned asked; // requests
};

struct fetch {
    const struct pcs_addresses *addresses;
    const struct quote_platform *platform;
    const char *set; // "standard", "early", or a number
    struct dcap_trust *trust;
    uint64_t now;
    struct patience patience;
};

// false: a part could not be had; the error names it and says why, `out` has the others. Texts live in `a`.
[[nodiscard]] bool collateral_fetch(struct fetched *out, struct arena *a, const struct fetch *f, struct err *e);
