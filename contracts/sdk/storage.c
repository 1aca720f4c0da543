// SPDX-License-Identifier: Apache-2.0
#include "storage.h"
#include "env.h"

#define VALUE 1 // register for what storage gives
#define AT(p) ((uint64_t)(uintptr_t)(p))

static uint8_t *room(struct rec_out *r, size_t n) {
    if (n > r->cap - r->len)
        stop("Longer than this contract can take");
    uint8_t *at = r->buf + r->len;
    r->len += n;
    return at;
}

void rec_put_bytes(struct rec_out *r, const void *bytes, size_t len) {
    if (len)
        memcpy(room(r, len), bytes, len);
}

void rec_put_u8(struct rec_out *r, uint8_t v) { *room(r, 1) = v; }
void rec_put_u32(struct rec_out *r, uint32_t v) { __builtin_memcpy(room(r, sizeof v), &v, sizeof v); }
void rec_put_u64(struct rec_out *r, uint64_t v) { __builtin_memcpy(room(r, sizeof v), &v, sizeof v); }
void rec_put_yocto(struct rec_out *r, struct yocto v) { rec_put_bytes(r, &v.v, sizeof v.v); }
void rec_put_hash(struct rec_out *r, const struct hash *h) { rec_put_bytes(r, h->b, sizeof h->b); }

void rec_put_text(struct rec_out *r, struct text t) {
    rec_put_u32(r, (uint32_t)t.len);
    rec_put_bytes(r, t.ptr, t.len);
}

void rec_put_account(struct rec_out *r, const struct account *a) { rec_put_text(r, account_text(a)); }

static const uint8_t *take(struct rec_in *r, size_t n) {
    if ((size_t)(r->end - r->p) < n)
        stop("A stored record is damaged");
    const uint8_t *at = r->p;
    r->p += n;
    return at;
}

uint8_t rec_take_u8(struct rec_in *r) { return *take(r, 1); }

uint32_t rec_take_u32(struct rec_in *r) {
    uint32_t v;
    __builtin_memcpy(&v, take(r, sizeof v), sizeof v);
    return v;
}

uint64_t rec_take_u64(struct rec_in *r) {
    uint64_t v;
    __builtin_memcpy(&v, take(r, sizeof v), sizeof v);
    return v;
}

struct yocto rec_take_yocto(struct rec_in *r) {
    struct yocto v;
    memcpy(&v.v, take(r, sizeof v.v), sizeof v.v);
    return v;
}

struct hash rec_take_hash(struct rec_in *r) {
    struct hash h;
    memcpy(h.b, take(r, sizeof h.b), sizeof h.b);
    return h;
}

struct text rec_take_text(struct rec_in *r) {
    size_t len = rec_take_u32(r);
    return (struct text){(const char *)take(r, len), len};
}

struct text rec_take_text_or_null(struct rec_in *r) {
    struct text t = rec_take_text(r);
    return t.len ? t : (struct text){0};
}

static void take_account(struct rec_in *r, struct account *a) {
    struct text t = rec_take_text(r);
    require(t.len <= ACCOUNT_MAX, "A stored record is damaged");
    a->len = (uint8_t)t.len;
    memcpy(a->s, t.ptr, t.len);
}

struct account rec_take_account(struct rec_in *r) {
    struct account a;
    take_account(r, &a);
    return a;
}

void rec_take_version(struct rec_in *r, uint8_t version) {
    require(rec_take_u8(r) == version, "A stored record is of another version of this contract");
}

static void put_significant(struct rec_out *r, const uint8_t *bytes, uint8_t n) {
    uint64_t high = 0;
    while (n) {
        __builtin_memcpy(&high, bytes + n - 8, 8);
        if (high)
            break;
        n -= 8;
    }
    n -= high ? (uint8_t)(__builtin_clzll(high) / 8) : 0;
    rec_put_u8(r, n);
    rec_put_bytes(r, bytes, n);
}

// Most members are written as they stand, so these are looked at first.
void rec_put_shape(struct rec_out *r, const struct rec_shape *shape, const void *from) {
    const struct rec_field *f = shape->fields, *end = f + shape->count;
    for (; f < end; f++) {
        const void *m = (const char *)from + f->offset;
        if (f->kind < REC_KIND_TEXT) {
            rec_put_bytes(r, m, f->kind);
        } else if (f->kind == REC_KIND_NUMBER) {
            put_significant(r, m, f->count);
        } else if (f->kind == REC_KIND_FLAG) {
            rec_put_u8(r, *(const uint8_t *)m);
            if (!*(const uint8_t *)m)
                f += f->count;
        } else if (f->kind == REC_KIND_TEXT) {
            rec_put_text(r, *(const struct text *)m);
        } else {
            rec_put_account(r, m);
        }
    }
}

static void take_bytes(struct rec_in *r, void *to, size_t n) { memcpy(to, take(r, n), n); }

static void take_significant(struct rec_in *r, void *to, uint8_t size) {
    uint8_t n = rec_take_u8(r);
    require(n <= size, "A stored record is damaged");
    take_bytes(r, to, n);
}

void rec_take_shape(struct rec_in *r, const struct rec_shape *shape, void *to) {
    const struct rec_field *f = shape->fields, *end = f + shape->count;
    for (; f < end; f++) {
        void *m = (char *)to + f->offset;
        if (f->kind < REC_KIND_TEXT) {
            take_bytes(r, m, f->kind);
        } else if (f->kind == REC_KIND_NUMBER) {
            take_significant(r, m, f->count);
        } else if (f->kind == REC_KIND_FLAG) {
            *(uint8_t *)m = rec_take_u8(r);
            if (!*(const uint8_t *)m)
                f += f->count;
        } else if (f->kind == REC_KIND_TEXT) {
            *(struct text *)m = rec_take_text_or_null(r);
        } else {
            take_account(r, m);
        }
    }
}

struct key key_of(char letter, uint64_t number) {
    struct key k;
    k.b[0] = (uint8_t)letter;
    __builtin_memcpy(k.b + 1, &number, sizeof number);
    return k;
}

// Never inlined: widening each argument to 64 bits takes more code than a call.
[[gnu::noinline]] void store_put(struct text key, struct text value) {
    host_storage_write(key.len, AT(key.ptr), value.len, AT(value.ptr), VALUE);
}

bool store_get(struct text key, void *buf, size_t cap, size_t *len) {
    if (!host_storage_read(key.len, AT(key.ptr), VALUE))
        return false;
    *len = register_copy(VALUE, buf, cap);
    return true;
}

[[gnu::noinline]] bool store_has(struct text key) { return host_storage_has_key(key.len, AT(key.ptr)) == 1; }

[[gnu::noinline]] bool store_remove(struct text key) { return host_storage_remove(key.len, AT(key.ptr), VALUE) == 1; }

uint64_t store_usage(void) { return host_storage_usage(); }

[[gnu::noinline]] struct yocto stake_of(uint64_t bytes) { return YOCTO(bytes * BYTE_STAKE); }
