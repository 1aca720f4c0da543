// SPDX-License-Identifier: Apache-2.0
// Files and the listening socket of a box: what its first process hands out. Nothing inside is opened from here.
#include "sandbox/sandbox_internal.h"

#include <errno.h>
#include <sys/stat.h>

bool sandbox_read(struct sandbox *s, struct arena *a, const char *path, size_t max, struct slice *out, struct err *e) {
    struct wire_fds fds;
    struct stat st;
    *out = (struct slice){NULL, 0};
    wire_init(&s->w, WIRE_READ);
    if (!wire_add(&s->w, path))
        return sandbox_too_long(e);
    if (!sandbox_ask(s, &fds, e))
        return false;
    if (!fds.count || fstat(fds.fd[0], &st) != 0 || !S_ISREG(st.st_mode)) {
        wire_close(&fds);
        return sandbox_spoil(s, e, "it gave no file");
    }
    int fd = fds.fd[0];
    bool ok = (uint64_t)st.st_size <= max || err_set(e, ERR_TOO_LARGE, "'%s' is larger than %zu bytes", path, max);
    uint8_t *p = ok ? arena_alloc(a, (size_t)st.st_size + 1) : NULL;
    size_t got = 0;
    for (ssize_t n = 1; ok && got < (size_t)st.st_size && n > 0; got += n > 0 ? (size_t)n : 0)
        if ((n = pread(fd, p + got, (size_t)st.st_size - got, (off_t)got)) < 0)
            ok = err_errno(e, "cannot read '%s'", path);
    close(fd);
    if (ok) {
        p[got] = 0;
        *out = slice_of(p, got);
    }
    return ok;
}

static int by_path(const void *x, const void *y) {
    return strcmp(((const struct sandbox_file *)x)->path, ((const struct sandbox_file *)y)->path);
}

bool sandbox_files_read(struct wire *w, struct arena *a, size_t max, struct sandbox_file **out, size_t *count,
                        bool *cut) {
    char *strings[WIRE_STRINGS_MAX];
    size_t n;
    *count = 0;
    if (!wire_strings(w, strings, &n) || n % 2 || n / 2 != w->n[0] || n / 2 > max)
        return false;
    *out = arena_calloc(a, n / 2 + 1, sizeof **out);
    *cut = w->n[1] != 0;
    for (size_t i = 0; i + 1 < n; i += 2) {
        struct sandbox_file *f = &(*out)[i / 2];
        unsigned long long size, inode, changed;
        int end = 0;
        if (strings[i][0] != '/' ||
            sscanf(strings[i + 1], "%20llu %20llu %20llu%n", &size, &inode, &changed, &end) != 3 || strings[i + 1][end])
            return false;
        *f = (struct sandbox_file){arena_strdup(a, strings[i]), size, inode, changed};
    }
    *count = n / 2;
    qsort(*out, *count, sizeof **out, by_path);
    return true;
}

bool sandbox_scan(struct sandbox *s, struct arena *a, const char *dir, struct slice magic, size_t max,
                  struct sandbox_file **out, size_t *count, bool *cut, struct err *e) {
    *out = NULL, *count = 0, *cut = false;
    BUG_ON(magic.len > 8 || max > WIRE_STRINGS_MAX / 2);
    wire_init(&s->w, WIRE_SCAN);
    s->w.n[0] = max, s->w.n[1] = magic.len;
    memcpy(&s->w.n[2], magic.ptr, magic.len);
    if (!wire_add(&s->w, dir))
        return sandbox_too_long(e);
    return sandbox_ask(s, NULL, e) && (sandbox_files_read(&s->w, a, max, out, count, cut) ||
                                       sandbox_spoil(s, e, "it gave a malformed list of files"));
}

bool sandbox_listen(struct sandbox *s, int *fd, unsigned *port, struct err *e) {
    struct wire_fds fds;
    *fd = -1;
    wire_init(&s->w, WIRE_LISTEN);
    if (!sandbox_ask(s, &fds, e))
        return false;
    if (!fds.count || !s->w.n[0] || s->w.n[0] > 65535) {
        wire_close(&fds);
        return sandbox_spoil(s, e, "it gave no socket");
    }
    *fd = fds.fd[0];
    *port = (unsigned)s->w.n[0];
    return true;
}
