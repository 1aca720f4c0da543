// SPDX-License-Identifier: Apache-2.0
// Collateral for a quote of this machine, on its way to the register contract.
#pragma once
#include "cli/tee_job.h"
#include "collateral/fetch.h"

// What is trusted: the root key of the register contract.
void tee_trust(const struct tee_job *j, struct dcap_trust *out);
// Fetches all parts for the quote's platform from --pccs-url, PCCS_URL or Intel, of the set "standard" or "early", and
// verifies them.
[[nodiscard]] bool tee_fetch_collateral(const struct tee_job *j, struct slice quote, const char *set,
                                        struct fetched *out, struct err *e);
// Whether what is given as --collateral, or as addresses, can be read at all: said before anything is paid for.
[[nodiscard]] bool tee_check_sources(const struct tee_job *j, struct err *e);
// For registration: the object from --collateral FILE, or else fetched. The reference is the caller's.
[[nodiscard]] bool tee_find_collateral(void *job, struct arena *a, struct slice quote, json_t **out, struct err *e);
