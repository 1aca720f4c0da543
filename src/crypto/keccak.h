// SPDX-License-Identifier: Apache-2.0
// Keccak as Ethereum uses it: the padding of before FIPS 202, which no packaged library of ours offers.
#pragma once
#include "base/slice.h"

// len: 32 (keccak256) or 64 (keccak512)
void keccak(struct slice in, uint8_t *out, size_t len);
