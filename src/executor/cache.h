// SPDX-License-Identifier: Apache-2.0
// Precompiled code, kept as files with a MAC: loading forged machine code would be running it. Named by (module's hash,
// price list, engine and settings), least recently used goes first when the folder is over its size. Safe for several
// threads.
#pragma once
#include "base/arena.h"
#include "crypto/hash.h"

struct code_cache;

// dir NULL: nothing is kept on disk. The key is made on first use (mode 0600 in the folder).
[[nodiscard]] bool code_cache_new(struct code_cache **out, const char *dir, uint64_t max_bytes, struct err *e);
void code_cache_free(struct code_cache *c);
// A sealed memory file with the authentic code, *len its size; false when there is none. The caller closes *fd.
bool code_cache_get(struct code_cache *c, const struct hash *wasm, int *fd, uint64_t *len);
// Failure to write is logged only: the code is compiled again next time.
void code_cache_put(struct code_cache *c, const struct hash *wasm, struct slice code);
void code_cache_drop(struct code_cache *c, const struct hash *wasm);
