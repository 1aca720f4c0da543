// SPDX-License-Identifier: Apache-2.0
#include "keystore/audit_find.h"

#include "base/file.h"
#include "codec/json.h"
#include "keystore/audit_chain.h"

struct finding {
    struct audit_found *out;
    struct arena *a;
    const char *owner, *needle; // needle: how a line names the owner
    uint64_t before;            // 0: any
    size_t bytes;
};

// The last lines of a file that are about the owner, as a ring: there may be more of them than there is room for.
struct last {
    struct slice lines[AUDIT_FOUND_MAX];
    uint64_t numbers[AUDIT_FOUND_MAX];
    size_t seen;
};

static bool is_about(const struct finding *f, struct slice line, uint64_t *n) {
    if (line.len > AUDIT_LINE_MAX || !memmem(line.ptr, line.len, f->needle, strlen(f->needle)))
        return false;
    SCOPED_JSON(j) = json_parse(line, AUDIT_LINE_MAX, NULL);
    const char *owner = json_string_value(json_object_get(j, "owner"));
    return owner && strcmp(owner, f->owner) == 0 && json_get_u64(j, "n", n, NULL) && *n &&
           (!f->before || *n < f->before);
}

static void look_through(const struct finding *f, struct slice content, struct last *last) {
    uint64_t n;
    for (struct slice left = content; left.len;) {
        const uint8_t *end = memchr(left.ptr, '\n', left.len);
        if (!end) // it is being written
            return;
        struct slice line = slice_of(left.ptr, (size_t)(end - left.ptr));
        if (is_about(f, line, &n)) {
            last->lines[last->seen % AUDIT_FOUND_MAX] = line;
            last->numbers[last->seen++ % AUDIT_FOUND_MAX] = n;
        }
        left = slice_skip(left, line.len + 1);
    }
}

// The newest first. false: there is no room for more, and where the next page begins is known.
static bool take(struct finding *f, const struct last *last) {
    struct audit_found *out = f->out;
    size_t kept = last->seen < AUDIT_FOUND_MAX ? last->seen : AUDIT_FOUND_MAX;
    for (size_t i = 0; i < kept; i++) {
        size_t at = (last->seen - 1 - i) % AUDIT_FOUND_MAX;
        if (out->count == AUDIT_FOUND_MAX || f->bytes + last->lines[at].len > AUDIT_FOUND_BYTES) {
            out->next = last->numbers[at] + 1;
            return false;
        }
        out->lines[out->count++] = arena_text(f->a, last->lines[at]);
        f->bytes += last->lines[at].len;
        if (i + 1 == kept && kept < last->seen) {
            out->next = last->numbers[at];
            return false;
        }
    }
    return true;
}

static bool look_at(struct finding *f, struct slice content) {
    struct last *last = xcalloc(1, sizeof *last);
    look_through(f, content, last);
    bool goes_on = take(f, last);
    free(last);
    return goes_on;
}

// false: the page is full, or *e says what went wrong.
static bool look_at_file(struct finding *f, const struct audit_file *file, bool *failed, struct err *e) {
    SCOPED_ARENA(one);
    struct slice content;
    struct err missing = {0};
    if (file_read(one, file->path, AUDIT_FILE_MAX, &content, &missing))
        return look_at(f, content);
    if (missing.code == ERR_NOT_FOUND) // the log's limits removed it just now
        return true;
    *e = missing;
    *failed = true;
    return false;
}

// From the newest file that has been ended on. `first`: number of the first line behind them, 0: none has one.
static bool look_at_ended(struct finding *f, const char *home, uint64_t first, size_t looked, struct err *e) {
    SCOPED_ARENA(t);
    struct audit_file *files;
    size_t count;
    bool failed = false;
    if (!audit_files(home, t, &files, &count, e))
        return false;
    for (size_t i = count; i-- > 0;) {
        const struct audit_file *x = &files[i];
        if (!x->first || (first && x->first >= first) || (f->before && x->first >= f->before))
            continue;
        if (looked++ == AUDIT_FILES_LOOKED) {
            f->out->next = files[i + 1 < count ? i + 1 : i].first;
            return true;
        }
        if (!look_at_file(f, x, &failed, e))
            return !failed;
    }
    return true;
}

bool audit_find(struct audit_found *out, struct arena *a, const char *home, const char *owner, uint64_t before,
                struct err *e) {
    SCOPED_ARENA(t);
    struct finding f = {
        .out = out, .a = a, .owner = owner, .needle = arena_printf(t, "\"owner\":\"%s\"", owner), .before = before};
    struct slice newest = {0};
    struct audit_link link = {0};
    struct err missing = {0};
    uint64_t first;
    size_t whole;
    *out = (struct audit_found){0};
    if (!file_read(t, arena_printf(t, "%s/audit.log", home), AUDIT_FILE_MAX, &newest, &missing) &&
        missing.code != ERR_NOT_FOUND) {
        *e = missing;
        return false;
    }
    audit_place(newest, &link, &first, &whole);
    bool here = first && (!before || first < before);
    return (here && !look_at(&f, newest)) || look_at_ended(&f, home, first, here, e);
}
