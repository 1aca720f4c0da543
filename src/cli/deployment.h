// SPDX-License-Identifier: Apache-2.0
// Brings a contract account to the state that a deployment needs, step by step, each only where it is missing: code,
// initialisation, operator, worker's key. Running it again changes nothing.
#pragma once
#include "base/arena.h"
#include "near/rpc.h"
#include "near/types.h"

// The register contract, which is on the operator's account and adds keys to it for machines that prove themselves.
struct register_terms {
    struct slice code;
    const char *root_key;               // hexadecimal; NULL: Intel's. A devnet's simulator has another one
    const char *registrar;              // who registers keys; NULL: whoever pays for what is stored
    uint64_t min_tcb_eval, min_qe_eval; // the lowest of Intel's recovery sets that counts
};

struct deployment {
    const char *rpc_url;
    struct slice code;                  // the contract's wasm
    const struct credentials *contract; // full key of the contract's account
    struct account_id owner, operator_id;
    const struct credentials
        *operator_key;            // full key of the operator's account, to add the worker's key; NULL: not asked for
    struct public_key worker_key; // function-call key that the worker will sign with
    struct yocto allowance;       // of that key
    const struct register_terms *registering; // NULL: no register contract. Else `operator_key` is there, and is not
                                              // the contract's account
};

struct deployment_plan { // what is still to be done, and what it costs at most
    bool code, init, key;
    bool register_code, register_init;
    bool operator_differs; // initialised with another operator: setting it needs the owner's key
    size_t code_bytes, register_bytes;
    struct yocto storage; // locked while the code is there
    struct yocto gas;     // burnt, at most
};

struct deployment_result {
    uint64_t gas_burnt;
    struct yocto tokens_burnt;
    const char *deploy_transaction, *register_transaction, *key_transaction; // NULL: nothing was to be done
};

[[nodiscard]] bool deployment_look(const struct deployment *d, struct arena *a, struct deployment_plan *out,
                                   struct err *e);
[[nodiscard]] bool deployment_do(const struct deployment *d, const struct deployment_plan *plan, struct arena *a,
                                 struct deployment_result *out, struct err *e);
// Has the contract publish the keystore's key, unless it does already. `owner` is the contract's account and owner.
[[nodiscard]] bool deployment_publish_keystore(const char *rpc_url, const struct credentials *owner, const char *key,
                                               struct arena *a, struct err *e);
// The contracts that are built into this program.
struct slice contract_outlayer_wasm(void);
struct slice contract_register_wasm(void);
struct slice contract_asker_wasm(void);
