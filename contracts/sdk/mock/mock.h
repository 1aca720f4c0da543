// SPDX-License-Identifier: Apache-2.0
// A NEAR node in miniature for native tests of contracts: one account with state, balance and pending yields. It keeps
// the rules that a contract can run into (views, limits of logs and payloads, storage stake, undoing a failed call) and
// records the receipts that a call makes; it neither meters gas nor delivers receipts to others.
#pragma once
#include "sdk/sdk.h"

#define MOCK_MAX 256 // receipts or logs of a call, pending yields
#define MOCK_JOINED 16
struct mock_receipt {
    enum {
        RECEIPT_CALL,
        RECEIPT_TRANSFER,
        RECEIPT_YIELD,
        RECEIPT_DEPLOY,
        RECEIPT_JOIN,
        RECEIPT_ADD_KEY,
        RECEIPT_DELETE_KEY
    } kind;
    char to[ACCOUNT_MAX + 1];
    char method[65]; // call, yield; of a deployment: what is called afterwards
    char *args;      // of a deployment: the code; ends with a NUL that is not counted
    size_t args_len;
    char *call_args; // of a deployment: what that call gets, likewise
    u128 amount;
    uint64_t gas;
    bool key_given;
    uint8_t key[33];                // RECEIPT_ADD_KEY, RECEIPT_DELETE_KEY
    char receiver[ACCOUNT_MAX + 1]; // of an added key, whose allowance is the amount and whose methods are the args
    int after;                      // index of the receipt whose end this one awaits; -1: none
    int joined[MOCK_JOINED];        // RECEIPT_JOIN, which is none for the node: those that it stands for
    size_t joined_count;
};
struct mock_yield {
    uint8_t data_id[HASH_SIZE];
    char method[65];
    char *args, *payload; // payload NULL: not resumed
    size_t args_len, payload_len;
    bool done;
};
struct mock_world {
    char self[ACCOUNT_MAX + 1];
    char chain_id[CHAIN_ID_MAX + 1];
    uint8_t random_seed[HASH_SIZE]; // a test sets another one for another block
    u128 balance;
    uint64_t now_ns, prepaid_gas, used_gas;
    uint64_t usage; // bytes of state
    struct mock_yield yields[MOCK_MAX];
    size_t yield_count;

    // Of the last call. On failure only the error is there.
    bool ok;
    char error[4096];
    char *value; // NULL: none
    size_t value_len;
    char *logs[MOCK_MAX];
    size_t log_count, log_bytes;
    struct mock_receipt receipts[MOCK_MAX];
    size_t receipt_count;
    unsigned p256_count; // signatures that it had checked
    int returned;        // receipt whose value is this call's; -1: none
};
extern struct mock_world mock;

// Begins anew: no state, 100 NEAR, chain "mock", 2026-01-01, 300 Tgas for each call.
void mock_reset(const char *self);
void mock_release(void); // frees everything, for leak checks
// Calls a method as a transaction or another contract would. The same as mock.ok afterwards.
bool mock_call(const char *method, const char *caller, u128 deposit, const char *args);
bool mock_call_bytes(const char *method, const char *caller, u128 deposit, const void *args, size_t len);
bool mock_view(const char *method, const char *args); // as a view: what only calls may do stops it
// Runs a method of this contract as the callback of a promise that answered (result) or failed (NULL).
bool mock_callback(const char *method, const char *args, const char *result);
// The same for `count` promises that were joined.
bool mock_callback_of(const char *method, const char *args, const char *const *results, size_t count);
// Runs the callback of the i-th yield: with its payload if it was resumed, else as timed out.
bool mock_yield_end(size_t i);
void mock_forget_yields(void); // those that have ended; the others move up
// What the contract has stored under a key, NULL: nothing. And another value in its place, as older code left it.
const char *mock_stored(const void *key, size_t key_len, size_t *len);
void mock_store(const void *key, size_t key_len, const void *value, size_t len);
// Bytes of state that the records take whose keys begin with one of these letters.
uint64_t mock_usage_of(const char *letters);
// The first log line that begins so, or NULL.
const char *mock_log(const char *prefix);
