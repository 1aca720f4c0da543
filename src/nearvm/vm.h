// SPDX-License-Identifier: Apache-2.0
// Contract calls: code is judged by NEAR's rules, metered (wasm/meter.h), compiled once and kept by its hash; a call
// runs against a state and comes back with everything it did. Calls may run in several threads at once, each with a
// state of its own; they need 4 MiB of stack and get it from a thread of their own where the caller has less.
#pragma once
#include "ledger/error.h"
#include "ledger/gas.h"
#include "ledger/receipt.h"
#include "ledger/state.h"

// The engine and the compiled contracts of a process. `cached` contracts are kept, the least recently used go first.
struct vm_engine;
[[nodiscard]] bool vm_engine_new(struct vm_engine **out, size_t cached, struct err *e);
void vm_engine_free(struct vm_engine *v); // NULL is fine
// Compiles ahead, so that the first call does not wait. Code that cannot be compiled fails when it is called.
void vm_prepare(struct vm_engine *v, const struct hash *code_hash, struct slice code);

struct promise_result {
    bool ok;
    struct slice data;
};

struct vm_call {
    struct vm_engine *engine;
    struct state *state; // storage is read and written here; the caller takes it back if the call fails
    struct arena *arena; // of what comes out
    const char *chain_id;
    const struct account_id *current, *signer, *predecessor, *refund_to;
    const struct public_key *signer_key;
    struct hash code_hash;
    const char *method;
    struct slice args;
    u128 balance, locked, deposit; // balance with the deposit in it
    uint64_t storage_usage;
    uint64_t gas; // prepaid
    uint64_t height, timestamp_ns, epoch_height;
    struct hash random_seed, action_hash;
    u128 gas_price;
    struct hash tx_hash;
    const struct promise_result *results;
    size_t result_count;
    const struct data_output *outputs; // who gets what the call returns
    size_t output_count;
    bool view;
    bool (*stake_of)(void *ctx, const struct account_id *id, u128 *stake); // validators; id NULL: all together
    void *stake_ctx;
};

enum vm_return { VM_RETURN_NONE, VM_RETURN_VALUE, VM_RETURN_RECEIPT };

struct vm_outcome {
    bool failed;
    struct call_error error;
    uint64_t gas_burnt, gas_used; // used: with what the new receipts have been given
    u128 balance, subsidy;        // subsidy: yocto that the protocol gave for one-yocto deposits
    uint64_t storage_usage;
    enum vm_return returned;
    struct slice value;
    size_t receipt; // VM_RETURN_RECEIPT: index in receipts
    struct slice *logs;
    size_t log_count;
    struct receipt *receipts; // new ones, without ids: actions, yields (is_yield), in their order of creation
    size_t receipt_count;
    struct receipt *resumes; // RECEIPT_DATA of promise_yield_resume
    size_t resume_count;
    uint64_t ext_gas[EXT_COUNT];
    uint64_t action_gas[COST_COUNT];
    uint64_t wasm_gas;
};

void vm_run(const struct vm_call *call, struct vm_outcome *out);

// Values of COLUMN_YIELD_STATUS.
#define YIELD_WAITS "\0"
#define YIELD_RESUMED "\1"
