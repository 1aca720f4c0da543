// SPDX-License-Identifier: Apache-2.0
#include "keystore/audit.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "codec/json.h"
#include "keystore/audit_chain.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#define SIZE_MAX_BYTES (16u << 20)
#define UNPROVEN_MAX_BYTES (4u << 20) // of each file
#define MINUTE_MS 60000
#define KEEP_BYTES ((uint64_t)4 << 30)
#define DAY_LEN 10 // of "2026-11-24"

struct audit {
    pthread_mutex_t mutex; // over all below but the paths and the limits
    int fd;                // -1: could not be opened, to be tried again
    uint64_t size;
    uint64_t first;        // number of the file's first line that has one
    char day[DAY_LEN + 1]; // of the file's first line
    struct audit_link link;
    struct {
        uint64_t since_ms, left_out;
        unsigned lines; // since then
        uint64_t bytes; // in this file
    } unproven;
    struct audit_keep keep;
    char *home, *path;
};

static void today(char out[static DAY_LEN + 1]) {
    char time[32];
    clock_iso8601(clock_wall_ms(), time);
    memcpy(out, time, DAY_LEN);
    out[DAY_LEN] = 0;
}

static bool reopen(struct audit *a, struct err *e) {
    struct stat st;
    a->fd = open(a->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (a->fd < 0 || fstat(a->fd, &st) != 0)
        return err_errno(e, "cannot write %s", a->path);
    a->size = (uint64_t)st.st_size;
    a->first = a->link.n + 1;
    today(a->day);
    a->unproven.bytes = 0;
    return true;
}

// Moves the log away that has come to its end. One that is not there any more was moved by somebody else.
static bool put_away(struct audit *a, struct err *e) {
    SCOPED_ARENA(t);
    const char *ended = arena_printf(t, "%s/audit-%020" PRIu64 ".log", a->home, a->first);
    if (rename(a->path, ended) != 0 && errno != ENOENT)
        return err_errno(e, "cannot rename %s", a->path);
    close(a->fd);
    a->fd = -1;
    return true;
}

// --- at the start: where the chain stands

// The day that stands in a line, as each of ours begins with its time or has it behind its place in the chain.
static void day_of(struct slice content, char out[static DAY_LEN + 1]) {
    static const char key[] = "\"time\":\"";
    const uint8_t *end = memchr(content.ptr, '\n', content.len);
    size_t n = end ? (size_t)(end - content.ptr) : content.len;
    const uint8_t *at = memmem(content.ptr, n, key, strlen(key));
    if (at && (size_t)(at - content.ptr) + strlen(key) + DAY_LEN <= n)
        memcpy(out, at + strlen(key), DAY_LEN);
}

static bool read_log(struct audit *a, struct arena *t, struct slice *content, struct err *e) {
    struct err missing = {0};
    *content = (struct slice){0};
    if (file_read(t, a->path, AUDIT_FILE_MAX, content, &missing) || missing.code == ERR_NOT_FOUND)
        return true;
    *e = missing;
    return false;
}

// After a crash between the end of a file and the beginning of the next one, the newest ended file has the last line.
static bool place_of_ended(struct audit *a, struct arena *t, struct err *e) {
    struct audit_file *files;
    struct slice content;
    size_t count, whole;
    uint64_t first;
    if (!audit_files(a->home, t, &files, &count, e))
        return false;
    if (!count)
        return true;
    if (!file_read(t, files[count - 1].path, AUDIT_FILE_MAX, &content, e))
        return false;
    audit_place(content, &a->link, &first, &whole);
    return true;
}

static bool find_place(struct audit *a, struct err *e) {
    SCOPED_ARENA(t);
    struct slice content;
    size_t whole = 0;
    uint64_t first = 0;
    if (!read_log(a, t, &content, e))
        return false;
    audit_place(content, &a->link, &first, &whole);
    if ((!whole && !place_of_ended(a, t, e)) || !reopen(a, e))
        return false;
    if (whole < content.len && ftruncate(a->fd, (off_t)whole) != 0)
        return err_errno(e, "cannot cut the unfinished line off %s", a->path);
    a->size = whole;
    if (first)
        a->first = first;
    if (whole)
        day_of(content, a->day);
    return true;
}

static void forget_old(struct audit *a);

bool audit_open(struct audit **out, const char *home, const struct audit_keep *keep, struct err *e) {
    struct audit *a = xcalloc(1, sizeof *a);
    SCOPED_ARENA(t);
    pthread_mutex_init(&a->mutex, NULL);
    a->fd = -1;
    a->keep = *keep;
    if (!a->keep.max_bytes)
        a->keep.max_bytes = KEEP_BYTES;
    a->home = xstrdup(home);
    a->path = xstrdup(arena_printf(t, "%s/audit.log", home));
    if (!find_place(a, e)) {
        audit_close(a);
        return false;
    }
    forget_old(a);
    *out = a;
    return true;
}

static void add_entry(json_t *o, const struct audit_entry *n) {
    const char *const texts[][2] = {{"what", n->what},       {"verdict", n->verdict}, {"session", n->session},
                                    {"account", n->account}, {"caller", n->caller},   {"owner", n->owner},
                                    {"profile", n->profile}, {"repo", n->repo},       {"branch", n->branch},
                                    {"why", n->why}};
    char time[32];
    json_set_text(o, "time", clock_iso8601(clock_wall_ms(), time));
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (texts[i][1])
            json_set_text(o, texts[i][0], texts[i][1]);
    if (n->has_request)
        json_set_u64(o, "request_id", n->request_id);
    if (n->count)
        json_set_u64(o, "count", n->count);
    if (n->first)
        json_set_u64(o, "first", n->first);
}

char *audit_line(struct arena *t, const struct audit_entry *n) {
    SCOPED_JSON(o) = json_object();
    add_entry(o, n);
    return arena_printf(t, "%s\n", json_text(t, o));
}

// --- writing; what follows holds the mutex

static struct slice chained_line(const struct audit *a, struct arena *t, const struct audit_entry *entry) {
    char hex[65];
    SCOPED_JSON(o) = json_object();
    json_set_u64(o, "n", a->link.n + 1);
    json_set_text(o, "prev", hash_hex(&a->link.head, hex));
    add_entry(o, entry);
    return slice_str(arena_printf(t, "%s\n", json_text(t, o)));
}

static bool put_here(struct audit *a, struct slice line, struct err *e) {
    if (!file_write_all(a->fd, line, e)) {
        (void)!ftruncate(a->fd, (off_t)a->size); // half a line would spoil the next one
        return false;
    }
    a->size += line.len;
    a->link = (struct audit_link){a->link.n + 1, sha256(slice_of(line.ptr, line.len - 1))};
    return true;
}

// How many of the ended files have to go.
static size_t too_many(const struct audit *a, const struct audit_file *files, size_t count) {
    uint64_t bytes = SIZE_MAX_BYTES, now = clock_wall_ms();
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        bytes += files[i].size;
    for (; n < count; n++) {
        bool old = a->keep.max_age_ms && files[n].changed_ms + a->keep.max_age_ms < now;
        if (!old && bytes <= a->keep.max_bytes)
            break;
        bytes -= files[n].size;
    }
    return n;
}

// Says it first: a crash leaves more than was said, never less. What fails is tried again with the next file.
static void forget_old(struct audit *a) {
    SCOPED_ARENA(t);
    struct audit_file *files;
    size_t count;
    struct err e;
    if (!audit_files(a->home, t, &files, &count, &e)) {
        log_err(LOG_ERROR, "old files of the audit log cannot be looked for", &e);
        return;
    }
    size_t n = too_many(a, files, count);
    if (!n)
        return;
    const struct audit_entry entry = {.what = "retention",
                                      .verdict = "removed",
                                      .why = "files of the audit log that were over its limits",
                                      .count = n,
                                      .first = n < count ? files[n].first : a->first};
    if (!put_here(a, chained_line(a, t, &entry), &e)) {
        log_err(LOG_ERROR, "old files of the audit log stay, since that they go cannot be written", &e);
        return;
    }
    for (size_t i = 0; i < n; i++)
        unlink(files[i].path);
}

// Not before it has a line with a number, after which it is named.
static bool has_ended(const struct audit *a, size_t more) {
    char day[DAY_LEN + 1];
    if (a->link.n < a->first)
        return false;
    if (a->size + more > SIZE_MAX_BYTES)
        return true;
    if (!a->keep.max_age_ms)
        return false;
    today(day);
    return strcmp(day, a->day) > 0;
}

// *size: bytes of the line.
static bool put(struct audit *a, const struct audit_entry *entry, uint64_t *size, struct err *e) {
    SCOPED_ARENA(t);
    struct slice line = chained_line(a, t, entry);
    bool begun = false;
    if (a->fd >= 0 && has_ended(a, line.len) && !put_away(a, e))
        return false;
    if (a->fd < 0 && !(begun = reopen(a, e)))
        return false;
    if (begun) {
        forget_old(a);
        line = chained_line(a, t, entry);
    }
    *size = line.len;
    return put_here(a, line, e);
}

// How many lines of strangers were not written, while their share of the file lasts; at the end in any case.
static void put_rest(struct audit *a, bool at_end) {
    SCOPED_ARENA(t);
    const struct audit_entry entry = {.what = "unproven",
                                      .verdict = "left out",
                                      .why = "lines of askers who proved nothing, not written one by one",
                                      .count = a->unproven.left_out};
    uint64_t size = chained_line(a, t, &entry).len;
    if ((!at_end && a->unproven.bytes + size > UNPROVEN_MAX_BYTES) || !put(a, &entry, &size, NULL))
        return;
    a->unproven.bytes += size;
    a->unproven.left_out = 0;
}

static bool has_share(const struct audit *a, const struct audit_entry *entry) {
    SCOPED_ARENA(t);
    return a->unproven.lines < AUDIT_UNPROVEN_A_MINUTE &&
           a->unproven.bytes + chained_line(a, t, entry).len <= UNPROVEN_MAX_BYTES;
}

static bool put_unproven(struct audit *a, const struct audit_entry *entry, struct err *e) {
    uint64_t size;
    if (!has_share(a, entry)) {
        a->unproven.left_out++;
        return true;
    }
    if (!put(a, entry, &size, e))
        return false;
    a->unproven.lines++;
    a->unproven.bytes += size;
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
    uint64_t size;
    pthread_mutex_lock(&a->mutex);
    begin_minute(a, now_ms);
    bool ok = entry->unproven ? put_unproven(a, entry, e) : put(a, entry, &size, e);
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
    free(a->home);
    free(a);
}
