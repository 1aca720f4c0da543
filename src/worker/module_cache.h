// SPDX-License-Identifier: Apache-2.0
// This worker's modules and their build records on disk: DIR/<wasm hash>.wasm and DIR/<build key>.json. The least
// recently used goes first. What is read is checked by the caller like what comes from elsewhere, but for the bytes'
// hash, which is checked here. Safe for several threads.
#pragma once
#include "protocol/build_record.h"

// false: not there, or damaged (then removed).
bool module_cache_record(const char *dir, struct arena *a, const struct hash *build_key, struct build_record *out);
bool module_cache_wasm(const char *dir, struct arena *a, const struct hash *wasm_hash, struct slice *out);
// The records that were used last, so many at most, that one first; how many. Texts in `a`.
size_t module_cache_recent(const char *dir, struct arena *a, struct build_record *out, size_t most);
// Failures are logged only: the module is fetched or built again.
void module_cache_save(const char *dir, struct arena *a, uint64_t max_bytes, const struct build_record *r,
                       struct slice wasm);
