// SPDX-License-Identifier: Apache-2.0
// Arithmetic, by the letter of the specification. Not-a-number results are canonical, as the engine is told to make
// them.
#include "wasmref/interp.h"

#include <math.h>

static float canon32(float f) { return isnan(f) ? __builtin_nanf("") : f; }
static double canon64(double f) { return isnan(f) ? __builtin_nan("") : f; }

static void push_f32(struct ref_run *r, float f) {
    union ref_value v = {.i64 = 0};
    v.f32 = canon32(f);
    ref_push(r, v);
}
static void push_f64(struct ref_run *r, double f) {
    union ref_value v = {.i64 = 0};
    v.f64 = canon64(f);
    ref_push(r, v);
}

static bool compare_int(struct ref_run *r, unsigned op, bool wide) {
    union ref_value vb = ref_pop(r), va = ref_pop(r);
    uint64_t a = wide ? va.i64 : va.i32, b = wide ? vb.i64 : vb.i32;
    int64_t sa = wide ? (int64_t)va.i64 : (int32_t)va.i32, sb = wide ? (int64_t)vb.i64 : (int32_t)vb.i32;
    const bool results[] = {a == b, a != b, sa<sb, a<b, sa> sb, a> b, sa <= sb, a <= b, sa >= sb, a >= b};
    ref_push32(r, results[op]);
    return true;
}

static bool compare_float(struct ref_run *r, unsigned op, bool wide) {
    union ref_value vb = ref_pop(r), va = ref_pop(r);
    double a = wide ? va.f64 : (double)va.f32, b = wide ? vb.f64 : (double)vb.f32;
    const bool results[] = {a == b, a != b, a<b, a> b, a <= b, a >= b};
    ref_push32(r, results[op]);
    return true;
}

static bool divide32(struct ref_run *r, unsigned op, uint32_t a, uint32_t b) {
    if (b == 0)
        return ref_trap(r, REF_TRAP_DIVISION);
    bool edge = a == 0x80000000u && b == UINT32_MAX;
    if (op == 0 && edge)
        return ref_trap(r, REF_TRAP_OVERFLOW);
    uint32_t v = op == 0   ? (uint32_t)((int32_t)a / (int32_t)b)
                 : op == 1 ? a / b
                 : op == 3 ? a % b
                 : edge    ? 0
                           : (uint32_t)((int32_t)a % (int32_t)b);
    ref_push32(r, v);
    return true;
}

static bool divide64(struct ref_run *r, unsigned op, uint64_t a, uint64_t b) {
    if (b == 0)
        return ref_trap(r, REF_TRAP_DIVISION);
    bool edge = a == (uint64_t)1 << 63 && b == UINT64_MAX;
    if (op == 0 && edge)
        return ref_trap(r, REF_TRAP_OVERFLOW);
    uint64_t v = op == 0   ? (uint64_t)((int64_t)a / (int64_t)b)
                 : op == 1 ? a / b
                 : op == 3 ? a % b
                 : edge    ? 0
                           : (uint64_t)((int64_t)a % (int64_t)b);
    ref_push64(r, v);
    return true;
}

static bool binary32(struct ref_run *r, uint32_t op) {
    uint32_t b = ref_pop(r).i32, a = ref_pop(r).i32, n = b & 31;
    switch (op) {
    case 0x6a: ref_push32(r, a + b); return true;
    case 0x6b: ref_push32(r, a - b); return true;
    case 0x6c: ref_push32(r, a * b); return true;
    case 0x71: ref_push32(r, a & b); return true;
    case 0x72: ref_push32(r, a | b); return true;
    case 0x73: ref_push32(r, a ^ b); return true;
    case 0x74: ref_push32(r, a << n); return true;
    case 0x75: ref_push32(r, (uint32_t)((int32_t)a >> n)); return true;
    case 0x76: ref_push32(r, a >> n); return true;
    case 0x77: ref_push32(r, a << n | a >> (-n & 31)); return true;
    case 0x78: ref_push32(r, a >> n | a << (-n & 31)); return true;
    default: return divide32(r, op - 0x6d, a, b);
    }
}

static bool binary64(struct ref_run *r, uint32_t op) {
    uint64_t b = ref_pop(r).i64, a = ref_pop(r).i64, n = b & 63;
    switch (op) {
    case 0x7c: ref_push64(r, a + b); return true;
    case 0x7d: ref_push64(r, a - b); return true;
    case 0x7e: ref_push64(r, a * b); return true;
    case 0x83: ref_push64(r, a & b); return true;
    case 0x84: ref_push64(r, a | b); return true;
    case 0x85: ref_push64(r, a ^ b); return true;
    case 0x86: ref_push64(r, a << n); return true;
    case 0x87: ref_push64(r, (uint64_t)((int64_t)a >> n)); return true;
    case 0x88: ref_push64(r, a >> n); return true;
    case 0x89: ref_push64(r, a << n | a >> (-n & 63)); return true;
    case 0x8a: ref_push64(r, a >> n | a << (-n & 63)); return true;
    default: return divide64(r, op - 0x7f, a, b);
    }
}

static bool unary_int(struct ref_run *r, uint32_t op) {
    bool wide = op >= 0x79;
    union ref_value v = ref_pop(r);
    uint64_t a = wide ? v.i64 : v.i32;
    uint64_t width = wide ? 64 : 32, out = 0;
    switch (op - (wide ? 0x79 : 0x67)) {
    case 0: out = a ? (uint64_t)__builtin_clzll(a) - (64 - width) : width; break;
    case 1: out = a ? (uint64_t)__builtin_ctzll(a) : width; break;
    default: out = (uint64_t)__builtin_popcountll(a);
    }
    ref_push64(r, out);
    return true;
}

static double unary_of(unsigned op, double a, bool wide) {
    switch (op) {
    case 2: return ceil(a);
    case 3: return floor(a);
    case 4: return trunc(a);
    case 5: return rint(a);
    default: return wide ? sqrt(a) : (double)sqrtf((float)a);
    }
}

static bool unary_float(struct ref_run *r, uint32_t op) {
    bool wide = op >= 0x99;
    unsigned n = op - (wide ? 0x99 : 0x8b);
    union ref_value v = ref_pop(r);
    if (n < 2) { // abs and neg touch the sign alone, whatever the value
        uint64_t sign = wide ? (uint64_t)1 << 63 : 1u << 31;
        v.i64 = n == 0 ? v.i64 & ~sign : v.i64 ^ sign;
        ref_push(r, v);
    } else if (wide)
        push_f64(r, unary_of(n, v.f64, true));
    else
        push_f32(r, (float)unary_of(n, (double)v.f32, false));
    return true;
}

static double least(double a, double b) {
    return isnan(a) || isnan(b) ? NAN : a == b ? (signbit(a) ? a : b) : a < b ? a : b;
}
static double most(double a, double b) {
    return isnan(a) || isnan(b) ? NAN : a == b ? (signbit(a) ? b : a) : a > b ? a : b;
}

static bool binary_f32(struct ref_run *r, unsigned n) {
    union ref_value vb = ref_pop(r), va = ref_pop(r);
    float a = va.f32, b = vb.f32;
    switch (n) {
    case 0: push_f32(r, a + b); return true;
    case 1: push_f32(r, a - b); return true;
    case 2: push_f32(r, a * b); return true;
    case 3: push_f32(r, a / b); return true;
    case 4: push_f32(r, (float)least((double)a, (double)b)); return true;
    case 5: push_f32(r, (float)most((double)a, (double)b)); return true;
    default: ref_push32(r, (va.i32 & 0x7fffffff) | (vb.i32 & 0x80000000)); return true;
    }
}

static bool binary_f64(struct ref_run *r, unsigned n) {
    union ref_value vb = ref_pop(r), va = ref_pop(r);
    double a = va.f64, b = vb.f64;
    uint64_t sign = (uint64_t)1 << 63;
    switch (n) {
    case 0: push_f64(r, a + b); return true;
    case 1: push_f64(r, a - b); return true;
    case 2: push_f64(r, a * b); return true;
    case 3: push_f64(r, a / b); return true;
    case 4: push_f64(r, least(a, b)); return true;
    case 5: push_f64(r, most(a, b)); return true;
    default: ref_push64(r, (va.i64 & ~sign) | (vb.i64 & sign)); return true;
    }
}

// Float to integer. Traps, or saturates. `n`: bit 0 unsigned, bit 1 from f64; wide: to 64 bits.
static bool to_int(struct ref_run *r, unsigned n, bool wide, bool saturate) {
    union ref_value v = ref_pop(r);
    double f = trunc(n & 2 ? v.f64 : (double)v.f32);
    bool is_unsigned = n & 1;
    double low = is_unsigned ? 0 : wide ? -0x1p63 : -0x1p31;
    double high = is_unsigned ? (wide ? 0x1p64 : 0x1p32) : (wide ? 0x1p63 : 0x1p31); // the first that is too large
    if (!saturate && isnan(f))
        return ref_trap(r, REF_TRAP_CONVERSION);
    if (!saturate && (f < low || f >= high))
        return ref_trap(r, REF_TRAP_OVERFLOW);
    uint64_t max = is_unsigned ? (wide ? UINT64_MAX : UINT32_MAX) : (wide ? INT64_MAX : INT32_MAX);
    uint64_t min = is_unsigned ? 0 : wide ? (uint64_t)INT64_MIN : (uint32_t)INT32_MIN;
    uint64_t out = isnan(f) ? 0 : f < low ? min : f >= high ? max : is_unsigned ? (uint64_t)f : (uint64_t)(int64_t)f;
    ref_push64(r, wide ? out : (uint32_t)out);
    return true;
}

static bool to_float(struct ref_run *r, uint32_t op) {
    union ref_value v = ref_pop(r);
    switch (op) {
    case 0xb2: push_f32(r, (float)(int32_t)v.i32); break;
    case 0xb3: push_f32(r, (float)v.i32); break;
    case 0xb4: push_f32(r, (float)(int64_t)v.i64); break;
    case 0xb5: push_f32(r, (float)v.i64); break;
    case 0xb6: push_f32(r, (float)v.f64); break;
    case 0xb7: push_f64(r, (double)(int32_t)v.i32); break;
    case 0xb8: push_f64(r, (double)v.i32); break;
    case 0xb9: push_f64(r, (double)(int64_t)v.i64); break;
    case 0xba: push_f64(r, (double)v.i64); break;
    default: push_f64(r, (double)v.f32); break;
    }
    return true;
}

static bool extend(struct ref_run *r, uint32_t op) {
    uint64_t v = ref_pop(r).i64;
    switch (op) {
    case 0xa7: ref_push32(r, (uint32_t)v); break;
    case 0xac: ref_push64(r, (uint64_t)(int32_t)v); break;
    case 0xad: ref_push64(r, (uint32_t)v); break;
    case 0xc0: ref_push32(r, (uint32_t)(int8_t)v); break;
    case 0xc1: ref_push32(r, (uint32_t)(int16_t)v); break;
    case 0xc2: ref_push64(r, (uint64_t)(int8_t)v); break;
    case 0xc3: ref_push64(r, (uint64_t)(int16_t)v); break;
    case 0xc4: ref_push64(r, (uint64_t)(int32_t)v); break;
    default: ref_push64(r, v); break; // reinterpretations keep the bits
    }
    return true;
}

bool ref_numeric(struct ref_run *r, uint32_t op) {
    if (op >= 0xfc00)
        return to_int(r, op & 3, op >= 0xfc04, true);
    if (op == 0x45 || op == 0x50) {
        union ref_value v = ref_pop(r);
        ref_push32(r, op == 0x45 ? v.i32 == 0 : v.i64 == 0);
        return true;
    }
    if (op <= 0x4f)
        return compare_int(r, op - 0x46, false);
    if (op <= 0x5a)
        return compare_int(r, op - 0x51, true);
    if (op <= 0x66)
        return op <= 0x60 ? compare_float(r, op - 0x5b, false) : compare_float(r, op - 0x61, true);
    if (op <= 0x69 || (op >= 0x79 && op <= 0x7b))
        return unary_int(r, op);
    if (op <= 0x78)
        return binary32(r, op);
    if (op <= 0x8a)
        return binary64(r, op);
    if (op <= 0x91 || (op >= 0x99 && op <= 0x9f))
        return unary_float(r, op);
    if (op <= 0x98)
        return binary_f32(r, op - 0x92);
    if (op <= 0xa6)
        return binary_f64(r, op - 0xa0);
    if (op >= 0xa8 && op <= 0xab)
        return to_int(r, op - 0xa8, false, false);
    if (op >= 0xae && op <= 0xb1)
        return to_int(r, op - 0xae, true, false);
    if (op >= 0xb2 && op <= 0xbb)
        return to_float(r, op);
    return extend(r, op);
}
