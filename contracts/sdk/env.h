// SPDX-License-Identifier: Apache-2.0
// The call: how a method is exported, who called with what, how it answers, logs and stops.
#pragma once
#include "host.h"
#include "json_out.h"

// --- exported methods: METHOD(kind, name) { body }
//   VIEW      changes nothing, needs no caller
//   CALL      refuses an attached deposit
//   PAYABLE   takes a deposit
//   CALLBACK  only this contract itself may call it
enum method_kind { VIEW, CALL, PAYABLE, CALLBACK };
#ifdef __wasm__
#define METHOD_EXPORT(name) __attribute__((export_name(#name)))
#define METHOD_REGISTER(name)
#else // the mock host finds methods by name
void mock_method(const char *name, void (*method)(void));
#define METHOD_EXPORT(name)
#define METHOD_REGISTER(name)                                                                                          \
    __attribute__((constructor)) static void register_##name(void) { mock_method(#name, contract_##name); }
#endif
#define METHOD_RAW(name)                                                                                               \
    METHOD_EXPORT(name) void contract_##name(void);                                                                    \
    METHOD_REGISTER(name)                                                                                              \
    void contract_##name(void)
#define METHOD(kind, name)                                                                                             \
    static void body_##name(void);                                                                                     \
    METHOD_RAW(name) {                                                                                                 \
        method_begin(kind, kind == VIEW || kind == PAYABLE ? NULL : #name);                                            \
        body_##name();                                                                                                 \
    }                                                                                                                  \
    static void body_##name(void)
void method_begin(enum method_kind kind, const char *name); // the name stands in refusals only

// --- stopping: every change of this call is undone and the deposit goes back; the caller reads the sentence
_Noreturn void stop(const char *words);
_Noreturn void stop_out(const struct out *words);
// Each % of the words becomes the next of the numbers.
_Noreturn void stop_filled(const char *words, const struct yocto *numbers);
void require(bool holds, const char *words);
struct out *sentence(void); // empty; for words that stop the call

// --- the call
struct account caller(void);         // the account whose contract or transaction called
struct account self(void);           // this contract's account
struct yocto deposit_attached(void); // already part of the contract's balance
struct yocto contract_balance(void); // that deposit included, without what this call has sent
uint64_t now_ns(void);               // time of the block
#define SECOND_NS 1000000000ull
uint64_t gas_left(void); // prepaid, neither burnt nor promised
#define TGAS 1000000000000ull

// The arguments, in a buffer that lives as long as the call and may be changed in place.
#define ARGUMENTS_MAX (1536u * 1024)
struct arguments {
    char *ptr;
    size_t len;
};
struct arguments arguments(void);

// --- answering
void answer_json(const struct out *o);
void answer_text(struct text json);
void answer_bool(bool b);
void answer_number(uint64_t n);
void answer_register(uint64_t reg);
void log_line(const struct out *o);
size_t log_room(void); // bytes that this call can still log

#define CHAIN_ID_MAX 64
struct text chain_id(char to[static CHAIN_ID_MAX]); // mainnet, testnet or another name; the view is into `to`
struct hash sha256_of(struct text bytes);
struct hash random_seed(void); // the same within a block; who makes the block can choose among a few
// ECDSA over P-256: signature r and s, key compressed.
bool p256_verify(const uint8_t signature[static 64], const struct hash *digest, const uint8_t key[static 33]);
// The register's bytes; stops when they do not fit. Stops too when there is no such register.
size_t register_copy(uint64_t reg, void *to, size_t cap);
