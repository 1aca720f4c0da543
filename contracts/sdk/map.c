// SPDX-License-Identifier: Apache-2.0
#include "map.h"
#include "env.h"

#define MOVED 4 // registers: the value on its way, and what its new key had
#define REPLACED 5
#define AT(p) ((uint64_t)(uintptr_t)(p))

struct map_key {
    size_t len;
    uint8_t b[2 + MAP_KEY_MAX];
};

// Letter, length of `of`, `of`, key: the length keeps the keys of "al" and of "alice" apart.
static struct map_key full_key(struct map m, struct text key) {
    struct map_key k;
    struct rec_out r = REC_OUT(k.b);
    require(m.of.len <= UINT8_MAX && key.len <= MAP_KEY_MAX - m.of.len, "A key is too long for this contract");
    rec_put_u8(&r, (uint8_t)m.letter);
    rec_put_u8(&r, (uint8_t)m.of.len);
    rec_put_bytes(&r, m.of.ptr, m.of.len);
    rec_put_bytes(&r, key.ptr, key.len);
    k.len = r.len;
    return k;
}
#define FULL_TEXT(k) ((struct text){(const char *)(k).b, (k).len})

void map_put(struct map m, struct text key, struct text value) {
    struct map_key k = full_key(m, key);
    store_put(FULL_TEXT(k), value);
}

bool map_get(struct map m, struct text key, void *buf, size_t cap, struct rec_in *value) {
    struct map_key k = full_key(m, key);
    size_t len = 0;
    bool found = store_get(FULL_TEXT(k), buf, cap, &len);
    *value = (struct rec_in){buf, (const uint8_t *)buf + len};
    return found;
}

bool map_has(struct map m, struct text key) {
    struct map_key k = full_key(m, key);
    return store_has(FULL_TEXT(k));
}

bool map_remove(struct map m, struct text key) {
    struct map_key k = full_key(m, key);
    return store_remove(FULL_TEXT(k));
}

void map_move(struct map m, struct text from, struct text to) {
    struct map_key f = full_key(m, from), t = full_key(m, to);
    require(host_storage_remove(f.len, AT(f.b), MOVED) == 1, "There is no value to be moved");
    host_storage_write(t.len, AT(t.b), FROM_REGISTER, MOVED, REPLACED);
}

void map_put_yocto(struct map m, struct text key, struct yocto amount) {
    uint8_t bytes[sizeof amount.v];
    struct rec_out r = REC_OUT(bytes);
    rec_put_yocto(&r, amount);
    map_put(m, key, REC_TEXT(r));
}

bool map_get_yocto(struct map m, struct text key, struct yocto *amount) {
    uint8_t bytes[sizeof amount->v];
    struct rec_in r;
    bool found = map_get(m, key, bytes, sizeof bytes, &r);
    *amount = found ? rec_take_yocto(&r) : YOCTO(0);
    return found;
}
