// SPDX-License-Identifier: Apache-2.0
// The vector operators that the generator uses: one of each form of immediates.
#include "base/err.h"
#include "wasmref/interp.h"

static bool memory_op(struct ref_run *r, uint32_t op, const uint8_t **p) {
    ref_leb(p);
    uint64_t offset = ref_leb(p);
    union ref_value v = {.i64 = 0};
    if (op == 0xfd0b || op >= 0xfd54)
        v = ref_pop(r);
    uint8_t *a = ref_address(r, offset, op == 0xfd54 ? 1 : op == 0xfd5a ? 4 : op == 0xfd0a ? 8 : 16);
    if (!a)
        return false;
    switch (op) {
    case 0xfd00: memcpy(v.v128, a, 16); break;
    case 0xfd0a:
        memcpy(v.v128, a, 8);
        memcpy(v.v128 + 8, a, 8);
        break;
    case 0xfd0b: memcpy(a, v.v128, 16); return true;
    case 0xfd54: v.v128[*(*p)++] = *a; break;
    default: memcpy(a, v.v128 + 4 * *(*p)++, 4); return true;
    }
    ref_push(r, v);
    return true;
}

static void splat(struct ref_run *r, size_t width) {
    union ref_value v = ref_pop(r), out;
    for (size_t i = 0; i < 16; i += width)
        memcpy(out.v128 + i, &v, width);
    ref_push(r, out);
}

static void extract(struct ref_run *r, uint8_t lane, size_t width) {
    union ref_value v = ref_pop(r), out = {.i64 = 0};
    memcpy(&out, v.v128 + lane * width, width);
    ref_push(r, out);
}

static void binary(struct ref_run *r, uint32_t op) {
    union ref_value b = ref_pop(r), a = ref_pop(r), out;
    for (size_t i = 0; i < 16; i++) {
        out.v128[i] = op == 0xfd4e   ? a.v128[i] & b.v128[i]
                      : op == 0xfd51 ? a.v128[i] ^ b.v128[i]
                                     : (uint8_t)(a.v128[i] + b.v128[i]);
    }
    for (size_t i = 0; i < 16 && (op == 0xfdae || op == 0xfdb5); i += 4) {
        uint32_t x, y;
        memcpy(&x, a.v128 + i, 4);
        memcpy(&y, b.v128 + i, 4);
        x = op == 0xfdae ? x + y : x * y;
        memcpy(out.v128 + i, &x, 4);
    }
    ref_push(r, out);
}

static void bitselect(struct ref_run *r) {
    union ref_value c = ref_pop(r), b = ref_pop(r), a = ref_pop(r);
    for (size_t i = 0; i < 16; i++)
        a.v128[i] = (uint8_t)((a.v128[i] & c.v128[i]) | (b.v128[i] & ~c.v128[i]));
    ref_push(r, a);
}

static void shuffle(struct ref_run *r, const uint8_t *lanes) {
    union ref_value b = ref_pop(r), a = ref_pop(r), out;
    for (size_t i = 0; i < 16; i++)
        out.v128[i] = lanes[i] < 16 ? a.v128[lanes[i]] : b.v128[lanes[i] - 16];
    ref_push(r, out);
}

static void one(struct ref_run *r, uint32_t op) {
    union ref_value v = ref_pop(r);
    bool any = false;
    for (size_t i = 0; i < 16; i++) {
        any |= v.v128[i];
        v.v128[i] = (uint8_t)~v.v128[i];
    }
    if (op == 0xfd53)
        ref_push32(r, any);
    else
        ref_push(r, v);
}

bool ref_simd(struct ref_run *r, uint32_t op, const uint8_t **p) {
    union ref_value v;
    switch (op) {
    case 0xfd00:
    case 0xfd0a:
    case 0xfd0b:
    case 0xfd54:
    case 0xfd5a: return memory_op(r, op, p);
    case 0xfd0c:
        memcpy(v.v128, *p, 16);
        *p += 16;
        ref_push(r, v);
        return true;
    case 0xfd0d:
        shuffle(r, *p);
        *p += 16;
        return true;
    case 0xfd0f: splat(r, 1); return true;
    case 0xfd11: splat(r, 4); return true;
    case 0xfd12: splat(r, 8); return true;
    case 0xfd16: extract(r, *(*p)++, 1); return true;
    case 0xfd1b: extract(r, *(*p)++, 4); return true;
    case 0xfd1d: extract(r, *(*p)++, 8); return true;
    case 0xfd1c: {
        uint32_t lane = ref_pop(r).i32;
        memcpy(r->stack[r->top - 1].v128 + 4 * *(*p)++, &lane, 4);
        return true;
    }
    case 0xfd4d:
    case 0xfd53: one(r, op); return true;
    case 0xfd52: bitselect(r); return true;
    case 0xfd4e:
    case 0xfd51:
    case 0xfd6e:
    case 0xfdae:
    case 0xfdb5: binary(r, op); return true;
    default: bug_abort(__FILE__, __LINE__, "a vector operator that the interpreter lacks");
    }
}
