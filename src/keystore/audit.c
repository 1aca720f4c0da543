// SPDX-License-Identifier: Apache-2.0
#include "keystore/audit.h"

#include "base/clock.h"
#include "base/file.h"
#include "codec/json.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#define SIZE_MAX_BYTES (16u << 20)
#define UNPROVEN_MAX_BYTES (4u << 20) // of each file
#define MINUTE_MS 60000

struct audit {
    pthread_mutex_t mutex; // over all below but the paths
    int fd;                // -1: could not be opened, to be tried again
    uint64_t size;
    struct {
        uint64_t since_ms, left_out;
        unsigned lines; // since then
        uint64_t bytes; // in this file
    } unproven;
    char *path, *old_path;
};

static bool reopen(struct audit *a, struct err *e) {
    struct stat st;
    a->fd = open(a->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (a->fd < 0 || fstat(a->fd, &st) != 0)
        return err_errno(e, "cannot write %s", a->path);
    a->size = (uint64_t)st.st_size;
    a->unproven.bytes = 0;
    return true;
}

// Moves the full log away. One that is not there any more was moved by somebody else.
static bool put_away(struct audit *a, struct err *e) {
    if (rename(a->path, a->old_path) != 0 && errno != ENOENT)
        return err_errno(e, "cannot rename %s", a->path);
    close(a->fd);
    a->fd = -1;
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
    if (n->count)
        json_set_u64(o, "count", n->count);
    return arena_printf(t, "%s\n", json_text(t, o));
}

// --- writing; what follows holds the mutex

static bool put(struct audit *a, struct slice line, struct err *e) {
    if (a->fd >= 0 && a->size + line.len > SIZE_MAX_BYTES && !put_away(a, e))
        return false;
    if (a->fd < 0 && !reopen(a, e))
        return false;
    if (!file_write_all(a->fd, line, e)) {
        (void)!ftruncate(a->fd, (off_t)a->size); // half a line would spoil the next one
        return false;
    }
    a->size += line.len;
    return true;
}

// How many lines of strangers were not written, while their share of the file lasts; at the end in any case.
static void put_rest(struct audit *a, bool at_end) {
    SCOPED_ARENA(t);
    const struct audit_entry entry = {.what = "unproven",
                                      .verdict = "left out",
                                      .why = "lines of askers who proved nothing, not written one by one",
                                      .count = a->unproven.left_out};
    struct slice line = slice_str(audit_line(t, &entry));
    if ((!at_end && a->unproven.bytes + line.len > UNPROVEN_MAX_BYTES) || !put(a, line, NULL))
        return;
    a->unproven.bytes += line.len;
    a->unproven.left_out = 0;
}

static bool put_unproven(struct audit *a, struct slice line, struct err *e) {
    if (a->unproven.lines >= AUDIT_UNPROVEN_A_MINUTE || a->unproven.bytes + line.len > UNPROVEN_MAX_BYTES) {
        a->unproven.left_out++;
        return true;
    }
    if (!put(a, line, e))
        return false;
    a->unproven.lines++;
    a->unproven.bytes += line.len;
    return true;
}

static void begin_minute(struct audit *a, uint64_t now_ms) {
    if (now_ms <
        a->unproven.since_ms + MINUTE_MS) // `now_ms` may lie a little before the minute's begin, see audit_write
        return;
    a->unproven.since_ms = now_ms;
    a->unproven.lines = 0;
    if (a->unproven.left_out)
        put_rest(a, false);
}

bool audit_write_at(struct audit *a, const struct audit_entry *entry, uint64_t now_ms, struct err *e) {
    SCOPED_ARENA(t);
    struct slice line = slice_str(audit_line(t, entry));
    pthread_mutex_lock(&a->mutex);
    begin_minute(a, now_ms);
    bool ok = entry->unproven ? put_unproven(a, line, e) : put(a, line, e);
    pthread_mutex_unlock(&a->mutex);
    return ok || err_wrap(e, "audit log");
}

bool audit_write(struct audit *a, const struct audit_entry *entry, struct err *e) {
    return audit_write_at(a, entry, clock_mono_ms(), e);
}

void audit_close(struct audit *a) {
    if (!a)
        return;
    if (a->unproven.left_out)
        put_rest(a, true);
    if (a->fd >= 0)
        close(a->fd);
    pthread_mutex_destroy(&a->mutex);
    free(a->path);
    free(a->old_path);
    free(a);
}
