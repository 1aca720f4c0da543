// SPDX-License-Identifier: Apache-2.0
// What becomes of registered keys when other collateral counts on chain, or their time is over: nothing, until somebody
// calls the register contract.
#pragma once
#include "cli/collateral_chain.h"

// Has all keys judged again where the collateral on chain (`kept`) is another than when they were judged last, whoever
// pushed it, where an image was taken back, and once a day while a platform is in its grace; else has keys removed that
// have expired. Says what came of it. Without `pays` it only says that it is due.
[[nodiscard]] bool keys_upkeep(struct collateral_chain *c, struct collateral_job *j, const struct kept_parts *kept,
                               bool pays, struct err *e);
