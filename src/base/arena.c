// SPDX-License-Identifier: Apache-2.0
#include "base/arena.h"

#include "base/err.h"
#include <stdalign.h>
#include <stdarg.h>

#define FIRST_BLOCK 4096
#define LARGEST_BLOCK (1u << 20) // a larger allocation gets a block of its own size

struct block {
    struct block *next;
    size_t size, used;
    alignas(max_align_t) uint8_t bytes[];
};

struct arena {
    struct block *head; // the newest; the first one is last in the list
    size_t used;
};

static struct block *block_new(struct block *next, size_t size) {
    size_t total;
    BUG_ON(ckd_add(&total, sizeof(struct block), size));
    struct block *b = xmalloc(total);
    *b = (struct block){.next = next, .size = size};
    return b;
}

struct arena *arena_new(void) {
    struct arena *a = xmalloc(sizeof *a);
    *a = (struct arena){.head = block_new(NULL, FIRST_BLOCK)};
    return a;
}

static void free_blocks(struct block *b, bool wipe) {
    while (b) {
        struct block *next = b->next;
        if (wipe)
            explicit_bzero(b->bytes, b->size);
        free(b);
        b = next;
    }
}

void arena_free(struct arena *a) {
    if (a)
        free_blocks(a->head, false);
    free(a);
}

void arena_free_wiped(struct arena *a) {
    if (a)
        free_blocks(a->head, true);
    free(a);
}

void arena_reset(struct arena *a) {
    while (a->head->next) {
        struct block *b = a->head;
        a->head = b->next;
        free(b);
    }
    a->head->used = 0;
    a->used = 0;
}

size_t arena_used(const struct arena *a) { return a->used; }

void *arena_alloc(struct arena *a, size_t n) {
    size_t align = alignof(max_align_t);
    BUG_ON(n > SIZE_MAX / 2);
    size_t need = (n + align - 1) / align * align;
    struct block *b = a->head;
    if (b->size - b->used < need) {
        size_t size = b->size * 2 < LARGEST_BLOCK ? b->size * 2 : LARGEST_BLOCK;
        b = a->head = block_new(b, need > size ? need : size);
    }
    void *p = b->bytes + b->used;
    b->used += need;
    a->used += need;
    return p;
}

void *arena_calloc(struct arena *a, size_t n, size_t size) {
    size_t total;
    BUG_ON(ckd_mul(&total, n, size));
    return memset(arena_alloc(a, total), 0, total);
}

struct slice arena_copy(struct arena *a, struct slice s) {
    uint8_t *p = arena_alloc(a, s.len);
    if (s.len)
        memcpy(p, s.ptr, s.len);
    return slice_of(p, s.len);
}

char *arena_text(struct arena *a, struct slice s) {
    char *p = arena_alloc(a, s.len + 1);
    if (s.len)
        memcpy(p, s.ptr, s.len);
    p[s.len] = 0;
    return p;
}

char *arena_strdup(struct arena *a, const char *s) { return arena_text(a, slice_str(s)); }

char *arena_printf(struct arena *a, const char *fmt, ...) {
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    BUG_ON(n < 0);
    char *p = arena_alloc(a, (size_t)n + 1);
    vsnprintf(p, (size_t)n + 1, fmt, again);
    va_end(again);
    return p;
}
