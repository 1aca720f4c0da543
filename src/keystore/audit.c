// SPDX-License-Identifier: Apache-2.0
#include "keystore/audit.h"

#include "base/clock.h"
#include "base/file.h"
#include "codec/json.h"
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#define SIZE_MAX_BYTES (16u << 20)

struct audit {
    pthread_mutex_t mutex; // over fd and size
    int fd;
    uint64_t size;
    char *path, *old_path;
};

static bool reopen(struct audit *a, struct err *e) {
    struct stat st;
    if (a->fd >= 0)
        close(a->fd);
    a->fd = open(a->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (a->fd < 0 || fstat(a->fd, &st) != 0)
        return err_errno(e, "cannot write %s", a->path);
    a->size = (uint64_t)st.st_size;
    return true;
}

bool audit_open(struct audit **out, const char *home, struct err *e) {
    struct audit *a = xcalloc(1, sizeof *a);
    SCOPED_ARENA(t);
    pthread_mutex_init(&a->mutex, NULL);
    a->fd = -1;
    a->path = xstrdup(arena_printf(t, "%s/audit.log", home));
    a->old_path = xstrdup(arena_printf(t, "%s/audit.log.1", home));
    if (!reopen(a, e)) {
        audit_close(a);
        return false;
    }
    *out = a;
    return true;
}

void audit_close(struct audit *a) {
    if (!a)
        return;
    if (a->fd >= 0)
        close(a->fd);
    pthread_mutex_destroy(&a->mutex);
    free(a->path);
    free(a->old_path);
    free(a);
}

char *audit_line(struct arena *t, const struct audit_entry *n) {
    const char *const texts[][2] = {{"what", n->what},       {"verdict", n->verdict}, {"session", n->session},
                                    {"account", n->account}, {"caller", n->caller},   {"owner", n->owner},
                                    {"profile", n->profile}, {"repo", n->repo},       {"branch", n->branch},
                                    {"why", n->why}};
    char time[32];
    SCOPED_JSON(o) = json_object();
    json_set_text(o, "time", clock_iso8601(clock_wall_ms(), time));
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (texts[i][1])
            json_set_text(o, texts[i][0], texts[i][1]);
    if (n->has_request)
        json_set_u64(o, "request_id", n->request_id);
    return arena_printf(t, "%s\n", json_text(t, o));
}

bool audit_write(struct audit *a, const struct audit_entry *entry, struct err *e) {
    SCOPED_ARENA(t);
    struct slice line = slice_str(audit_line(t, entry));
    pthread_mutex_lock(&a->mutex);
    bool ok = true;
    if (a->size + line.len > SIZE_MAX_BYTES)
        ok = (rename(a->path, a->old_path) == 0 || err_errno(e, "cannot rename %s", a->path)) && reopen(a, e);
    ok = ok && file_write_all(a->fd, line, e);
    a->size += line.len;
    pthread_mutex_unlock(&a->mutex);
    return ok || err_wrap(e, "audit log");
}
