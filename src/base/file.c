// SPDX-License-Identifier: Apache-2.0
#include "base/file.h"

#include "base/buf.h"
#include "base/patience.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/file.h>
#include <sys/stat.h>

#define TEMPORARY ".tmp-"

// Everything up to the descriptor's end.
static bool read_all(struct arena *a, int fd, const char *what, struct buf *b, struct slice *out, struct err *e) {
    for (;;) {
        size_t want = b->cap - b->len < 65536 ? b->cap - b->len : 65536;
        uint8_t *room = buf_room(b, want), one;
        ssize_t n = want ? read(fd, room, want) : read(fd, &one, 1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_errno(e, "cannot read '%s'", what);
        if (n > 0 && !want)
            return err_set(e, ERR_TOO_LARGE, "'%s' is larger than %zu bytes", what, b->cap);
        if (n == 0)
            break;
        buf_commit(b, (size_t)n);
    }
    *out = slice_of(arena_text(a, buf_slice(b)), b->len);
    return true;
}

static bool read_path(struct arena *a, const char *path, struct buf *b, struct slice *out, struct err *e) {
    *out = (struct slice){NULL, 0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        err_errno(e, "cannot open '%s'", path);
        if (e && errno == ENOENT)
            e->code = ERR_NOT_FOUND;
        return false;
    }
    bool ok = read_all(a, fd, path, b, out, e);
    close(fd);
    return ok;
}

bool file_read(struct arena *a, const char *path, size_t max, struct slice *out, struct err *e) {
    SCOPED_BUF(b, max);
    return read_path(a, path, &b, out, e);
}

bool file_read_secret(struct arena *a, const char *path, size_t max, struct slice *out, struct err *e) {
    SCOPED_WIPED_BUF(b, max);
    return read_path(a, path, &b, out, e);
}

bool file_read_secret_fd(struct arena *a, int fd, const char *what, size_t max, struct slice *out, struct err *e) {
    SCOPED_WIPED_BUF(b, max);
    *out = (struct slice){NULL, 0};
    return read_all(a, fd, what, &b, out, e);
}

bool file_write_all(int fd, struct slice bytes, struct err *e) {
    while (bytes.len) {
        ssize_t n = write(fd, bytes.ptr, bytes.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_errno(e, "cannot write");
        bytes = slice_skip(bytes, (size_t)n);
    }
    return true;
}

static void folder_of(const char *path, char dir[static 4096]) {
    const char *slash = strrchr(path, '/');
    snprintf(dir, 4096, "%.*s", slash ? (int)(slash - path) + (slash == path) : 1, slash ? path : ".");
}

static bool sync_folder_of(const char *path, struct err *e) {
    char dir[4096];
    folder_of(path, dir);
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_errno(e, "cannot open folder '%s'", dir);
    bool ok = fsync(fd) == 0 || err_errno(e, "cannot sync folder '%s'", dir);
    close(fd);
    return ok;
}

static bool replace(const char *path, struct slice bytes, unsigned mode, bool sync, struct err *e) {
    char temp[4096];
    if ((size_t)snprintf(temp, sizeof temp, "%s" TEMPORARY "XXXXXX", path) >= sizeof temp)
        return err_set(e, ERR_INVALID, "path too long: '%s'", path);
    int fd = mkostemp(temp, O_CLOEXEC);
    if (fd < 0)
        return err_errno(e, "cannot make a file beside '%s'", path);
    bool ok = file_write_all(fd, bytes, e);
    if (ok && (fchmod(fd, mode) != 0 || (sync && fsync(fd) != 0)))
        ok = err_errno(e, "cannot write '%s'", path);
    close(fd);
    if (ok && rename(temp, path) != 0)
        ok = err_errno(e, "cannot replace '%s'", path);
    if (!ok) {
        unlink(temp);
        return false;
    }
    return !sync || sync_folder_of(path, e);
}

bool file_write_atomic(const char *path, struct slice bytes, unsigned mode, struct err *e) {
    return replace(path, bytes, mode, true, e);
}

bool file_write_unsynced(const char *path, struct slice bytes, unsigned mode, struct err *e) {
    return replace(path, bytes, mode, false, e);
}

void file_remove_unfinished(const char *path) {
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    size_t n = strlen(name), tail = sizeof TEMPORARY - 1;
    char dir[4096];
    folder_of(path, dir);
    DIR *d = opendir(dir);
    for (struct dirent *x; d && (x = readdir(d));)
        if (strncmp(x->d_name, name, n) == 0 && strncmp(x->d_name + n, TEMPORARY, tail) == 0 &&
            strlen(x->d_name + n + tail) == 6)
            unlinkat(dirfd(d), x->d_name, 0);
    if (d)
        closedir(d);
}

bool file_make_dirs(const char *path, unsigned mode, struct err *e) {
    char part[4096];
    size_t n = strlen(path);
    if (!n || n >= sizeof part)
        return err_set(e, ERR_INVALID, "cannot make folder '%s': bad path", path);
    for (size_t i = 1; i <= n; i++) {
        if (path[i] != '/' && path[i] != 0)
            continue;
        memcpy(part, path, i);
        part[i] = 0;
        if (mkdir(part, mode) != 0 && errno != EEXIST)
            return err_errno(e, "cannot make folder '%s'", part);
    }
    struct stat st;
    if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode))
        return err_set(e, ERR_IO, "'%s' is not a folder", path);
    return true;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw) {
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

bool file_remove_tree(const char *path, struct err *e) {
    if (nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) != 0 && errno != ENOENT)
        return err_errno(e, "cannot remove '%s'", path);
    return true;
}

bool file_lock(const char *path, const char *who, int *fd, struct err *e) {
    *fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (*fd < 0)
        return err_errno(e, "cannot open lock '%s'", path);
    if (flock(*fd, LOCK_EX | LOCK_NB) != 0) {
        char holder[128] = "";
        ssize_t n = pread(*fd, holder, sizeof holder - 1, 0);
        holder[n > 0 ? n : 0] = 0;
        close(*fd);
        *fd = -1;
        return err_set(e, ERR_CONFLICT, "'%s' is held by %s", path, holder[0] ? holder : "another process");
    }
    if (ftruncate(*fd, 0) != 0 || pwrite(*fd, who, strlen(who), 0) < 0) {
        err_errno(e, "cannot write lock '%s'", path);
        close(*fd);
        *fd = -1;
        return false;
    }
    return true;
}

// No event says that a lock is free, but to a thread that blocks without an end.
#define LOCK_LOOK_MS 10

static bool lock_within(int fd, const char *folder, const struct patience *p, struct err *e) {
    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return err_errno(e, "cannot lock folder '%s'", folder);
        if (!patience_pause(p, LOCK_LOOK_MS)) {
            patience_fail(p, "another process that holds the folder", e);
            return err_wrap(e, "folder '%s'", folder);
        }
    }
    return true;
}

bool file_lock_folder_of(const char *path, const struct patience *p, int *fd, struct err *e) {
    const char *slash = strrchr(path, '/');
    SCOPED_ARENA(a);
    const char *folder = slash ? arena_text(a, slice_of(path, slash == path ? 1 : (size_t)(slash - path))) : ".";
    *fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*fd < 0)
        return err_errno(e, "cannot open folder '%s'", folder);
    if (lock_within(*fd, folder, p, e))
        return true;
    close(*fd);
    *fd = -1;
    return false;
}

const char *file_program_dir(struct arena *a) {
    char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    if (n < 0)
        return ".";
    path[n] = 0;
    char *slash = strrchr(path, '/');
    if (slash)
        *slash = 0;
    return arena_strdup(a, path);
}
