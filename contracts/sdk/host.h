// SPDX-License-Identifier: Apache-2.0
// The functions of a NEAR node (wasm import module "env") that the SDK stands on, one line of meaning each. Contracts
// use env.h, storage.h and promise.h. Natively the same names are the mock host (sdk/mock). Another function of a node
// is declared in the same way, in the contract that calls it, and imported once imports.txt names it; for native tests
// of such a contract the test defines it.
//
// A buffer is a pair (length, address). Where the length is UINT64_MAX the "address" is a register id and the data come
// from that register. Registers are numbered byte strings on the node's side that live as long as the call. Money is 16
// bytes, little endian. "call only": the function stops a view.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __wasm__
#define HOST(name) __attribute__((import_module("env"), import_name(#name)))
#else
#define HOST(name)
#endif
#define FROM_REGISTER UINT64_MAX

// --- registers
HOST(read_register) void host_read_register(uint64_t id, uint64_t ptr); // copies the register to memory
HOST(register_len) uint64_t host_register_len(uint64_t id);             // UINT64_MAX: there is no such register

// --- what is known about the call
HOST(input) void host_input(uint64_t reg);                                   // the arguments
HOST(current_account_id) void host_current_account_id(uint64_t reg);         // the contract's own account
HOST(predecessor_account_id) void host_predecessor_account_id(uint64_t reg); // who called; call only
HOST(attached_deposit) void host_attached_deposit(uint64_t ptr);             // money that came with the call
HOST(account_balance) void host_account_balance(uint64_t ptr);               // the contract's, that money included
HOST(block_timestamp) uint64_t host_block_timestamp(void);                   // nanoseconds since 1970
HOST(chain_id) void host_chain_id(uint64_t reg);                             // mainnet, testnet or another name
HOST(random_seed) void host_random_seed(uint64_t reg);                       // 32 bytes that a block's maker can bias
HOST(storage_usage) uint64_t host_storage_usage(void);                       // bytes of state, as of this moment
HOST(prepaid_gas) uint64_t host_prepaid_gas(void);                           // call only
HOST(used_gas) uint64_t host_used_gas(void);                                 // burnt and promised so far; call only

// --- results and messages
HOST(value_return) void host_value_return(uint64_t len, uint64_t ptr);       // the answer; the last one counts
HOST(log_utf8) void host_log_utf8(uint64_t len, uint64_t ptr);               // at most 100 lines, 16,384 bytes together
HOST(panic_utf8) _Noreturn void host_panic_utf8(uint64_t len, uint64_t ptr); // undoes everything, says why
HOST(sha256) void host_sha256(uint64_t len, uint64_t ptr, uint64_t reg);     // 32 bytes into the register
// 1: the signature (r and s, 64 bytes) is that of the digest by the compressed key (33 bytes). A key that is no point
// is 0, too.
HOST(p256_verify)
uint64_t host_p256_verify(uint64_t slen, uint64_t sptr, uint64_t mlen, uint64_t mptr, uint64_t klen, uint64_t kptr);

// --- state: keys up to 2,048 bytes, values up to 4 MiB
// 1: there was a value before, now in reg. Call only.
HOST(storage_write)
uint64_t host_storage_write(uint64_t klen, uint64_t kptr, uint64_t vlen, uint64_t vptr, uint64_t reg);
HOST(storage_read) uint64_t host_storage_read(uint64_t klen, uint64_t kptr, uint64_t reg); // 1: value in reg
HOST(storage_remove)
uint64_t host_storage_remove(uint64_t klen, uint64_t kptr, uint64_t reg); // 1: was there; call only
HOST(storage_has_key) uint64_t host_storage_has_key(uint64_t klen, uint64_t kptr);

// --- promises: calls that start when this one has succeeded; all call only. A promise is an index.
HOST(promise_create)
uint64_t host_promise_create(uint64_t alen, uint64_t aptr, uint64_t mlen, uint64_t mptr, uint64_t len, uint64_t ptr,
                             uint64_t amount_ptr, uint64_t gas);
// The same, begun when promise idx has ended, well or not.
HOST(promise_then)
uint64_t host_promise_then(uint64_t idx, uint64_t alen, uint64_t aptr, uint64_t mlen, uint64_t mptr, uint64_t len,
                           uint64_t ptr, uint64_t amount_ptr, uint64_t gas);
// A promise that ends when all of `count` have, whose indices stand at ptr as 64-bit numbers. It cannot be returned.
HOST(promise_and) uint64_t host_promise_and(uint64_t ptr, uint64_t count);
HOST(promise_batch_create) uint64_t host_promise_batch_create(uint64_t alen, uint64_t aptr);
HOST(promise_batch_action_transfer) void host_promise_batch_action_transfer(uint64_t idx, uint64_t amount_ptr);
HOST(promise_batch_action_deploy_contract)
void host_promise_batch_action_deploy_contract(uint64_t idx, uint64_t len, uint64_t ptr);
HOST(promise_batch_action_function_call)
void host_promise_batch_action_function_call(uint64_t idx, uint64_t mlen, uint64_t mptr, uint64_t len, uint64_t ptr,
                                             uint64_t amount_ptr, uint64_t gas);
// Keys are 33 bytes: 0 and those of ed25519. Method names stand in one text, separated by commas; an allowance of 0 is
// none at all.
HOST(promise_batch_action_add_key_with_function_call)
void host_promise_batch_action_add_key_with_function_call(uint64_t idx, uint64_t klen, uint64_t kptr, uint64_t nonce,
                                                          uint64_t allowance_ptr, uint64_t rlen, uint64_t rptr,
                                                          uint64_t mlen, uint64_t mptr);
HOST(promise_batch_action_delete_key)
void host_promise_batch_action_delete_key(uint64_t idx, uint64_t klen, uint64_t kptr);
HOST(promise_return) void host_promise_return(uint64_t idx); // this call answers with what the promise answers
// How many promises this call waited for, and what the i-th of them answered: 1 value in reg, 2 it failed.
HOST(promise_results_count) uint64_t host_promise_results_count(void);
HOST(promise_result) uint64_t host_promise_result(uint64_t i, uint64_t reg);
// A promise of a call to a method of this contract that begins when its 32-byte id (written to reg) is resumed, or
// fails after 200 blocks. It gets `gas` and, by weight, what this call leaves over.
HOST(promise_yield_create)
uint64_t host_promise_yield_create(uint64_t mlen, uint64_t mptr, uint64_t len, uint64_t ptr, uint64_t gas,
                                   uint64_t weight, uint64_t reg);
// 1 accepted, 0 nothing waits under this id. A payload of more than 1,024 bytes stops the call.
HOST(promise_yield_resume)
uint32_t host_promise_yield_resume(uint64_t ilen, uint64_t iptr, uint64_t len, uint64_t ptr);
