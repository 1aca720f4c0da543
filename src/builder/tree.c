// SPDX-License-Identifier: Apache-2.0
#include "builder/tree.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#define DEPTH_MAX 64
#define ENTRIES_MAX 200000u
#define MANIFEST_MAX (64u << 20)

struct walk {
    struct arena *a;
    const char *root;
    struct timespec sealed; // when .whole was last written to
    const char **lines;     // of the manifest's first part: type, mode, path, link target
    const char **files;     // paths of regular files
    size_t line_count, file_count;
    bool younger; // something has been changed after .whole
};

static bool anew(struct err *e, const char *dir) {
    return err_hint(e, "remove the folder (rm -rf '%s') and run make toolchains to make it anew", dir);
}

// --- who could have written

static bool private_owner(const struct stat *st) { return st->st_uid == 0 || st->st_uid == geteuid(); }

static bool private_inode(const struct stat *st) {
    return private_owner(st) && (S_ISLNK(st->st_mode) || !(st->st_mode & 022));
}

// Whoever owns a folder above, or can write to it, could put another one in the place of ours; who can but write, not
// where names are their makers'. The folder itself is looked at first.
static bool private_above(struct arena *a, const char *dir, struct err *e) {
    char *path = arena_strdup(a, dir);
    for (; path[0]; *strrchr(path, '/') = 0) {
        struct stat st;
        if (stat(path, &st) != 0)
            return err_errno(e, "cannot look at '%s'", path);
        if (!private_owner(&st)) {
            err_set(e, ERR_SETTINGS, "'%s' belongs to somebody else, who could change the guests' toolchain in it",
                    path);
            return err_hint(e, "keep the toolchain in folders of your own or root's");
        }
        if ((st.st_mode & 022) && (!(st.st_mode & S_ISVTX) || strcmp(path, dir) == 0)) {
            err_set(e, ERR_SETTINGS, "'%s' can be written by others, who could change the guests' toolchain in it",
                    path);
            return err_hint(e, "take that right away: chmod go-w '%s'", path);
        }
    }
    return true;
}

// --- all inodes

static bool later(const struct timespec *x, const struct timespec *y) {
    return x->tv_sec > y->tv_sec || (x->tv_sec == y->tv_sec && x->tv_nsec > y->tv_nsec);
}

static bool note(struct walk *w, int folder, const char *name, const char *path, const struct stat *st, struct err *e) {
    char target[PATH_MAX] = "";
    bool link = S_ISLNK(st->st_mode), file = S_ISREG(st->st_mode);
    if (link && readlinkat(folder, name, target, sizeof target - 1) < 0)
        return err_errno(e, "cannot read the link '%s/%s'", w->root, path);
    if (w->line_count == ENTRIES_MAX)
        return err_set(e, ERR_LIMIT, "'%s' holds more than %u files", w->root, ENTRIES_MAX);
    w->lines[w->line_count++] = arena_printf(w->a, "%c %o %s\t%s",
                                             link                   ? 'l'
                                             : file                 ? 'f'
                                             : S_ISDIR(st->st_mode) ? 'd'
                                                                    : '?',
                                             st->st_mode & 07777, path, target);
    if (file)
        w->files[w->file_count++] = path;
    return true;
}

static bool walk_folder(struct walk *w, int parent, const char *name, const char *path, int depth, struct err *e);

static bool walk_entry(struct walk *w, int folder, const char *name, const char *path, int depth, struct err *e) {
    struct stat st;
    if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return err_errno(e, "cannot look at '%s/%s'", w->root, path);
    if (!private_inode(&st)) {
        err_set(e, ERR_SETTINGS, "'%s/%s' belongs to somebody else or can be written by others", w->root, path);
        return anew(e, w->root);
    }
    w->younger |= later(&st.st_ctim, &w->sealed);
    if (strcmp(path, ".whole") == 0 || strcmp(path, "manifest") == 0)
        return true;
    return note(w, folder, name, path, &st, e) &&
           (!S_ISDIR(st.st_mode) || walk_folder(w, folder, name, path, depth + 1, e));
}

static bool walk_folder(struct walk *w, int parent, const char *name, const char *path, int depth, struct err *e) {
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *d = fd >= 0 && depth < DEPTH_MAX ? fdopendir(fd) : NULL;
    if (!d) {
        if (fd >= 0)
            close(fd);
        return err_errno(e, "cannot read the folder '%s/%s'", w->root, path);
    }
    bool ok = true;
    for (struct dirent *it; ok && (it = readdir(d));) {
        if (strcmp(it->d_name, ".") == 0 || strcmp(it->d_name, "..") == 0)
            continue;
        const char *below = arena_printf(w->a, "%s%s%s", path, *path ? "/" : "", it->d_name);
        ok = walk_entry(w, fd, it->d_name, below, depth, e);
    }
    closedir(d);
    return ok;
}

// --- everything read again

static int by_bytes(const void *x, const void *y) { return strcmp(*(const char *const *)x, *(const char *const *)y); }

static bool hash_file(const char *path, uint8_t *piece, size_t size, struct hash *out, struct err *e) {
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    struct sha256 s;
    ssize_t n = -1;
    sha256_init(&s);
    while (fd >= 0 && (n = read(fd, piece, size)) > 0)
        sha256_add(&s, slice_of(piece, (size_t)n));
    bool ok = n == 0 || err_errno(e, "cannot read '%s'", path);
    if (fd >= 0)
        close(fd);
    *out = sha256_end(&s);
    return ok;
}

// The hash of the manifest that the folder would have now: the text that `cache_manifest` of scripts/cache.sh prints.
static bool hash_now(struct walk *w, struct hash *out, struct err *e) {
    SCOPED_ARENA(scratch);
    size_t size = 1 << 20;
    uint8_t *piece = arena_alloc(scratch, size);
    char hex[65];
    struct sha256 s;
    struct hash h;
    sha256_init(&s);
    qsort(w->lines, w->line_count, sizeof *w->lines, by_bytes);
    qsort(w->files, w->file_count, sizeof *w->files, by_bytes);
    for (size_t i = 0; i < w->line_count; i++) {
        sha256_add(&s, slice_str(w->lines[i]));
        sha256_add(&s, SLICE_LIT("\n"));
    }
    for (size_t i = 0; i < w->file_count; i++) {
        if (!hash_file(arena_printf(scratch, "%s/%s", w->root, w->files[i]), piece, size, &h, e))
            return false;
        sha256_add(&s, slice_str(arena_printf(scratch, "%s  %s\n", hash_hex(&h, hex), w->files[i])));
    }
    *out = sha256_end(&s);
    return true;
}

static bool unchanged(struct walk *w, const struct hash *sealed, struct err *e) {
    uint64_t start = clock_mono_ms();
    struct hash now;
    if (!w->younger)
        return true;
    if (!hash_now(w, &now, e))
        return false;
    if (!hash_eq(&now, sealed)) {
        err_set(e, ERR_CORRUPT, "'%s' is not as it was made", w->root);
        return anew(e, w->root);
    }
    log_info("the guests' toolchain was copied or looked after since it was made: all of it read in %llu ms, unchanged",
             (unsigned long long)(clock_mono_ms() - start));
    return true;
}

// --- the call

static bool read_seal(struct arena *a, const char *dir, struct hash *sealed, struct timespec *when, struct err *e) {
    struct slice text, manifest;
    struct stat st;
    const char *whole = arena_printf(a, "%s/.whole", dir);
    if (stat(whole, &st) != 0 || !file_read(a, whole, 65, &text, e) || text.len != 65 ||
        !hash_from_hex(sealed, slice_of(text.ptr, 64), e) ||
        !file_read(a, arena_printf(a, "%s/manifest", dir), MANIFEST_MAX, &manifest, e)) {
        err_set(e, ERR_SETTINGS, "the guests' toolchain '%s' is not whole", dir);
        return err_hint(e, "run make toolchains");
    }
    struct hash h = sha256(manifest);
    *when = st.st_ctim;
    if (hash_eq(&h, sealed))
        return true;
    err_set(e, ERR_CORRUPT, "the list of what is in '%s' is not as it was made", dir);
    return anew(e, dir);
}

bool tree_open(struct arena *a, const char *dir, const char **path, struct hash *contents, struct err *e) {
    SCOPED_ARENA(scratch);
    char real[PATH_MAX];
    if (!realpath(dir, real))
        return err_errno(e, "cannot find the guests' toolchain '%s'", dir) ||
               err_hint(e, "make makes it: run make toolchains");
    struct walk w = {.a = scratch, .root = real};
    w.lines = arena_calloc(scratch, ENTRIES_MAX, sizeof *w.lines);
    w.files = arena_calloc(scratch, ENTRIES_MAX, sizeof *w.files);
    if (!private_above(scratch, real, e) || !read_seal(scratch, real, contents, &w.sealed, e) ||
        !walk_folder(&w, AT_FDCWD, real, "", 0, e) || !unchanged(&w, contents, e))
        return false;
    *path = arena_strdup(a, real);
    return true;
}
