// SPDX-License-Identifier: Apache-2.0
// Money that goes back. A payer may be an account that does not exist; then the transfer comes back and is kept under
// 'c' account (16 bytes) until somebody claims it for that account. The record's own stake is a part of it; what does
// not even pay that goes to the sender, who exists, having called.
#pragma once
#include "args.h"

struct refund {
    struct maybe_u64 request_id; // not given: of a claim
    struct account payer, sender;
    struct yocto amount;
};
void refund_pay(const struct refund *r); // nothing for an amount of zero
