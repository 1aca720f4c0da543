// SPDX-License-Identifier: Apache-2.0
// Conditions of access from options.
#pragma once
#include "cli/args.h"
#include "secrets/access.h"

struct access_options {
    const char *allow, *pattern, *min_balance, *min_ft, *nft, *dao, *json;
    bool all;
};
#define ACCESS_OPTIONS(s, field)                                                                                       \
    ARG_OPTION(s, field.allow, "--allow", "A,B", "accounts that may use them"),                                        \
        ARG_SWITCH(s, field.all, "--all", "everybody may use them"),                                                   \
        ARG_OPTION(s, field.pattern, "--pattern", "P", "accounts whose whole name matches (PCRE2)"),                   \
        ARG_OPTION(s, field.min_balance, "--min-balance", "AMOUNT", "accounts with at least '5 NEAR'"),                \
        ARG_OPTION(s, field.min_ft, "--min-ft", "CONTRACT:N", "holders of at least N smallest units of a token"),      \
        ARG_OPTION(s, field.nft, "--nft", "CONTRACT[:ID]", "owners of a (or this) token"),                             \
        ARG_OPTION(s, field.dao, "--dao", "CONTRACT:ROLE", "members of a DAO's role"),                                 \
        ARG_OPTION(s, field.json, "--access", "JSON",                                                                  \
                   "a condition as the contract stores it; several options: any of. None: a row that exists keeps "    \
                   "its condition, a new one is for its owner alone")

// The first of them that was given, as it is written ("--allow"); NULL: none.
const char *access_option_given(const struct access_options *o);
// The condition, checked; its parts are joined by "or". *out NULL: no option was given.
[[nodiscard]] bool access_from_options(const struct access_options *o, struct arena *a, struct access **out,
                                       struct err *e);
