// SPDX-License-Identifier: Apache-2.0
// Intel's TCB sets. Each recovery event gives a new set of TCB infos and identities with a number (its TCB evaluation
// data number); for a year after the event platforms may still be judged by the set before. Which numbers there are is
// a signed list.
#pragma once
#include "base/err.h"
#include "base/slice.h"

#define TCB_SETS_MAX 32

struct tcb_set {
    uint64_t number, event, date; // seconds since 1970: the recovery's day, and the day that its TCB bears
};
struct tcb_sets {
    uint64_t issued, next_update;
    size_t count;
    struct tcb_set at[TCB_SETS_MAX]; // the newest number first
};

// The signed text of such a list, of TDX or SGX. Its signature is not looked at here.
[[nodiscard]] bool tcb_sets_read(struct tcb_sets *out, struct slice text, bool tdx, struct err *e);
// The set that Intel calls standard at `now`: the newest whose event is twelve months old. NULL: there is none.
const struct tcb_set *tcb_sets_standard(const struct tcb_sets *s, uint64_t now);
// The newest one.
const struct tcb_set *tcb_sets_early(const struct tcb_sets *s);
// When the standard becomes a higher number than `number` by what the list says now; 0: that is not known yet.
uint64_t tcb_sets_standard_until(const struct tcb_sets *s, uint64_t number);
