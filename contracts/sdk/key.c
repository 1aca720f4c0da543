// SPDX-License-Identifier: Apache-2.0
#include "key.h"

#define AT(p) ((uint64_t)(uintptr_t)(p))
static const char digits58[] = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

bool base58_parse(uint8_t number[static HASH_SIZE + 1], const char *p, const char *end) {
    int zeros = 0, used = HASH_SIZE;
    memset(number, 0, HASH_SIZE + 1);
    for (bool leading = true; p < end; p++) {
        uint32_t carry = 0;
        while (digits58[carry] != *p)
            if (++carry == sizeof digits58 - 1)
                return false;
        leading &= carry == 0;
        zeros += leading; // each digit of zero in front is a byte of zero
        for (int i = 0; i <= HASH_SIZE; i++, carry >>= 8)
            number[i] = (uint8_t)(carry += number[i] * 58u);
        if (number[HASH_SIZE])
            return false;
    }
    while (used && !number[used - 1])
        used--;
    return zeros + used == HASH_SIZE;
}

bool public_key_parse(struct public_key *out, struct text t) {
    uint8_t number[HASH_SIZE + 1];
    if (t.len <= 8 || memcmp(t.ptr, "ed25519:", 8) != 0 || !base58_parse(number, t.ptr + 8, t.ptr + t.len))
        return false;
    for (int i = 0; i <= HASH_SIZE; i++)
        out->b[i] = number[HASH_SIZE - i];
    return true;
}

struct text public_key_text(const struct public_key *k, char to[static PUBLIC_KEY_TEXT_MAX]) {
    uint8_t number[HASH_SIZE];
    char reversed[44];
    size_t n = 0, first = 0;
    memcpy(number, k->b + 1, sizeof number);
    while (first < HASH_SIZE && !number[first])
        first++;
    for (size_t from = first; from < HASH_SIZE;) {
        uint32_t rest = 0;
        for (size_t i = from; i < HASH_SIZE; i++) {
            rest = rest << 8 | number[i];
            number[i] = (uint8_t)(rest / 58);
            rest %= 58;
        }
        reversed[n++] = digits58[rest];
        from += !number[from];
    }
    memcpy(to, "ed25519:", 8);
    memset(to + 8, '1', first);
    for (size_t i = 0; i < n; i++)
        to[8 + first + i] = reversed[n - 1 - i];
    return (struct text){to, 8 + first + n};
}

bool public_key_eq(const struct public_key *a, const struct public_key *b) {
    return memcmp(a->b, b->b, sizeof a->b) == 0;
}

static struct promise to_self(void) {
    struct account here = self();
    return (struct promise){host_promise_batch_create(here.len, AT(here.s))};
}

struct promise promise_add_call_key(const struct call_key *k) {
    struct promise p = to_self();
    host_promise_batch_action_add_key_with_function_call(p.index, sizeof k->key->b, AT(k->key->b), 0,
                                                         AT(&k->allowance.v), k->receiver.len, AT(k->receiver.s),
                                                         strlen(k->methods), AT(k->methods));
    return p;
}

struct promise promise_delete_key(const struct public_key *key) {
    struct promise p = to_self();
    host_promise_batch_action_delete_key(p.index, sizeof key->b, AT(key->b));
    return p;
}

// The key and, in borsh, nonce, permission, allowance, receiver and a list of methods, each with its length.
uint32_t call_key_bytes(const struct call_key *k) {
    uint32_t commas = 0, len = (uint32_t)strlen(k->methods);
    for (uint32_t i = 0; i < len; i++)
        commas += k->methods[i] == ',';
    return 40 + PUBLIC_KEY_SIZE + 8 + 1 + 1 + 16 + 4 + k->receiver.len + 4 + (len - commas) + 4 * (commas + 1);
}
