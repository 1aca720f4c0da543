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
#include <sys/stat.h>

#define CODE_MAX (512u << 20)
#define IN_MEMORY 32 // authentic code kept open for the next run
#define MAC_BYTES crypto_auth_hmacsha256_BYTES

struct entry {
    struct hash wasm;
    int fd; // -1: free
    uint64_t len, used_at;
};

struct code_cache {
    struct arena *arena;
    const char *dir;
    uint64_t max_bytes;
    uint8_t key[crypto_auth_hmacsha256_KEYBYTES];
    pthread_mutex_t lock; // guards what follows
    struct entry entries[IN_MEMORY];
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
    c->max_bytes = max_bytes;
    pthread_mutex_init(&c->lock, NULL);
    for (size_t i = 0; i < IN_MEMORY; i++)
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
    for (size_t i = 0; i < IN_MEMORY; i++)
        if (c->entries[i].fd >= 0)
            close(c->entries[i].fd);
    sodium_memzero(c->key, sizeof c->key);
    pthread_mutex_destroy(&c->lock);
    arena_free(c->arena);
    free(c);
}

static const char *path_of(struct arena *a, const struct code_cache *c, const struct hash *wasm) {
    char hex[65];
    return arena_printf(a, "%s/%s.%s.%s", c->dir, hash_hex(wasm, hex), meter_prices_version(&meter_prices_outlayer),
                        engine_version());
}

// The MAC covers the name, so that a file cannot stand in for another one's code.
static void mac(const struct code_cache *c, const char *path, struct slice code, uint8_t out[static MAC_BYTES]) {
    const char *name = strrchr(path, '/') + 1;
    crypto_auth_hmacsha256_state s;
    crypto_auth_hmacsha256_init(&s, c->key, sizeof c->key);
    crypto_auth_hmacsha256_update(&s, (const uint8_t *)name, strlen(name) + 1);
    crypto_auth_hmacsha256_update(&s, code.ptr, code.len);
    crypto_auth_hmacsha256_final(&s, out);
}

static void keep(struct code_cache *c, const struct hash *wasm, int fd, uint64_t len) {
    struct entry *victim = &c->entries[0];
    for (size_t i = 0; i < IN_MEMORY; i++) {
        struct entry *n = &c->entries[i];
        if (n->fd >= 0 && hash_eq(&n->wasm, wasm))
            return;
        if (n->fd < 0 || (victim->fd >= 0 && n->used_at < victim->used_at))
            victim = n;
    }
    if (victim->fd >= 0)
        close(victim->fd);
    *victim = (struct entry){*wasm, fcntl(fd, F_DUPFD_CLOEXEC, 0), len, ++c->clock};
}

static bool from_memory(struct code_cache *c, const struct hash *wasm, int *fd, uint64_t *len) {
    for (size_t i = 0; i < IN_MEMORY; i++) {
        struct entry *n = &c->entries[i];
        if (n->fd < 0 || !hash_eq(&n->wasm, wasm))
            continue;
        n->used_at = ++c->clock;
        *len = n->len;
        *fd = fcntl(n->fd, F_DUPFD_CLOEXEC, 0);
        return *fd >= 0;
    }
    return false;
}

static bool from_disk(struct code_cache *c, const struct hash *wasm, int *fd, uint64_t *len) {
    SCOPED_ARENA(a);
    const char *path = path_of(a, c, wasm);
    struct slice file;
    uint8_t want[MAC_BYTES];
    if (!file_read(a, path, CODE_MAX, &file, NULL) || file.len <= MAC_BYTES)
        return false;
    struct slice code = slice_skip(file, MAC_BYTES);
    mac(c, path, code, want);
    if (sodium_memcmp(want, file.ptr, MAC_BYTES) != 0) {
        log_warn("precompiled code %s is not ours: compiling again", path);
        unlink(path);
        return false;
    }
    *len = code.len;
    utimensat(AT_FDCWD, path, NULL, 0); // used now
    return wire_memfd("code", &code, 1, fd, NULL);
}

bool code_cache_get(struct code_cache *c, const struct hash *wasm, int *fd, uint64_t *len) {
    pthread_mutex_lock(&c->lock);
    bool ok = from_memory(c, wasm, fd, len);
    if (!ok && c->dir && from_disk(c, wasm, fd, len)) {
        keep(c, wasm, *fd, *len);
        ok = true;
    }
    pthread_mutex_unlock(&c->lock);
    return ok;
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

// Removes the least recently used files until the folder fits; the newest always stays.
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

void code_cache_put(struct code_cache *c, const struct hash *wasm, struct slice code) {
    SCOPED_ARENA(a);
    struct err e;
    int fd;
    pthread_mutex_lock(&c->lock);
    if (c->dir) {
        const char *path = path_of(a, c, wasm);
        uint8_t *file = arena_alloc(a, MAC_BYTES + code.len);
        memcpy(file + MAC_BYTES, code.ptr, code.len);
        mac(c, path, code, file);
        if (file_write_atomic(path, slice_of(file, MAC_BYTES + code.len), 0600, &e))
            evict(c);
        else
            log_err(LOG_WARN, "precompiled code is not kept", &e);
    }
    if (wire_memfd("code", &code, 1, &fd, NULL)) {
        keep(c, wasm, fd, code.len);
        close(fd);
    }
    pthread_mutex_unlock(&c->lock);
}

void code_cache_drop(struct code_cache *c, const struct hash *wasm) {
    SCOPED_ARENA(a);
    pthread_mutex_lock(&c->lock);
    for (size_t i = 0; i < IN_MEMORY; i++) {
        if (c->entries[i].fd >= 0 && hash_eq(&c->entries[i].wasm, wasm)) {
            close(c->entries[i].fd);
            c->entries[i].fd = -1;
        }
    }
    if (c->dir)
        unlink(path_of(a, c, wasm));
    pthread_mutex_unlock(&c->lock);
}
