// SPDX-License-Identifier: Apache-2.0
#include "executor/cache.h"

#include "base/file.h"
#include "base/log.h"
#include "executor/wire.h"
#include "wasm/engine.h"
#include "wasm/meter.h"
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sodium.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define CODE_MAX (512u << 20)
#define OPEN_MAX 64 // authentic code kept open for the next run
#define MAC_BYTES crypto_auth_hmacsha256_BYTES

struct entry {
    struct hash wasm;
    int fd;                         // -1: free
    bool memory;                    // a memory file
    uint64_t len, used_at, told_at; // told_at: used_at as the folder shows it
};

struct code_cache {
    struct arena *arena; // of the names here; nobody allocates in it after the start
    const char *dir;
    uint64_t max_bytes;
    uint8_t key[crypto_auth_hmacsha256_KEYBYTES];
    pthread_mutex_t folder; // one thread at a time writes into it and makes room; nobody who reads takes it
    pthread_mutex_t lock;   // guards what follows, and is never held over the disk
    struct entry entries[OPEN_MAX];
    uint64_t clock;
};

static bool load_key(struct code_cache *c, struct err *e) {
    const char *path = arena_printf(c->arena, "%s/key", c->dir);
    struct slice text;
    struct err missing;
    if (file_read_secret(c->arena, path, 64, &text, &missing)) {
        if (text.len != sizeof c->key)
            return err_set(e, ERR_CORRUPT, "'%s' is not a key of %zu bytes", path, sizeof c->key);
        memcpy(c->key, text.ptr, sizeof c->key);
        return true;
    }
    if (missing.code != ERR_NOT_FOUND)
        return err_set(e, missing.code, "%s", missing.msg);
    random_bytes(c->key, sizeof c->key);
    return file_write_atomic(path, slice_of(c->key, sizeof c->key), 0600, e);
}

bool code_cache_new(struct code_cache **out, const char *dir, uint64_t max_bytes, struct err *e) {
    struct code_cache *c = xcalloc(1, sizeof *c);
    c->arena = arena_new();
    c->dir = dir ? arena_strdup(c->arena, dir) : NULL;
    c->max_bytes = dir ? max_bytes : UINT64_MAX;
    pthread_mutex_init(&c->lock, NULL);
    pthread_mutex_init(&c->folder, NULL);
    for (size_t i = 0; i < OPEN_MAX; i++)
        c->entries[i].fd = -1;
    if (dir && (!file_make_dirs(dir, 0700, e) || !load_key(c, e))) {
        code_cache_free(c);
        return false;
    }
    *out = c;
    return true;
}

void code_cache_free(struct code_cache *c) {
    if (!c)
        return;
    for (size_t i = 0; i < OPEN_MAX; i++)
        if (c->entries[i].fd >= 0)
            close(c->entries[i].fd);
    sodium_memzero(c->key, sizeof c->key);
    pthread_mutex_destroy(&c->lock);
    pthread_mutex_destroy(&c->folder);
    arena_free(c->arena);
    free(c);
}

// --- what is open

static void release(struct entry *n) {
    close(n->fd);
    *n = (struct entry){.fd = -1};
}

// With the lock held: a free place. Descriptors pin what was removed from the disk, so they count by their bytes, too.
static struct entry *make_place(struct code_cache *c, uint64_t len, bool memory) {
    for (;;) {
        struct entry *oldest = NULL, *free = NULL;
        uint64_t total = len, in_memory = memory ? len : 0;
        for (struct entry *n = c->entries; n < c->entries + OPEN_MAX; n++) {
            if (n->fd < 0)
                free = n;
            else if (!oldest || n->used_at < oldest->used_at)
                oldest = n;
            total += n->len;
            in_memory += n->memory ? n->len : 0;
        }
        if (free && ((total <= c->max_bytes && in_memory <= CODE_MEMORY_MAX) || !oldest))
            return free;
        release(oldest);
    }
}

// Keeps a descriptor of its own.
static void keep(struct code_cache *c, const struct hash *wasm, int fd, uint64_t len, bool memory) {
    int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (own < 0)
        return;
    pthread_mutex_lock(&c->lock);
    for (size_t i = 0; i < OPEN_MAX; i++)
        if (c->entries[i].fd >= 0 && hash_eq(&c->entries[i].wasm, wasm))
            release(&c->entries[i]);
    *make_place(c, len, memory) = (struct entry){*wasm, own, memory, len, ++c->clock, 0};
    pthread_mutex_unlock(&c->lock);
}

bool code_cache_find(struct code_cache *c, const struct hash *wasm, int *fd, uint64_t *len) {
    *fd = -1;
    pthread_mutex_lock(&c->lock);
    for (size_t i = 0; i < OPEN_MAX && *fd < 0; i++) {
        struct entry *n = &c->entries[i];
        if (n->fd < 0 || !hash_eq(&n->wasm, wasm))
            continue;
        n->used_at = ++c->clock;
        *len = n->len;
        *fd = fcntl(n->fd, F_DUPFD_CLOEXEC, 0);
    }
    pthread_mutex_unlock(&c->lock);
    return *fd >= 0;
}

// --- what is on disk: the code, and behind it the MAC

static const char *path_of(struct arena *a, const struct code_cache *c, const struct hash *wasm) {
    char hex[65];
    return arena_printf(a, "%s/%s.%s.%s.code", c->dir, hash_hex(wasm, hex),
                        meter_prices_version(&meter_prices_outlayer), engine_version());
}

// The MAC covers the name, so that a file cannot stand in for another one's code.
static void mac(const struct code_cache *c, const char *path, struct slice code, uint8_t out[static MAC_BYTES]) {
    const char *name = strrchr(path, '/') + 1;
    struct hash h = sha256(code);
    crypto_auth_hmacsha256_state s;
    crypto_auth_hmacsha256_init(&s, c->key, sizeof c->key);
    crypto_auth_hmacsha256_update(&s, (const uint8_t *)name, strlen(name) + 1);
    crypto_auth_hmacsha256_update(&s, h.b, sizeof h.b);
    crypto_auth_hmacsha256_final(&s, out);
}

static bool is_authentic(const struct code_cache *c, const char *path, int fd, uint64_t len) {
    uint8_t want[MAC_BYTES];
    const uint8_t *p = mmap(NULL, len + MAC_BYTES, PROT_READ, MAP_PRIVATE, fd, 0);
    if (p == MAP_FAILED)
        return false;
    mac(c, path, slice_of(p, len), want);
    bool same = sodium_memcmp(want, p + len, MAC_BYTES) == 0;
    munmap((void *)(uintptr_t)p, len + MAC_BYTES);
    return same;
}

static bool open_file(const struct code_cache *c, const char *path, int *fd, uint64_t *len) {
    struct stat st;
    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (*fd < 0)
        return false;
    if (fstat(*fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > (off_t)MAC_BYTES && st.st_size <= CODE_MAX &&
        is_authentic(c, path, *fd, *len = (uint64_t)st.st_size - MAC_BYTES)) {
        utimensat(AT_FDCWD, path, NULL, 0); // used now
        return true;
    }
    log_warn("precompiled code %s is not ours: compiling again", path);
    unlink(path);
    close(*fd);
    *fd = -1;
    return false;
}

bool code_cache_load(struct code_cache *c, const struct hash *wasm, int *fd, uint64_t *len) {
    SCOPED_ARENA(a);
    if (code_cache_find(c, wasm, fd, len))
        return true;
    if (!c->dir || !open_file(c, path_of(a, c, wasm), fd, len))
        return false;
    keep(c, wasm, *fd, *len, false);
    return true;
}

struct old_file {
    char name[256];
    struct timespec used;
    uint64_t size;
};

static int older_first(const void *a, const void *b) {
    const struct old_file *x = a, *y = b;
    if (x->used.tv_sec != y->used.tv_sec)
        return x->used.tv_sec < y->used.tv_sec ? -1 : 1;
    return x->used.tv_nsec < y->used.tv_nsec ? -1 : x->used.tv_nsec > y->used.tv_nsec;
}

// The folder sees when a file is opened, not that it stays open and is used: it is told before something is removed.
static void tell_uses(struct code_cache *c) {
    int used[OPEN_MAX];
    size_t n = 0;
    pthread_mutex_lock(&c->lock);
    for (struct entry *x = c->entries; x < c->entries + OPEN_MAX; x++) {
        if (x->fd < 0 || x->memory || x->told_at == x->used_at)
            continue;
        x->told_at = x->used_at;
        used[n++] = fcntl(x->fd, F_DUPFD_CLOEXEC, 0);
    }
    pthread_mutex_unlock(&c->lock);
    while (n--)
        if (used[n] >= 0) {
            (void)!futimens(used[n], NULL);
            close(used[n]);
        }
}

// Removes the least recently used files until it fits; the newest always stays. With the folder's lock held.
static void evict(struct code_cache *c) {
    SCOPED_ARENA(a);
    DIR *d = opendir(c->dir);
    size_t count = 0, room = 64;
    struct old_file *files = xcalloc(room, sizeof *files);
    uint64_t total = 0;
    struct stat st;
    for (struct dirent *n; d && (n = readdir(d));) {
        if (n->d_name[0] == '.' || strcmp(n->d_name, "key") == 0 ||
            stat(arena_printf(a, "%s/%s", c->dir, n->d_name), &st) != 0)
            continue;
        if (count == room)
            files = xrealloc(files, (room *= 2) * sizeof *files);
        snprintf(files[count].name, sizeof files[count].name, "%s", n->d_name);
        files[count].used = st.st_mtim;
        files[count++].size = (uint64_t)st.st_size;
        total += (uint64_t)st.st_size;
    }
    if (d)
        closedir(d);
    qsort(files, count, sizeof *files, older_first);
    for (size_t i = 0; i + 1 < count && total > c->max_bytes; i++) {
        if (unlink(arena_printf(a, "%s/%s", c->dir, files[i].name)) == 0)
            total -= files[i].size;
    }
    free(files);
}

static bool write_file(struct code_cache *c, const char *path, struct slice code, int *fd, struct err *e) {
    SCOPED_ARENA(a);
    uint8_t *file = arena_alloc(a, code.len + MAC_BYTES);
    memcpy(file, code.ptr, code.len);
    mac(c, path, code, file + code.len);
    pthread_mutex_lock(&c->folder);
    tell_uses(c);
    bool ok = file_write_atomic(path, slice_of(file, code.len + MAC_BYTES), 0400, e);
    if (ok && (*fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)) < 0)
        ok = err_errno(e, "cannot open '%s'", path);
    if (ok)
        evict(c);
    pthread_mutex_unlock(&c->folder);
    return ok;
}

bool code_cache_put(struct code_cache *c, const struct hash *wasm, struct slice code, int *fd, struct err *e) {
    SCOPED_ARENA(a);
    struct err writing;
    bool written = c->dir && write_file(c, path_of(a, c, wasm), code, fd, &writing);
    if (c->dir && !written)
        log_err(LOG_WARN, "precompiled code is not kept", &writing);
    if (!written && !wire_memfd("code", &code, 1, fd, e))
        return false;
    keep(c, wasm, *fd, code.len, !written);
    return true;
}

void code_cache_drop(struct code_cache *c, const struct hash *wasm) {
    SCOPED_ARENA(a);
    pthread_mutex_lock(&c->lock);
    for (size_t i = 0; i < OPEN_MAX; i++)
        if (c->entries[i].fd >= 0 && hash_eq(&c->entries[i].wasm, wasm))
            release(&c->entries[i]);
    pthread_mutex_unlock(&c->lock);
    if (!c->dir)
        return;
    pthread_mutex_lock(&c->folder);
    unlink(path_of(a, c, wasm));
    pthread_mutex_unlock(&c->folder);
}
