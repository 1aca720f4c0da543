// SPDX-License-Identifier: Apache-2.0
// What is named by the SHA-256 of its bytes (modules, locks, downloads), as files in one folder, at most so many bytes
// of them: the least recently used go first (a file's time of change is its last use), before another is placed, and
// never one that somebody reads. A file is there whole or not at all, and is hashed on its way in and, once and after
// each change of the file, on its way out. Safe from several threads, and between processes that share the folder.
#pragma once
#include "crypto/hash.h"

#define MODULE_BYTES_MAX (64u << 20)

struct blobs;
[[nodiscard]] bool blobs_open(struct blobs **out, const char *folder, uint64_t max_bytes, struct err *e);
void blobs_free(struct blobs *b); // NULL is fine
// From here on everybody who is shown the folder may read what is in it, such as a box that it is mounted into.
[[nodiscard]] bool blobs_share(struct blobs *b, struct err *e);
// From here on other processes place files in the folder, too: the limit is of all of them together. What they placed
// at the same moment may be over it until the next of them has placed its own.
void blobs_expect_others(struct blobs *b);
uint64_t blobs_bytes(struct blobs *b);

// An open descriptor, for the caller to close: until then the file does not go. ERR_NOT_FOUND, also for what is
// damaged, which is removed.
[[nodiscard]] bool blobs_get(struct blobs *b, const struct hash *hash, int *fd, uint64_t *size, struct err *e);
bool blobs_has(struct blobs *b, const struct hash *hash, uint64_t *size);
// For what is damaged: the next who has it whole places it again.
void blobs_remove(struct blobs *b, const struct hash *hash);

// One being written. Ends with blob_place or blob_drop.
struct blob_upload;
[[nodiscard]] bool blob_begin(struct blobs *b, struct blob_upload **out, struct err *e);
[[nodiscard]] bool blob_add(struct blob_upload *u, struct slice piece, struct err *e);
// Only when its hash is this one: ERR_INVALID otherwise. ERR_UNAVAILABLE: there is no room but for what is being read.
// Frees it in any case.
[[nodiscard]] bool blob_place(struct blob_upload *u, const struct hash *want, uint64_t *size, struct err *e);
void blob_drop(struct blob_upload *u); // NULL is fine
