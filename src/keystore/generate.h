// SPDX-License-Identifier: Apache-2.0
// Secrets that are made inside the keystore and never leave it readable but to a guest.
//   hex16, hex32, hex64   that many random bytes in hexadecimal
//   ed25519               "ed25519:" and the base58 of a 32-byte seed
//   ed25519_seed          32 bytes in hexadecimal
//   password, password:N  N (32; 8 to 256) of A-Z a-z 0-9
#pragma once
#include "base/arena.h"
#include "base/err.h"
#include "secrets/values.h"

// ERR_INVALID for an unknown type.
[[nodiscard]] bool secret_type_check(const char *type, struct err *e);
// *out is in `a`: free it wiped. ERR_INVALID for an unknown type.
[[nodiscard]] bool secret_generate(struct arena *a, const char *type, const char **out, struct err *e);
