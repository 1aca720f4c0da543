// SPDX-License-Identifier: Apache-2.0
// An arena: memory of one request or one job, freed whole. Not for threads: one arena has one user at a time.
#pragma once
#include "base/slice.h"

struct arena;

struct arena *arena_new(void);
void arena_free(struct arena *a);         // NULL is fine
void arena_free_wiped(struct arena *a);   // for what may hold secrets: overwritten before it goes back
void arena_reset(struct arena *a);        // empties it, keeps its first block
size_t arena_used(const struct arena *a); // bytes handed out since the start or the last reset

// All of them live until the arena is freed; zeroed where it says calloc; abort when the machine has no memory.
void *arena_alloc(struct arena *a, size_t n); // aligned for any type
void *arena_calloc(struct arena *a, size_t n, size_t size);
char *arena_strdup(struct arena *a, const char *s);
char *arena_text(struct arena *a, struct slice s); // a copy with a NUL behind
struct slice arena_copy(struct arena *a, struct slice s);
char *arena_printf(struct arena *a, const char *fmt, ...) PRINTF_LIKE(2, 3);

static inline void arena_cleanup_(struct arena **a) { arena_free(*a); }
// An arena that is freed when the block ends.
#define SCOPED_ARENA(name) __attribute__((cleanup(arena_cleanup_))) struct arena *name = arena_new()
