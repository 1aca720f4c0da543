// SPDX-License-Identifier: Apache-2.0
#include "worker/module_cache.h"

#include "base/file.h"
#include "base/log.h"
#include "builder/build.h"
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#define RECORD_FILE_MAX 16384
#define FILES_MAX 65536

static char *path_of(const char *dir, struct arena *a, const struct hash *h, const char *ending) {
    char hex[65];
    return arena_printf(a, "%s/%s%s", dir, hash_hex(h, hex), ending);
}

static void used_now(const char *path) { (void)!utimensat(AT_FDCWD, path, NULL, 0); }

bool module_cache_record(const char *dir, struct arena *a, const struct hash *build_key, struct build_record *out) {
    const char *path = path_of(dir, a, build_key, ".json");
    struct slice text;
    if (!file_read(a, path, RECORD_FILE_MAX, &text, NULL))
        return false;
    SCOPED_JSON(j) = json_parse(text, RECORD_FILE_MAX, NULL);
    if (!j || !record_parse(out, a, j, NULL)) {
        unlink(path);
        return false;
    }
    used_now(path);
    return true;
}

bool module_cache_wasm(const char *dir, struct arena *a, const struct hash *wasm_hash, struct slice *out) {
    const char *path = path_of(dir, a, wasm_hash, ".wasm");
    if (!file_read(a, path, BUILD_WASM_MAX, out, NULL))
        return false;
    struct hash got = sha256(*out);
    if (!hash_eq(&got, wasm_hash)) {
        log_warn("the cached module '%s' is damaged and removed", path);
        unlink(path);
        return false;
    }
    used_now(path);
    return true;
}

struct file {
    const char *path;
    uint64_t size, used;
};

static int older_first(const void *a, const void *b) {
    const struct file *x = a, *y = b;
    return (x->used > y->used) - (x->used < y->used);
}

static size_t list(const char *dir, struct arena *a, struct file **out, uint64_t *bytes) {
    DIR *d = opendir(dir);
    size_t n = 0;
    struct stat st;
    *out = arena_alloc(a, FILES_MAX * sizeof **out);
    *bytes = 0;
    if (!d)
        return 0;
    for (struct dirent *one; (one = readdir(d)) && n < FILES_MAX;) {
        if (fstatat(dirfd(d), one->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode))
            continue;
        uint64_t used = (uint64_t)st.st_mtim.tv_sec * 1000000000ull + (uint64_t)st.st_mtim.tv_nsec;
        (*out)[n++] = (struct file){arena_printf(a, "%s/%s", dir, one->d_name), (uint64_t)st.st_size, used};
        *bytes += (uint64_t)st.st_size;
    }
    closedir(d);
    return n;
}

static void make_room(const char *dir, uint64_t max_bytes) {
    SCOPED_ARENA(a);
    struct file *files;
    uint64_t bytes;
    size_t n = list(dir, a, &files, &bytes);
    if (bytes <= max_bytes && n < FILES_MAX / 2)
        return;
    qsort(files, n, sizeof *files, older_first);
    for (size_t i = 0; i < n && (bytes > max_bytes || n - i >= FILES_MAX / 2); i++) {
        unlink(files[i].path);
        bytes -= files[i].size;
    }
}

static bool is_record(const char *path) {
    size_t n = strlen(path);
    return n > 5 && strcmp(path + n - 5, ".json") == 0;
}

size_t module_cache_recent(const char *dir, struct arena *a, struct build_record *out, size_t most) {
    SCOPED_ARENA(own);
    struct file *files;
    uint64_t bytes;
    size_t n = list(dir, own, &files, &bytes), found = 0;
    qsort(files, n, sizeof *files, older_first);
    while (n-- && found < most) {
        struct slice text;
        if (!is_record(files[n].path) || !file_read(a, files[n].path, RECORD_FILE_MAX, &text, NULL))
            continue;
        SCOPED_JSON(j) = json_parse(text, RECORD_FILE_MAX, NULL);
        found += j && record_parse(&out[found], a, j, NULL);
    }
    return found;
}

// The module first: a record whose module is missing would be a promise not kept.
void module_cache_save(const char *dir, struct arena *a, uint64_t max_bytes, const struct build_record *r,
                       struct slice wasm) {
    struct err e;
    SCOPED_JSON(j) = record_json(a, r);
    if (!file_write_atomic(path_of(dir, a, &r->wasm_hash, ".wasm"), wasm, 0600, &e) ||
        !file_write_atomic(path_of(dir, a, &r->build_key, ".json"), slice_str(json_text(a, j)), 0600, &e))
        log_err(LOG_WARN, "a module could not be cached", &e);
    make_room(dir, max_bytes);
}
