// SPDX-License-Identifier: Apache-2.0
// What is asked of P-256 numbers before a back end sees them, so that all back ends refuse the same ones: integers
// only, about 12,000 WebAssembly operators for a key.
#pragma once
#include <stdbool.h>
#include <stdint.h>

// Whether x and y (big endian) are below the field's prime and y² = x³ - 3x + b. The cofactor is 1 and the point at
// infinity has no such form, so that this is all there is to check.
[[nodiscard]] bool dcap_p256_on_curve(const uint8_t key[64]);
// The key as hosts and libraries take it in 33 bytes: the parity of y, then x. A back end reads the point of that
// parity back, so a y that is not the one of x must have been refused before.
void dcap_p256_compress(uint8_t out[33], const uint8_t key[64]);
// Whether r and s (big endian, 32 bytes each) are at least 1 and below the group's order.
[[nodiscard]] bool dcap_p256_in_range(const uint8_t signature[64]);
