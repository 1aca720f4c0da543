// SPDX-License-Identifier: Apache-2.0
// The first state: accounts with money, a key and perhaps a contract, from a JSON file or made up.
#pragma once
#include "chain/chain.h"

#define GENESIS_ACCOUNTS_MAX 10000

struct genesis {
    const char *chain_id;
    struct chain_genesis_account *accounts;
    size_t account_count;
};
// {"chain_id","accounts":[{"account_id","public_key","balance":"yocto","code"?: path of a .wasm beside the file}]}.
// All of it lives in `a`.
[[nodiscard]] bool genesis_read(struct genesis *out, struct arena *a, const char *path, struct err *e);
[[nodiscard]] bool genesis_parse(struct genesis *out, struct arena *a, struct slice text, const char *folder,
                                 struct err *e);
// Without a file: account `test.near` with 10^9 NEAR; its key is made once and kept as <home>/test.near.json.
[[nodiscard]] bool genesis_default(struct genesis *out, struct arena *a, const char *home, struct err *e);
