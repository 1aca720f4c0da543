// SPDX-License-Identifier: Apache-2.0
// What things cost: NEAR's parameters of protocol 86 (docs/near.md, Gas), and the counter of one contract call.
#pragma once
#include "near/tx.h"

// --- host calls: name, gas
#define EXT_COSTS(X)                                                                                                   \
    X(BASE, base, 264768111)                                                                                           \
    X(CONTRACT_LOADING_BASE, contract_loading_base, 35445963)                                                          \
    X(CONTRACT_LOADING_BYTES, contract_loading_bytes, 1089295)                                                         \
    X(READ_MEMORY_BASE, read_memory_base, 2609863200)                                                                  \
    X(READ_MEMORY_BYTE, read_memory_byte, 3801333)                                                                     \
    X(WRITE_MEMORY_BASE, write_memory_base, 2803794861)                                                                \
    X(WRITE_MEMORY_BYTE, write_memory_byte, 2723772)                                                                   \
    X(READ_REGISTER_BASE, read_register_base, 2517165186)                                                              \
    X(READ_REGISTER_BYTE, read_register_byte, 98562)                                                                   \
    X(WRITE_REGISTER_BASE, write_register_base, 2865522486)                                                            \
    X(WRITE_REGISTER_BYTE, write_register_byte, 3801564)                                                               \
    X(UTF8_DECODING_BASE, utf8_decoding_base, 3111779061)                                                              \
    X(UTF8_DECODING_BYTE, utf8_decoding_byte, 291580479)                                                               \
    X(UTF16_DECODING_BASE, utf16_decoding_base, 3543313050)                                                            \
    X(UTF16_DECODING_BYTE, utf16_decoding_byte, 163577493)                                                             \
    X(SHA256_BASE, sha256_base, 4540970250)                                                                            \
    X(SHA256_BYTE, sha256_byte, 24117351)                                                                              \
    X(KECCAK256_BASE, keccak256_base, 5879491275)                                                                      \
    X(KECCAK256_BYTE, keccak256_byte, 21471105)                                                                        \
    X(KECCAK512_BASE, keccak512_base, 5811388236)                                                                      \
    X(KECCAK512_BYTE, keccak512_byte, 36649701)                                                                        \
    X(RIPEMD160_BASE, ripemd160_base, 853675086)                                                                       \
    X(RIPEMD160_BLOCK, ripemd160_block, 680107584)                                                                     \
    X(ED25519_VERIFY_BASE, ed25519_verify_base, 210000000000)                                                          \
    X(ED25519_VERIFY_BYTE, ed25519_verify_byte, 9000000)                                                               \
    X(ECRECOVER_BASE, ecrecover_base, 278821988457)                                                                    \
    X(P256_VERIFY_BASE, p256_verify_base, 1300000000000)                                                               \
    X(P256_VERIFY_BYTE, p256_verify_byte, 13000000)                                                                    \
    X(LOG_BASE, log_base, 3543313050)                                                                                  \
    X(LOG_BYTE, log_byte, 13198791)                                                                                    \
    X(STORAGE_WRITE_BASE, storage_write_base, 64196736000)                                                             \
    X(STORAGE_WRITE_KEY_BYTE, storage_write_key_byte, 70482867)                                                        \
    X(STORAGE_WRITE_VALUE_BYTE, storage_write_value_byte, 31018539)                                                    \
    X(STORAGE_WRITE_EVICTED_BYTE, storage_write_evicted_byte, 32117307)                                                \
    X(STORAGE_READ_BASE, storage_read_base, 56356845749)                                                               \
    X(STORAGE_READ_KEY_BYTE, storage_read_key_byte, 30952533)                                                          \
    X(STORAGE_READ_VALUE_BYTE, storage_read_value_byte, 5611004)                                                       \
    X(STORAGE_LARGE_READ_OVERHEAD_BASE, storage_large_read_overhead_base, 1)                                           \
    X(STORAGE_LARGE_READ_OVERHEAD_BYTE, storage_large_read_overhead_byte, 1)                                           \
    X(STORAGE_REMOVE_BASE, storage_remove_base, 53473030500)                                                           \
    X(STORAGE_REMOVE_KEY_BYTE, storage_remove_key_byte, 38220384)                                                      \
    X(STORAGE_REMOVE_RET_VALUE_BYTE, storage_remove_ret_value_byte, 11531556)                                          \
    X(STORAGE_HAS_KEY_BASE, storage_has_key_base, 54039896625)                                                         \
    X(STORAGE_HAS_KEY_BYTE, storage_has_key_byte, 30790845)                                                            \
    X(TOUCHING_TRIE_NODE, touching_trie_node, 2280000000)                                                              \
    X(PROMISE_AND_BASE, promise_and_base, 1465013400)                                                                  \
    X(PROMISE_AND_PER_PROMISE, promise_and_per_promise, 5452176)                                                       \
    X(PROMISE_RETURN, promise_return, 560152386)                                                                       \
    X(VALIDATOR_STAKE_BASE, validator_stake_base, 911834726400)                                                        \
    X(VALIDATOR_TOTAL_STAKE_BASE, validator_total_stake_base, 911834726400)                                            \
    X(YIELD_CREATE_BASE, yield_create_base, 153411779276)                                                              \
    X(YIELD_CREATE_BYTE, yield_create_byte, 15643988)                                                                  \
    X(YIELD_CREATE_WITH_ID_BASE, yield_create_with_id_base, 290000000000)                                              \
    X(YIELD_RESUME_BASE, yield_resume_base, 1195627285210)                                                             \
    X(YIELD_RESUME_BYTE, yield_resume_byte, 47683715)

enum ext_cost {
#define X(name, lower, gas) EXT_##name,
    EXT_COSTS(X)
#undef X
        EXT_COUNT
};
#define GAS_PER_OP 822756ull

// --- actions: name, send to oneself, send to others, execute
#define ACTION_COSTS(X)                                                                                                \
    X(NEW_ACTION_RECEIPT, 108059500000, 108059500000, 108059500000)                                                    \
    X(NEW_DATA_RECEIPT_BASE, 36486732312, 36486732312, 36486732312)                                                    \
    X(NEW_DATA_RECEIPT_BYTE, 17212011, 47683715, 17212011)                                                             \
    X(CREATE_ACCOUNT, 500000000000, 500000000000, 7200000000000)                                                       \
    X(DEPLOY_CONTRACT_BASE, 184765750000, 184765750000, 184765750000)                                                  \
    X(DEPLOY_CONTRACT_BYTE, 6812999, 47683715, 64572944)                                                               \
    X(FUNCTION_CALL_BASE, 200000000000, 200000000000, 780000000000)                                                    \
    X(FUNCTION_CALL_BYTE, 2235934, 47683715, 2235934)                                                                  \
    X(TRANSFER, 115123062500, 115123062500, 115123062500)                                                              \
    X(STAKE, 141715687500, 141715687500, 102217625000)                                                                 \
    X(ADD_FULL_ACCESS_KEY, 101765125000, 101765125000, 101765125000)                                                   \
    X(ADD_FUNCTION_CALL_KEY_BASE, 102217625000, 102217625000, 102217625000)                                            \
    X(ADD_FUNCTION_CALL_KEY_BYTE, 1925331, 47683715, 1925331)                                                          \
    X(DELETE_KEY, 94946625000, 94946625000, 94946625000)                                                               \
    X(DELETE_ACCOUNT, 147489000000, 147489000000, 147489000000)                                                        \
    X(DELEGATE, 200000000000, 200000000000, 200000000000)

enum action_cost {
#define X(name, sir, not_sir, exec) COST_##name,
    ACTION_COSTS(X)
#undef X
        COST_COUNT
};
struct fee {
    uint64_t send_sir, send_not_sir, exec; // sir: the sender is the receiver
};
extern const struct fee fees[COST_COUNT];
extern const uint64_t ext_costs[EXT_COUNT];

static inline uint64_t fee_send(enum action_cost c, bool sir) { return sir ? fees[c].send_sir : fees[c].send_not_sir; }

// --- limits
#define GAS_MAX 1000000000000000ull // of a call, of all calls of a transaction, of a view
#define GAS_PRICE 100000000ull      // yocto per gas, fixed
#define GAS_PURCHASE_PRICE ((u128)1000000000ull)
#define CONTRACT_MAX 4194304u
#define ARGS_MAX 4194304u
#define VALUE_MAX 4194304u // returned, or stored
#define STORAGE_KEY_MAX 2048u
#define METHOD_NAME_MAX 256u
#define KEY_METHODS_MAX 2000u // bytes of all method names of a key, where each name counts one byte more
#define ACTIONS_MAX 100u
#define PROMISES_MAX 1024u
#define INPUTS_MAX 128u
#define LOGS_MAX 100u
#define LOGS_BYTES_MAX 16384u
#define YIELD_PAYLOAD_MAX 1024u
#define REGISTERS_MAX 100u
#define REGISTER_MAX 104857600u
#define REGISTERS_BYTES_MAX ((uint64_t)1 << 30)
#define DELETE_STATE_MAX 10000u
#define NONCES_PER_BLOCK 1000000ull

// --- costs of action lists

// Sums; false: does not fit 64 bits. `sir`: the sender is the receiver.
[[nodiscard]] bool gas_send_fees(const struct action *list, size_t n, bool sir, const struct account_id *receiver,
                                 uint64_t *out);
[[nodiscard]] bool gas_exec_fees(const struct action *list, size_t n, const struct account_id *receiver,
                                 uint64_t *out); // delegated ones, with their receipt, included
[[nodiscard]] bool gas_prepaid(const struct action *list, size_t n, uint64_t *out); // attached gas, delegated included
// What sending the delegated actions will cost; 0 where there are none.
[[nodiscard]] bool gas_delegated_send(const struct action *list, size_t n, uint64_t *out);
[[nodiscard]] bool actions_deposit(const struct action *list, size_t n, u128 *out);
// One action's execution fee, without what its delegated actions need.
uint64_t action_exec_fee(const struct action *a, const struct account_id *receiver);
uint64_t action_send_fee(const struct action *a, bool sir, const struct account_id *receiver);
// Adds "ACTION_COST" entries of one action's execution (or sending) to a profile of COST_COUNT.
void action_profile(uint64_t profile[static COST_COUNT], const struct action *a, const struct account_id *receiver);

// Money and gas of a transaction.
struct tx_cost {
    uint64_t gas_burnt, gas_reserved;
    u128 gas_price; // at which the reserved gas is bought
    u128 burnt, total;
};
[[nodiscard]] bool tx_cost(const struct transaction *tx, struct tx_cost *out);
