// SPDX-License-Identifier: Apache-2.0
#include "crypto/keccak.h"

static const uint64_t round_constants[24] = {
    0x0000000000000001, 0x0000000000008082, 0x800000000000808a, 0x8000000080008000, 0x000000000000808b,
    0x0000000080000001, 0x8000000080008081, 0x8000000000008009, 0x000000000000008a, 0x0000000000000088,
    0x0000000080008009, 0x000000008000000a, 0x000000008000808b, 0x800000000000008b, 0x8000000000008089,
    0x8000000000008003, 0x8000000000008002, 0x8000000000000080, 0x000000000000800a, 0x800000008000000a,
    0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008};
static const uint8_t rotations[24] = {1,  3,  6,  10, 15, 21, 28, 36, 45, 55, 2,  14,
                                      27, 41, 56, 8,  25, 43, 62, 18, 39, 61, 20, 44};
static const uint8_t lanes[24] = {10, 7,  11, 17, 18, 3, 5,  16, 8,  21, 24, 4,
                                  15, 23, 19, 13, 12, 2, 20, 14, 22, 9,  6,  1};

static uint64_t rotate(uint64_t v, unsigned n) { return v << n | v >> (64 - n); }

static void theta(uint64_t s[25]) {
    uint64_t c[5];
    for (int x = 0; x < 5; x++)
        c[x] = s[x] ^ s[x + 5] ^ s[x + 10] ^ s[x + 15] ^ s[x + 20];
    for (int x = 0; x < 5; x++)
        for (int y = 0; y < 25; y += 5)
            s[x + y] ^= c[(x + 4) % 5] ^ rotate(c[(x + 1) % 5], 1);
}

static void permute(uint64_t s[25]) {
    for (int round = 0; round < 24; round++) {
        theta(s);
        uint64_t moving = s[1];
        for (int i = 0; i < 24; i++) {
            uint64_t next = s[lanes[i]];
            s[lanes[i]] = rotate(moving, rotations[i]);
            moving = next;
        }
        for (int y = 0; y < 25; y += 5) {
            uint64_t row[5];
            memcpy(row, s + y, sizeof row);
            for (int x = 0; x < 5; x++)
                s[y + x] = row[x] ^ (~row[(x + 1) % 5] & row[(x + 2) % 5]);
        }
        s[0] ^= round_constants[round];
    }
}

static void absorb(uint64_t s[25], const uint8_t *block, size_t rate) {
    for (size_t i = 0; i < rate / 8; i++) {
        uint64_t v;
        memcpy(&v, block + 8 * i, sizeof v);
        s[i] ^= v;
    }
    permute(s);
}

void keccak(struct slice in, uint8_t *out, size_t len) {
    uint64_t s[25] = {0};
    size_t rate = 200 - 2 * len;
    for (; in.len >= rate; in = slice_skip(in, rate))
        absorb(s, in.ptr, rate);
    uint8_t last[200] = {0};
    if (in.len)
        memcpy(last, in.ptr, in.len);
    last[in.len] = 1;
    last[rate - 1] |= 0x80;
    absorb(s, last, rate);
    memcpy(out, s, len);
}
