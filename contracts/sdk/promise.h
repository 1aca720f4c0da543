// SPDX-License-Identifier: Apache-2.0
// Promises: calls and transfers that start once this call has succeeded, and what became of them. A promise that this
// call does not return is on its own: its failure changes nothing here.
#pragma once
#include "env.h"

struct promise {
    uint64_t index;
};
struct promise_call {
    struct account account;
    const char *method;
    struct text args; // JSON
    struct yocto deposit;
    uint64_t gas;
};
struct promise promise_call(const struct promise_call *call);
struct promise promise_then(struct promise first, const struct promise_call *call); // whatever becomes of the first
// One that ends when all of them have, for promise_then: its callback finds each one's result by its place here.
struct promise promise_join(const struct promise *promises, uint64_t count);
struct promise promise_transfer(const struct account *to, struct yocto amount);
// Deploys code to this account and calls a method of it, both or neither: when the method stops, the old code stays.
struct promise promise_deploy(struct text code, const char *method, struct text args, uint64_t gas);
void promise_return(struct promise p); // this call answers with what p answers

// In a callback: what the promise answered that it waited for.
#define PROMISE_REGISTER 2
bool promise_succeeded(void);           // the value is in PROMISE_REGISTER
uint64_t promise_count(void);           // of those that were awaited
bool promise_nth_succeeded(uint64_t n); // of joined ones; its value is in PROMISE_REGISTER. n is below promise_count()

// A call to a method of this contract that begins when somebody resumes it, or as failed after 200 blocks. It has `gas`
// and whatever this call leaves over; *data_id is the name to resume it by.
struct promise yield_create(const char *method, struct text args, uint64_t gas, struct hash *data_id);
#define YIELD_PAYLOAD_MAX 1024
bool yield_resume(const struct hash *data_id, struct text payload); // false: nothing waits under this name
