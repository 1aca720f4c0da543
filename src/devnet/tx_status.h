// SPDX-License-Identifier: Apache-2.0
// How far a transaction is, and its outcome as clients read it (docs/near.md, Outcomes). Every block is final at once,
// so the levels that are told are INCLUDED_FINAL, EXECUTED (all receipts but the refunds) and FINAL (the refunds too).
#pragma once
#include "devnet/history.h"
#include "devnet/rpc_param.h"

struct tx_status {
    bool found;            // in a block
    enum wait_level level; // reached; WAIT_NONE when not found
    bool refused;          // in a block, but invalid when its turn came
    struct hash missing;   // below FINAL: a receipt that has not run yet
};
// Follows the transaction's receipts. With `out`, *out is a new reference to the whole outcome (NULL when not found);
// `receipts`: with the receipts themselves.
[[nodiscard]] bool tx_status_look(struct history *h, const struct hash *tx, struct tx_status *status, bool receipts,
                                  json_t **out, struct err *e);
