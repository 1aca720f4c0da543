// SPDX-License-Identifier: Apache-2.0
// Precompiled code, kept as files with a MAC: loading forged machine code would be running it. Named by (module's hash,
// price list, engine and settings), least recently used goes first when the folder is over its size. A file is looked
// through once, when it is opened; from then on its descriptor is handed out, so that code takes no memory of its own,
// only what the system may take back. What cannot be written is kept in sealed memory files, within CODE_MEMORY_MAX.
// Safe for several threads: no lock is held while a file is read, written or hashed.
#pragma once
#include "base/arena.h"
#include "crypto/hash.h"

#define CODE_MEMORY_MAX (256ull << 20) // memory files together; one alone may be larger

struct code_cache;

// dir NULL: nothing is kept on disk. The key is made on first use (mode 0600 in the folder).
[[nodiscard]] bool code_cache_new(struct code_cache **out, const char *dir, uint64_t max_bytes, struct err *e);
void code_cache_free(struct code_cache *c);
// A descriptor of the authentic code, which begins at its start, *len its size; false when none is open. Touches no
// disk. The caller closes *fd.
bool code_cache_find(struct code_cache *c, const struct hash *wasm, int *fd, uint64_t *len);
// The same, opened and authenticated where it is on disk only.
bool code_cache_load(struct code_cache *c, const struct hash *wasm, int *fd, uint64_t *len);
// Keeps the code and gives a descriptor of it, whether it could be written or not (then it is compiled again some
// time).
[[nodiscard]] bool code_cache_put(struct code_cache *c, const struct hash *wasm, struct slice code, int *fd,
                                  struct err *e);
void code_cache_drop(struct code_cache *c, const struct hash *wasm);
