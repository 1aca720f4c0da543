// SPDX-License-Identifier: Apache-2.0
// What C23 has and gcc 12 / clang 14 lack: checked arithmetic under its C23 names.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// *out = a op b; true when the exact result does not fit (then *out is the wrapped value).
#define ckd_add(out, a, b) __builtin_add_overflow((a), (b), (out))
#define ckd_sub(out, a, b) __builtin_sub_overflow((a), (b), (out))
#define ckd_mul(out, a, b) __builtin_mul_overflow((a), (b), (out))

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

typedef unsigned __int128 u128;
