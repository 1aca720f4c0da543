// SPDX-License-Identifier: Apache-2.0
#include "blobs/blobs.h"

#include "base/file.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

struct blobs {
    char *folder;
    int dir;
    uint64_t max_bytes;
    mode_t mode;           // of what is placed
    pthread_mutex_t mutex; // for all below
    uint64_t bytes, uploads;
};
struct blob_upload {
    struct blobs *blobs;
    int fd;
    char name[64];
    uint64_t size;
    struct sha256 hash;
};

static bool is_hash(const char *name) {
    struct hash h;
    return strlen(name) == 64 && hash_from_hex(&h, slice_str(name), NULL);
}

// Sums up what is there; what a crash left half-written goes.
static bool scan(struct blobs *b, struct err *e) {
    DIR *d = opendir(b->folder);
    struct stat st;
    if (!d)
        return err_errno(e, "cannot read '%s'", b->folder);
    for (struct dirent *x; (x = readdir(d));) {
        if (strncmp(x->d_name, "upload-", 7) == 0)
            unlinkat(b->dir, x->d_name, 0);
        else if (is_hash(x->d_name) && fstatat(b->dir, x->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0)
            b->bytes += (uint64_t)st.st_size;
    }
    closedir(d);
    return true;
}

bool blobs_open(struct blobs **out, const char *folder, uint64_t max_bytes, struct err *e) {
    if (!file_make_dirs(folder, 0700, e))
        return false;
    struct blobs *b = xcalloc(1, sizeof *b);
    b->folder = xstrdup(folder);
    b->max_bytes = max_bytes;
    b->mode = 0600;
    pthread_mutex_init(&b->mutex, NULL);
    b->dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if ((b->dir < 0 && !err_errno(e, "cannot open '%s'", folder)) || !scan(b, e)) {
        blobs_free(b);
        return false;
    }
    *out = b;
    return true;
}

bool blobs_share(struct blobs *b, struct err *e) {
    b->mode = 0644;
    return fchmod(b->dir, 0755) == 0 || err_errno(e, "cannot share '%s'", b->folder);
}

void blobs_free(struct blobs *b) {
    if (!b)
        return;
    if (b->dir >= 0)
        close(b->dir);
    pthread_mutex_destroy(&b->mutex);
    free(b->folder);
    free(b);
}

uint64_t blobs_bytes(struct blobs *b) {
    pthread_mutex_lock(&b->mutex);
    uint64_t n = b->bytes;
    pthread_mutex_unlock(&b->mutex);
    return n;
}

bool blobs_get(struct blobs *b, const struct hash *hash, int *fd, uint64_t *size, struct err *e) {
    char name[65];
    struct stat st;
    *fd = openat(b->dir, hash_hex(hash, name), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (*fd < 0)
        return err_set(e, ERR_NOT_FOUND, "there is no module %s", name);
    futimens(*fd, NULL); // its last use
    if (fstat(*fd, &st) != 0) {
        close(*fd);
        return err_errno(e, "module %s", name);
    }
    *size = (uint64_t)st.st_size;
    return true;
}

bool blobs_has(struct blobs *b, const struct hash *hash, uint64_t *size) {
    char name[65];
    struct stat st;
    bool there = fstatat(b->dir, hash_hex(hash, name), &st, AT_SYMLINK_NOFOLLOW) == 0;
    *size = there ? (uint64_t)st.st_size : 0;
    return there;
}

void blobs_remove(struct blobs *b, const struct hash *hash) {
    char name[65];
    struct stat st;
    hash_hex(hash, name);
    pthread_mutex_lock(&b->mutex);
    if (fstatat(b->dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && unlinkat(b->dir, name, 0) == 0) {
        uint64_t size = (uint64_t)st.st_size;
        b->bytes -= size < b->bytes ? size : b->bytes;
    }
    pthread_mutex_unlock(&b->mutex);
}

// --- uploads -------------------------------------------------------------------------------------------------------

bool blob_begin(struct blobs *b, struct blob_upload **out, struct err *e) {
    struct blob_upload *u = xcalloc(1, sizeof *u);
    u->blobs = b;
    sha256_init(&u->hash);
    pthread_mutex_lock(&b->mutex);
    uint64_t n = b->uploads++;
    pthread_mutex_unlock(&b->mutex);
    snprintf(u->name, sizeof u->name, "upload-%" PRIu64, n);
    u->fd = openat(b->dir, u->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (u->fd < 0) {
        err_errno(e, "cannot store a module");
        free(u);
        return false;
    }
    *out = u;
    return true;
}

bool blob_add(struct blob_upload *u, struct slice piece, struct err *e) {
    u->size += piece.len;
    if (u->size > MODULE_BYTES_MAX)
        return err_set(e, ERR_TOO_LARGE, "a module has at most %u bytes", MODULE_BYTES_MAX);
    sha256_add(&u->hash, piece);
    return file_write_all(u->fd, piece, e);
}

void blob_drop(struct blob_upload *u) {
    if (!u)
        return;
    close(u->fd);
    unlinkat(u->blobs->dir, u->name, 0);
    free(u);
}

// The least recently used module but `keep`. false: there is no other.
static bool oldest(struct blobs *b, const char *keep, char out[static 65], uint64_t *size) {
    DIR *d = opendir(b->folder);
    struct stat st;
    struct timespec when = {0};
    bool found = false;
    for (struct dirent *x; d && (x = readdir(d));) {
        if (!is_hash(x->d_name) || strcmp(x->d_name, keep) == 0 || fstatat(b->dir, x->d_name, &st, 0) != 0)
            continue;
        bool older =
            st.st_mtim.tv_sec < when.tv_sec || (st.st_mtim.tv_sec == when.tv_sec && st.st_mtim.tv_nsec < when.tv_nsec);
        if (found && !older)
            continue;
        found = true;
        when = st.st_mtim;
        *size = (uint64_t)st.st_size;
        memcpy(out, x->d_name, 65);
    }
    if (d)
        closedir(d);
    return found;
}

// With the mutex held. The one just placed stays.
static void evict(struct blobs *b, const char *keep) {
    char name[65];
    uint64_t size = 0;
    while (b->bytes > b->max_bytes && oldest(b, keep, name, &size)) {
        if (unlinkat(b->dir, name, 0) != 0)
            return;
        b->bytes -= size < b->bytes ? size : b->bytes;
    }
}

static bool place(struct blob_upload *u, const char *name, struct err *e) {
    struct blobs *b = u->blobs;
    struct stat st;
    if (fchmod(u->fd, b->mode) != 0 || fsync(u->fd) != 0)
        return err_errno(e, "cannot store module %s", name);
    pthread_mutex_lock(&b->mutex);
    bool there = fstatat(b->dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
    bool ok = renameat(b->dir, u->name, b->dir, name) == 0 && fsync(b->dir) == 0;
    if (!ok) {
        err_errno(e, "cannot store module %s", name);
    } else if (!there) {
        b->bytes += u->size;
        evict(b, name);
    }
    pthread_mutex_unlock(&b->mutex);
    return ok;
}

bool blob_place(struct blob_upload *u, const struct hash *want, uint64_t *size, struct err *e) {
    struct hash got = sha256_end(&u->hash);
    char name[65], other[65];
    hash_hex(want, name);
    *size = u->size;
    if (!hash_eq(&got, want)) {
        err_set(e, ERR_INVALID, "the module's SHA-256 is %s, not %s", hash_hex(&got, other), name);
        blob_drop(u);
        return err_hint(e, "send the bytes whose hash you name");
    }
    if (!place(u, name, e)) {
        blob_drop(u);
        return false;
    }
    close(u->fd);
    free(u);
    return true;
}
