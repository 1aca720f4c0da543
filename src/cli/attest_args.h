// SPDX-License-Identifier: Apache-2.0
// What commands about attestation take alike: the moment, the root key, and where collateral comes from.
#pragma once
#include "cli/args.h"
#include "collateral/fetch.h"

struct attest_options {
    const char *at, *root, *pccs;
};
#define ATTEST_OPTIONS(s, field)                                                                                       \
    ARG_OPTION(s, field.at, "--at", "TIME",                                                                            \
               "judge as of this moment (2025-07-01T12:00:00Z, 2025-07-01, seconds); now"),                            \
        ARG_OPTION(s, field.pccs, "--pccs-url", "URLS",                                                                \
                   "servers of collateral, with commas between; else PCCS_URL, else Intel's"),                         \
        ARG_OPTION(s, field.root, "--root", "KEY",                                                                     \
                   "trust another root than Intel's, for tests: 128 hexadecimal digits (x and y), or a PEM file")

struct attest {
    uint64_t now;
    bool now_given, other_root;
    struct dcap_trust trust;
    struct pcs_addresses addresses;
};
[[nodiscard]] bool attest_read(struct attest *out, struct arena *a, const struct attest_options *o, struct err *e);

#define FETCH_SECONDS 30
// Where a fetch says on standard error what did not come from whom, although it was had elsewhere.
void fetch_notes_show(const struct fetched *f);
