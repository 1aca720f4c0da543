// SPDX-License-Identifier: Apache-2.0
// The register contract as `outlayer collateral` sees it: whose root it trusts, what it keeps, and who pays for more.
#pragma once
#include "cli/collateral_job.h"
#include "cli/secrets_remote.h"
#include "collateral/kept.h"

struct collateral_chain {
    bool known; // a register contract is named, or the running `up` has one
    struct target target;
    struct remote remote;
    struct credentials from; // who pays; with chain_open(…, true)
    bool registrar;          // who pays is the owner or a registrar, and needs no deposit
};
// Finds the register contract: --register, REGISTER_CONTRACT_ID, or that of the running `up`; none is fine unless
// `pays`. Where no --root is given, its root key is trusted from here on; where no --at is given, its block's time is
// now. chain_close in any case.
[[nodiscard]] bool chain_open(struct collateral_chain *out, struct collateral_job *j, bool pays, struct err *e);
void chain_close(struct collateral_chain *c);

[[nodiscard]] bool chain_kept(struct collateral_chain *c, struct collateral_job *j, struct kept_parts *out,
                              struct err *e);
// Sends those parts of `from` that are marked, in one transaction; *transaction is its hash.
[[nodiscard]] bool chain_push(struct collateral_chain *c, struct collateral_job *j, const struct collateral *from,
                              const bool parts[static COLLATERAL_PARTS], const char **transaction, struct err *e);
