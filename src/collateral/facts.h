// SPDX-License-Identifier: Apache-2.0
// What is true about the parts of a collateral object: each is verified by src/dcap at a moment, against one root key,
// before anything that it says counts.
#pragma once
#include "collateral/object.h"
#include "collateral/pcs.h"
#include "collateral/sets.h"
#include "dcap/code.h"
#include "dcap/collateral.h"
#include "dcap/trust.h"

struct collateral_facts {
    bool good; // it verifies and is in force; otherwise `fault` and `why` say what is wrong
    struct dcap_fault fault;
    struct err why;
    // Of a good one:
    char id[16];      // FMSPC, "TD_QE" or "QE", "processor" or "platform", "root"
    bool tdx;         // of TCB info and QE identity
    uint64_t issued;  // seconds since 1970
    uint64_t expires; // the first end among it and what signs it
    uint64_t number;  // of its TCB set; 0 for lists
};

// Whether the fault is about a date, which a clock that is wrong makes of what is right.
bool collateral_date_fault(const struct dcap_fault *f);
// The fault as an error: a sentence that names the part and what is wrong with it, with its date; a hint what mends it,
// which asks for the clock where the date lies months from `now`.
bool collateral_fault_err(const struct dcap_fault *f, uint64_t now, struct err *e);

// The same about what a server has just sent: what is over there is the server's fault, or the clock's.
bool collateral_served_err(const struct dcap_fault *f, uint64_t now, struct err *e);

// The object as the core takes it.
struct dcap_collateral collateral_for_core(const struct collateral *c);

// Verifies what is there at `now`. Only with a good root CRL can another part be good: that of `root`, which may be
// another object and needs its PCK CRL's issuer chain beside it. `trust` learns.
void collateral_judge(struct collateral_facts out[static COLLATERAL_PARTS], const struct collateral *c,
                      const struct collateral *root, struct dcap_trust *trust, uint64_t now);
// Of its root CRL alone, which is the first of the parts.
void collateral_judge_root(struct collateral_facts *out, const struct collateral *c, struct dcap_trust *trust,
                           uint64_t now);
// The same for a list of TCB sets.
[[nodiscard]] bool collateral_sets_verify(struct tcb_sets *out, const struct pcs_numbers *numbers, bool tdx,
                                          const struct collateral *root, struct dcap_trust *trust, uint64_t now,
                                          struct err *e);
// Whether one good part is to take the place of another: it is of a set that is not older, and was issued later, or the
// other is none.
bool collateral_newer(const struct collateral_facts *one, const struct collateral_facts *other);

// Puts those parts of `from` into the file that are newer than what is there, or take the place of what is missing,
// over or wrong; `changed` says which. A file that is not there is made. A part of the file that was issued after `now`
// stays, and is an error: the clock is wrong. `kept` is what the file has then, `facts` what is true about it. Several
// processes may merge into one file: they take turns (ERR_TIMEOUT where one of them stands still).
struct collateral_merge {
    bool changed[COLLATERAL_PARTS];
    struct collateral kept;
    struct collateral_facts facts[COLLATERAL_PARTS];
};
[[nodiscard]] bool collateral_merge_file(struct collateral_merge *out, struct arena *a, const char *path,
                                         const struct collateral *from,
                                         const struct collateral_facts new[static COLLATERAL_PARTS],
                                         struct dcap_trust *trust, uint64_t now, struct err *e);
