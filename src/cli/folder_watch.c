// SPDX-License-Identifier: Apache-2.0
#include "cli/folder_watch.h"

#include <errno.h>
#include <fts.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/stat.h>

// What changes a file's bytes or its name. A file that is being written counts when its writer closes it.
#define CHANGES                                                                                                        \
    (IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB | IN_DELETE_SELF |               \
     IN_MOVE_SELF | IN_ONLYDIR)

struct folder_watch {
    char *path;
    int fd;
};

static bool watch_one(struct folder_watch *w, const char *dir, size_t *count, struct err *e) {
    if (++*count > WATCHED_FOLDERS_MAX)
        return err_set(e, ERR_TOO_LARGE, "'%s' has more than %d folders", w->path, WATCHED_FOLDERS_MAX);
    if (inotify_add_watch(w->fd, dir, CHANGES) >= 0 || errno == ENOENT || errno == ENOTDIR || errno == EACCES)
        return true; // what went meanwhile was a change; what may not be read is no part of the project
    bool full = errno == ENOSPC;
    err_errno(e, "cannot watch '%s'", dir);
    return full && err_hint(e, "the sysctl fs.inotify.max_user_watches says how many folders one may watch");
}

// Whatever is watched already stays so.
static bool watch_all(struct folder_watch *w, struct err *e) {
    struct stat st;
    char *const roots[] = {w->path, NULL};
    size_t count = 0;
    if (stat(w->path, &st) != 0 || !S_ISDIR(st.st_mode))
        return err_set(e, ERR_NOT_FOUND, "the folder '%s' is gone", w->path);
    FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    if (!tree)
        return err_errno(e, "cannot read '%s'", w->path);
    bool ok = true;
    for (FTSENT *f; ok && (f = fts_read(tree));) {
        if (f->fts_info != FTS_D)
            continue;
        if (strcmp(f->fts_name, ".git") == 0 && f->fts_level > 0)
            fts_set(tree, f, FTS_SKIP);
        else
            ok = watch_one(w, f->fts_path, &count, e);
    }
    fts_close(tree);
    return ok;
}

bool folder_watch_new(struct folder_watch **out, const char *path, struct err *e) {
    struct folder_watch *w = xcalloc(1, sizeof *w);
    *out = NULL;
    w->path = xstrdup(path);
    w->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (w->fd < 0 ? !err_errno(e, "cannot watch folders") : !watch_all(w, e)) {
        folder_watch_free(w);
        return false;
    }
    *out = w;
    return true;
}

void folder_watch_free(struct folder_watch *w) {
    if (!w)
        return;
    if (w->fd >= 0)
        close(w->fd);
    free(w->path);
    free(w);
}

// Takes all that is there: what follows looks at the files themselves.
static bool drain(struct folder_watch *w) {
    _Alignas(struct inotify_event) char events[8192];
    bool any = false;
    while (read(w->fd, events, sizeof events) > 0)
        any = true;
    return any;
}

bool folder_watch_wait(struct folder_watch *w, const sigset_t *ends, bool *ended, struct err *e) {
    int signals = signalfd(-1, ends, SFD_CLOEXEC);
    bool ok = signals >= 0 || err_errno(e, "cannot wait for signals"), changed = false;
    *ended = false;
    while (ok && !changed && !*ended) {
        struct pollfd p[2] = {{w->fd, POLLIN, 0}, {signals, POLLIN, 0}};
        struct signalfd_siginfo got;
        if (poll(p, 2, -1) < 0 && errno != EINTR)
            ok = err_errno(e, "cannot wait for changes in '%s'", w->path);
        else if (p[1].revents)
            *ended = read(signals, &got, sizeof got) == sizeof got;
        else
            changed = drain(w);
    }
    if (signals >= 0)
        close(signals);
    return ok && (*ended || watch_all(w, e));
}
