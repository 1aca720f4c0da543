// SPDX-License-Identifier: Apache-2.0
#include "keystore/audit_find.h"

#include "codec/json.h"
#include "keystore/audit_chain.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define PROBE_BYTES (2u * AUDIT_LINE_MAX) // wherever it begins, there is a whole line in it

struct finding {
    struct audit_found *out;
    struct arena *a;
    const char *owner, *needle; // needle: how a line names the owner
    uint64_t before;            // lines of this number and above have been looked at, or were not asked for; 0: none
    size_t bytes;               // of the lines that were found
    size_t left;                // so much of the log may still be read
    uint8_t *room;              // AUDIT_LOOKED_BYTES
};
enum step { GO_ON, PAGE_ENDS, FAILED };

static bool is_about(const struct finding *f, struct slice line, uint64_t *n) {
    if (line.len > AUDIT_LINE_MAX || !memmem(line.ptr, line.len, f->needle, strlen(f->needle)))
        return false;
    SCOPED_JSON(j) = json_parse(line, AUDIT_LINE_MAX, NULL);
    const char *owner = json_string_value(json_object_get(j, "owner"));
    return owner && strcmp(owner, f->owner) == 0 && json_get_u64(j, "n", n, NULL) && *n &&
           (!f->before || *n < f->before);
}

static enum step end_page(struct finding *f, uint64_t next) {
    f->out->next = next;
    return PAGE_ENDS;
}

// The newest first. `lines` ends with the end of a line.
static enum step take(struct finding *f, struct slice lines) {
    struct audit_found *out = f->out;
    uint64_t n;
    while (lines.len) {
        const uint8_t *end = memrchr(lines.ptr, '\n', lines.len - 1);
        size_t begin = end ? (size_t)(end - lines.ptr) + 1 : 0;
        struct slice line = slice_of(lines.ptr + begin, lines.len - 1 - begin);
        lines.len = begin;
        if (!is_about(f, line, &n))
            continue;
        if (out->count == AUDIT_FOUND_MAX || f->bytes + line.len > AUDIT_FOUND_BYTES)
            return end_page(f, n + 1);
        out->lines[out->count++] = arena_text(f->a, line);
        f->bytes += line.len;
        f->before = n;
    }
    return GO_ON;
}

// Into f->room; fewer bytes where the file ends.
static bool read_at(const struct finding *f, int fd, uint64_t at, size_t want, struct slice *out, struct err *e) {
    *out = slice_of(f->room, 0);
    while (out->len < want) {
        ssize_t n = pread(fd, f->room + out->len, want - out->len, (off_t)(at + out->len));
        if (n < 0 && errno != EINTR)
            return err_errno(e, "cannot read the audit log");
        if (n == 0)
            break;
        out->len += n > 0 ? (size_t)n : 0;
    }
    return true;
}

static size_t behind_first_end(struct slice text) {
    const uint8_t *end = text.len ? memchr(text.ptr, '\n', text.len) : NULL;
    return end ? (size_t)(end - text.ptr) + 1 : text.len;
}

// A place behind all lines whose number is less than f->before, and at most PROBE_BYTES behind it: numbers only grow.
static bool find_end(const struct finding *f, int fd, uint64_t size, uint64_t *end, struct err *e) {
    struct slice text;
    uint64_t low = 0, high = size;
    while (f->before && high - low > PROBE_BYTES) {
        uint64_t middle = low + (high - low) / 2;
        if (!read_at(f, fd, middle, PROBE_BYTES, &text, e))
            return false;
        size_t skipped = behind_first_end(text);
        if (middle + skipped >= high)
            break;
        if (audit_first(slice_skip(text, skipped)) >= f->before)
            high = middle + skipped;
        else
            low = middle;
    }
    *end = high;
    return true;
}

// What is left to read of the file's end. Where that shows no line that was asked for, nor one before, these are no
// lines of the log: the rest of the file is passed over, and the page goes on with the next one.
static enum step look_in(struct finding *f, int fd, uint64_t size, struct err *e) {
    struct slice text;
    uint64_t end, asked = f->before;
    if (!find_end(f, fd, size, &end, e))
        return FAILED;
    size_t want = end < f->left ? (size_t)end : f->left;
    if (!read_at(f, fd, end - want, want, &text, e))
        return FAILED;
    if (want < end) // it begins inside a line
        text = slice_skip(text, behind_first_end(text));
    while (text.len && text.ptr[text.len - 1] != '\n') // it is being written
        text.len--;
    if (take(f, text) == PAGE_ENDS)
        return PAGE_ENDS;
    uint64_t first = audit_first(text);
    if (!first || (asked && first >= asked))
        return GO_ON;
    if (!f->before || first < f->before)
        f->before = first;
    f->left -= want;
    return want < end ? end_page(f, f->before) : GO_ON;
}

static enum step look_at(struct finding *f, const char *path, struct err *e) {
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) // there is none yet, or the log's limits removed it just now
        return GO_ON;
    enum step step = FAILED;
    if (fd < 0 || fstat(fd, &st) != 0)
        err_errno(e, "cannot open '%s'", path);
    else
        step = look_in(f, fd, (uint64_t)st.st_size, e);
    if (fd >= 0)
        close(fd);
    return step;
}

// From the newest file that has been ended on.
static enum step look_at_ended(struct finding *f, const char *home, struct err *e) {
    SCOPED_ARENA(t);
    struct audit_file *files;
    size_t count, looked = 0;
    if (!audit_files(home, t, &files, &count, e))
        return FAILED;
    for (size_t i = count; i-- > 0;) {
        const struct audit_file *x = &files[i];
        if (!x->first || (f->before && x->first >= f->before))
            continue;
        if (looked++ == AUDIT_FILES_LOOKED || f->left < PROBE_BYTES)
            return end_page(f, f->before);
        enum step step = look_at(f, x->path, e);
        if (step != GO_ON)
            return step;
        f->before = x->first;
    }
    return GO_ON;
}

// The newest file is opened before the others are looked for: what is moved away meanwhile is then seen, and its first
// number says that it has been.
bool audit_find(struct audit_found *out, struct arena *a, const char *home, const char *owner, uint64_t before,
                struct err *e) {
    SCOPED_ARENA(t);
    struct finding f = {.out = out,
                        .a = a,
                        .owner = owner,
                        .needle = arena_printf(t, "\"owner\":\"%s\"", owner),
                        .before = before,
                        .left = AUDIT_LOOKED_BYTES,
                        .room = arena_alloc(t, AUDIT_LOOKED_BYTES)};
    *out = (struct audit_found){0};
    enum step step = look_at(&f, arena_printf(t, "%s/audit.log", home), e);
    if (step == GO_ON)
        step = look_at_ended(&f, home, e);
    return step != FAILED;
}
