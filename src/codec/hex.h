// SPDX-License-Identifier: Apache-2.0
// Bytes as text: hexadecimal (lower case), base58 (Bitcoin alphabet), base64 (RFC 4648, padded).
#pragma once
#include "base/arena.h"
#include "base/err.h"

// out holds 2n+1 bytes.
const char *hex_encode(char *out, struct slice bytes);
char *hex_text(struct arena *a, struct slice bytes);
// Exactly n bytes from 2n digits of either case.
[[nodiscard]] bool hex_decode_exact(uint8_t *out, size_t n, struct slice text, struct err *e);
[[nodiscard]] bool hex_decode(struct slice *out, struct arena *a, struct slice text, struct err *e);

// base58 is quadratic: bytes and text are limited to 256 each.
char *base58_text(struct arena *a, struct slice bytes);
[[nodiscard]] bool base58_decode_exact(uint8_t *out, size_t n, struct slice text, struct err *e);
[[nodiscard]] bool base58_decode(uint8_t *out, size_t size, size_t *len, struct slice text, struct err *e);

char *base64_text(struct arena *a, struct slice bytes);
[[nodiscard]] bool base64_decode(struct slice *out, struct arena *a, struct slice text, struct err *e);
