// SPDX-License-Identifier: Apache-2.0
#include "promise.h"

#define DATA_ID 3 // register
#define AT(p) ((uint64_t)(uintptr_t)(p))

struct promise promise_call(const struct promise_call *c) {
    return (struct promise){host_promise_create(c->account.len, AT(c->account.s), strlen(c->method), AT(c->method),
                                                c->args.len, AT(c->args.ptr), AT(&c->deposit.v), c->gas)};
}

struct promise promise_then(struct promise first, const struct promise_call *c) {
    return (struct promise){host_promise_then(first.index, c->account.len, AT(c->account.s), strlen(c->method),
                                              AT(c->method), c->args.len, AT(c->args.ptr), AT(&c->deposit.v), c->gas)};
}

_Static_assert(sizeof(struct promise) == sizeof(uint64_t), "promises are handed over as their indices");
struct promise promise_join(const struct promise *promises, uint64_t count) {
    return (struct promise){host_promise_and(AT(promises), count)};
}

struct promise promise_transfer(const struct account *to, struct yocto amount) {
    struct promise p = {host_promise_batch_create(to->len, AT(to->s))};
    host_promise_batch_action_transfer(p.index, AT(&amount.v));
    return p;
}

struct promise promise_deploy(struct text code, const char *method, struct text args, uint64_t gas) {
    struct account here = self();
    struct promise p = {host_promise_batch_create(here.len, AT(here.s))};
    u128 none = 0;
    host_promise_batch_action_deploy_contract(p.index, code.len, AT(code.ptr));
    host_promise_batch_action_function_call(p.index, strlen(method), AT(method), args.len, AT(args.ptr), AT(&none),
                                            gas);
    return p;
}

void promise_return(struct promise p) { host_promise_return(p.index); }

uint64_t promise_count(void) { return host_promise_results_count(); }

bool promise_nth_succeeded(uint64_t n) { return host_promise_result(n, PROMISE_REGISTER) == 1; }

bool promise_succeeded(void) { return promise_nth_succeeded(0); }

struct promise yield_create(const char *method, struct text args, uint64_t gas, struct hash *data_id) {
    struct promise p = {host_promise_yield_create(strlen(method), AT(method), args.len, AT(args.ptr), gas, 1, DATA_ID)};
    host_read_register(DATA_ID, AT(data_id->b));
    return p;
}

bool yield_resume(const struct hash *data_id, struct text payload) {
    return host_promise_yield_resume(sizeof data_id->b, AT(data_id->b), payload.len, AT(payload.ptr)) == 1;
}
