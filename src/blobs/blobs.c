// SPDX-License-Identifier: Apache-2.0
// How nothing goes that somebody needs, and nothing stays that nobody needs, whichever process ends at whatever moment:
// the kernel keeps locks (flock) with open descriptors. Who writes an upload holds it alone; what is an upload and can
// be locked was left by somebody who is gone. Who reads a file shares it; what is evicted is locked alone before.
#include "blobs/blobs.h"

#include "base/file.h"
#include "base/log.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEEN 4096
#define USE_COARSE_S 10 // with others: each note of a use makes them hash the file once more

struct blobs {
    char *folder;
    int dir;
    uint64_t max_bytes;
    mode_t mode;           // of what is placed
    bool others;           // place files here, too, so that `bytes` is not believed
    pthread_mutex_t mutex; // for all below
    uint64_t bytes;
    struct seen { // was whole when it was looked at, and has not been changed since
        struct hash hash;
        ino_t inode;
        struct timespec changed; // which nobody can set
    } seen[SEEN];
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

// Removes a file that nobody holds. false: somebody does, or it cannot be removed.
static bool remove_free(struct blobs *b, const char *name) {
    int fd = openat(b->dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    bool gone = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 && unlinkat(b->dir, name, 0) == 0;
    if (fd >= 0)
        close(fd);
    return gone;
}

struct kept {
    char name[65];
    uint64_t size;
    struct timespec used;
};

static int oldest_first(const void *a, const void *b) {
    const struct kept *x = a, *y = b;
    if (x->used.tv_sec != y->used.tv_sec)
        return x->used.tv_sec > y->used.tv_sec ? 1 : -1;
    return (x->used.tv_nsec > y->used.tv_nsec) - (x->used.tv_nsec < y->used.tv_nsec);
}

static void add_kept(struct arena *a, struct kept **list, size_t *count, size_t *room, const struct kept *one) {
    if (*count == *room) {
        struct kept *more = arena_alloc(a, (*room = *room ? 2 * *room : 64) * sizeof *more);
        if (*count)
            memcpy(more, *list, *count * sizeof *more);
        *list = more;
    }
    (*list)[(*count)++] = *one;
}

// What is there, oldest use first, in `a`; what a crash left half-written goes.
static bool scan(struct blobs *b, struct arena *a, struct kept **list, size_t *count, struct err *e) {
    DIR *d = opendir(b->folder);
    struct stat st;
    size_t room = 0;
    *list = NULL;
    *count = 0;
    if (!d)
        return err_errno(e, "cannot read '%s'", b->folder);
    for (struct dirent *x; (x = readdir(d));) {
        if (strncmp(x->d_name, "upload-", 7) == 0) {
            (void)!remove_free(b, x->d_name);
        } else if (is_hash(x->d_name) && fstatat(b->dir, x->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
            struct kept one = {.size = (uint64_t)st.st_size, .used = st.st_mtim};
            memcpy(one.name, x->d_name, sizeof one.name);
            add_kept(a, list, count, &room, &one);
        }
    }
    closedir(d);
    if (*count)
        qsort(*list, *count, sizeof **list, oldest_first);
    return true;
}

static uint64_t sum(const struct kept *list, size_t count) {
    uint64_t bytes = 0;
    for (size_t i = 0; i < count; i++)
        bytes += list[i].size;
    return bytes;
}

static bool count_all(struct blobs *b, struct err *e) {
    SCOPED_ARENA(a);
    struct kept *list;
    size_t count;
    if (!scan(b, a, &list, &count, e))
        return false;
    b->bytes = sum(list, count);
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
    if ((b->dir < 0 && !err_errno(e, "cannot open '%s'", folder)) || !count_all(b, e)) {
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

void blobs_expect_others(struct blobs *b) { b->others = true; }

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

static bool has_hash(int fd, const struct hash *want) {
    uint8_t piece[65536];
    struct sha256 sha;
    ssize_t n;
    sha256_init(&sha);
    for (off_t at = 0; (n = pread(fd, piece, sizeof piece, at)) > 0; at += n)
        sha256_add(&sha, slice_of(piece, (size_t)n));
    struct hash got = sha256_end(&sha);
    return n == 0 && hash_eq(&got, want);
}

static struct seen *seen_place(struct blobs *b, const struct hash *h) {
    return &b->seen[(h->b[0] | h->b[1] << 8) % SEEN];
}

static bool was_whole(struct blobs *b, const struct hash *hash, const struct stat *st) {
    pthread_mutex_lock(&b->mutex);
    const struct seen *s = seen_place(b, hash);
    bool same = hash_eq(&s->hash, hash) && s->inode == st->st_ino && s->changed.tv_sec == st->st_ctim.tv_sec &&
                s->changed.tv_nsec == st->st_ctim.tv_nsec;
    pthread_mutex_unlock(&b->mutex);
    return same;
}

static bool is_whole(struct blobs *b, const struct hash *hash, int fd) {
    struct stat st;
    return fstat(fd, &st) == 0 && (was_whole(b, hash, &st) || has_hash(fd, hash));
}

static bool used_lately(int fd) {
    struct stat st;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return fstat(fd, &st) == 0 && st.st_mtim.tv_sec <= now.tv_sec && now.tv_sec - st.st_mtim.tv_sec < USE_COARSE_S;
}

// Its last use is now, which is a change of the file, too.
static bool use(struct blobs *b, const struct hash *hash, int fd, uint64_t *size) {
    struct stat st;
    if (!b->others || !used_lately(fd))
        futimens(fd, NULL);
    if (fstat(fd, &st) != 0)
        return false;
    *size = (uint64_t)st.st_size;
    pthread_mutex_lock(&b->mutex);
    *seen_place(b, hash) = (struct seen){*hash, st.st_ino, st.st_ctim};
    pthread_mutex_unlock(&b->mutex);
    return true;
}

bool blobs_get(struct blobs *b, const struct hash *hash, int *fd, uint64_t *size, struct err *e) {
    char name[65];
    *fd = openat(b->dir, hash_hex(hash, name), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (*fd < 0)
        return err_set(e, ERR_NOT_FOUND, "there is no module %s", name);
    bool whole = flock(*fd, LOCK_SH | LOCK_NB) == 0; // else it is on its way out
    if (whole && !is_whole(b, hash, *fd)) {
        log_warn("module %s is damaged and is removed", name);
        blobs_remove(b, hash);
        whole = false;
    }
    if (whole && use(b, hash, *fd, size))
        return true;
    close(*fd);
    return err_set(e, ERR_NOT_FOUND, "there is no module %s", name);
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

// *fd -1 with *e left alone: somebody took it for one that was left behind, in the moment before it was locked.
static bool try_begin(struct blobs *b, char *name, size_t size, int *fd, struct err *e) {
    struct hash random;
    struct stat st;
    char hex[65];
    random_bytes(random.b, sizeof random.b);
    snprintf(name, size, "upload-%.32s", hash_hex(&random, hex));
    *fd = openat(b->dir, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (*fd < 0)
        return err_errno(e, "cannot store a module");
    if (flock(*fd, LOCK_EX | LOCK_NB) == 0 && fstat(*fd, &st) == 0 && st.st_nlink > 0)
        return true;
    close(*fd);
    *fd = -1;
    return true;
}

bool blob_begin(struct blobs *b, struct blob_upload **out, struct err *e) {
    struct blob_upload *u = xcalloc(1, sizeof *u);
    u->blobs = b;
    sha256_init(&u->hash);
    for (u->fd = -1; u->fd < 0;) {
        if (!try_begin(b, u->name, sizeof u->name, &u->fd, e)) {
            free(u);
            return false;
        }
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

// With the mutex held: lets the least recently used go until `more` bytes have room, or nothing else is there; `name`
// is what is being placed. What is being read stays: if there is no room but for that, ERR_UNAVAILABLE.
static bool make_room(struct blobs *b, const char *name, uint64_t more, struct err *e) {
    SCOPED_ARENA(a);
    struct kept *list;
    size_t count, left = 0;
    if (!b->others && b->bytes + more <= b->max_bytes)
        return true;
    if (!scan(b, a, &list, &count, e))
        return false;
    b->bytes = sum(list, count);
    for (size_t i = 0; i < count && b->bytes + more > b->max_bytes; i++) {
        if (strcmp(list[i].name, name) == 0)
            continue;
        if (remove_free(b, list[i].name))
            b->bytes -= list[i].size;
        else
            left++;
    }
    if (b->bytes + more <= b->max_bytes || !left)
        return true;
    err_set(e, ERR_UNAVAILABLE, "there is no room, as what is kept is being read: for module %s", name);
    return err_hint(e, "try again in a moment");
}

// Others may read it from the moment that it has its name, so it is locked as they do.
static bool place_locked(struct blob_upload *u, const char *name, struct err *e) {
    struct blobs *b = u->blobs;
    struct stat st;
    uint64_t old = fstatat(b->dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 ? (uint64_t)st.st_size : 0;
    if (!make_room(b, name, u->size > old ? u->size - old : 0, e))
        return false;
    old = fstatat(b->dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 ? (uint64_t)st.st_size : 0;
    if (flock(u->fd, LOCK_SH | LOCK_NB) != 0 || renameat(b->dir, u->name, b->dir, name) != 0 || fsync(b->dir) != 0)
        return err_errno(e, "cannot store module %s", name);
    b->bytes += u->size;
    b->bytes -= old < b->bytes ? old : b->bytes;
    // Another one may have placed its file at the same moment: the later of the two sees both.
    struct err full;
    if (b->others && !make_room(b, name, 0, &full))
        log_err(LOG_DEBUG, "what is kept is over its limit for a moment", &full);
    return true;
}

static bool place(struct blob_upload *u, const char *name, struct err *e) {
    struct blobs *b = u->blobs;
    if (fchmod(u->fd, b->mode) != 0 || fsync(u->fd) != 0)
        return err_errno(e, "cannot store module %s", name);
    pthread_mutex_lock(&b->mutex);
    bool ok = place_locked(u, name, e);
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
