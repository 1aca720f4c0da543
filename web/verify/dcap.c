// SPDX-License-Identifier: Apache-2.0
// dcap.wasm: the verifier of quotes for whoever can run WebAssembly. A check is two calls:
//   room(n)    an address for n bytes of input, or 0; what was there before is forgotten
//   verify(…)  the inputs stand one behind another at that address: quote, collateral object, policy, root key; each
//              length may be 0. Gives the address of three numbers of 32 bits, little endian: the address and the
//              length of a text, and what it is: 1 a report (src/dcap/report.h), 0 a sentence that says why there is
//              none.
#include "dcap/policy_read.h"
#include "dcap/report.h"

struct answer {
    struct bytes text;
    uint32_t is_report;
};
__attribute__((export_name("room"))) uint8_t *room(size_t n);
__attribute__((export_name("verify"))) const struct answer *verify(size_t quote, size_t collateral, size_t policy,
                                                                   size_t root, uint64_t at);
enum {
    PAGE = 1 << 16,
    INPUT_MAX = 4 << 20,
    WORK = 1 << 20, // memory of a verification, and twice its input: what is decoded and what is kept
};
extern uint8_t __heap_base;
static size_t inputs;
static struct answer answer;

uint8_t *room(size_t n) {
    if (n > INPUT_MAX)
        return NULL;
    size_t want = ((size_t)&__heap_base + 3 * n + WORK + PAGE - 1) / PAGE, have = __builtin_wasm_memory_size(0);
    if (want > have && __builtin_wasm_memory_grow(0, want - have) == SIZE_MAX)
        return NULL;
    inputs = n;
    return &__heap_base;
}

static const struct answer *refuse(const char *why) {
    answer = (struct answer){dcap_bytes_of(why), 0};
    return &answer;
}

static struct bytes take(struct dcap_cursor *c, size_t n) {
    return n ? dcap_take_bytes(c, n) : (struct bytes){NULL, 0};
}

// The object is read where it stands, so that its memory is another afterwards.
static void read_collateral(struct dcap_question *q, struct bytes json) {
    if (!json.len)
        dcap_fail(&q->unread, DCAP_PART_MISSING, DCAP_PART_COLLATERAL);
    else
        (void)!dcap_collateral_read(&q->collateral, (uint8_t *)json.ptr, json.len, &q->unread);
}

static struct bytes check(struct dcap_question *q, struct dcap_arena *a) {
    struct dcap_checked checked;
    dcap_check(&checked, a, q);
    return dcap_report(a, &checked);
}

const struct answer *verify(size_t quote, size_t collateral, size_t policy, size_t root, uint64_t at) {
    struct dcap_cursor c = dcap_cursor_over((struct bytes){&__heap_base, inputs});
    struct bytes quote_bytes = take(&c, quote), object = take(&c, collateral), rules = take(&c, policy);
    const uint8_t *root_key = take(&c, root).ptr;
    size_t begin = ((size_t)&__heap_base + inputs + 7) & ~(size_t)7, end = __builtin_wasm_memory_size(0) * PAGE;
    struct dcap_arena arena = {(uint8_t *)begin, end - begin, 0};
    struct dcap_policy judged_by;
    struct dcap_trust trust;
    struct dcap_question q = {.quote = quote_bytes, .policy = &judged_by, .trust = &trust, .now = at};
    const char *why;
    if (c.failed || (root && root != 64))
        return refuse("The lengths are not those of what was laid down.");
    if (!dcap_policy_read(&judged_by, &arena, rules, &why))
        return refuse(why);
    if (root_key)
        dcap_trust_root(&trust, root_key);
    else
        dcap_trust_intel(&trust);
    read_collateral(&q, object);
    answer = (struct answer){check(&q, &arena), 1};
    return answer.text.len ? &answer : refuse("The inputs need more memory than a verification has.");
}
