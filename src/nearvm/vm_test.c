// SPDX-License-Identifier: Apache-2.0
#include "nearvm/vm_internal.h"

#include "base/test.h"

// An empty module, told from others by the byte in a section that nobody reads.
struct contract {
    uint8_t bytes[12];
    struct hash hash;
};
static struct contract contract_of(uint8_t i) {
    struct contract c = {.bytes = {0, 'a', 's', 'm', 1, 0, 0, 0, 0, 2, 0, i}}; // a name of no bytes, then `i`
    c.hash = sha256(slice_of(c.bytes, sizeof c.bytes));
    return c;
}

static void use(struct vm_engine *v, const struct contract *c) {
    vm_prepare(v, &c->hash, slice_of(c->bytes, sizeof c->bytes));
}

static bool is_kept(struct vm_engine *v, const struct contract *c) {
    const struct vm_code *code = vm_code_get(v, &c->hash, (struct slice){0});
    if (code)
        vm_code_put(v, code);
    return code;
}

// A chain with many contracts must not grow without end, nor compile anew what is called all the time.
static void the_longest_unused_code_goes(void **state) {
    (void)state;
    struct vm_engine *v;
    struct err e;
    assert_ok(vm_engine_new(&v, 2, &e), &e);
    struct contract a = contract_of('a'), b = contract_of('b'), c = contract_of('c'), d = contract_of('d');
    use(v, &a);
    use(v, &b);
    assert_true(is_kept(v, &b));
    assert_true(is_kept(v, &a)); // b is the one that was used longest ago
    use(v, &c);
    assert_false(is_kept(v, &b));
    assert_true(is_kept(v, &c));
    assert_true(is_kept(v, &a));
    // What is in use stays, however long ago it was asked for.
    const struct vm_code *held = vm_code_get(v, &c.hash, (struct slice){0});
    assert_true(is_kept(v, &a));
    use(v, &d);
    assert_true(is_kept(v, &c));
    assert_false(is_kept(v, &a));
    vm_code_put(v, held);
    vm_engine_free(v);
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(the_longest_unused_code_goes)};
RUN_TESTS(tests)
