// SPDX-License-Identifier: Apache-2.0
// Which deployment a command talks to: the running `outlayer up` of this home, or one named by options and environment.
#pragma once
#include "base/arena.h"
#include "base/err.h"
#include "cli/args.h"
#include "codec/json.h"
#include "near/types.h"

#define SESSION_FILE "session.json"

struct target_options { // what every command that talks to a chain takes
    const char *network, *rpc_url, *coordinator_url, *contract, *credentials;
};
#define TARGET_OPTIONS(s, field)                                                                                       \
    ARG_OPTION(s, field.network, "--network", "NAME", "devnet, testnet or mainnet (devnet)"),                          \
        ARG_OPTION(s, field.rpc_url, "--rpc-url", "URL",                                                               \
                   "NEAR RPC; else NEAR_RPC_URL, the running `up`, or the network's"),                                 \
        ARG_OPTION(s, field.coordinator_url, "--coordinator-url", "URL", "else API_BASE_URL or the running `up`"),     \
        ARG_OPTION(s, field.contract, "--contract", "ACCOUNT",                                                         \
                   "else OFFCHAINVM_CONTRACT_ID, the running `up`, or the network's"),                                 \
        ARG_OPTION(s, field.credentials, "--credentials", "FILE",                                                      \
                   "key file; else ~/.near-credentials/NETWORK/ACCOUNT.json")

struct target {
    const char *network, *home;
    const char *rpc_url;
    const char *coordinator_url; // NULL: none known
    const char *contract;
    const char *credentials; // as given, or NULL
    json_t *session;         // of the running `up`, NULL when there is none; lives until target_release
};

[[nodiscard]] bool target_find(struct target *out, struct arena *a, const struct target_options *o, struct err *e);
void target_release(struct target *t);
// The account's key: the session's ready-made ones, --credentials, or ~/.near-credentials. account NULL: the session's
// first.
[[nodiscard]] bool target_credentials(const struct target *t, struct arena *a, const char *account,
                                      struct credentials *out, struct err *e);
// Writes or removes HOME/session.json (mode 0600).
[[nodiscard]] bool session_write(const char *home, const json_t *session, struct arena *a, struct err *e);
void session_remove(const char *home, struct arena *a);
