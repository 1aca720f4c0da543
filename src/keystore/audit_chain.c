// SPDX-License-Identifier: Apache-2.0
#include "keystore/audit_chain.h"

#include "base/file.h"
#include "base/text.h"
#include "codec/json.h"
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>

#define FILES_MAX 65536

// --- one line ------------------------------------------------------------------------------------------------------

struct line {
    bool readable;
    uint64_t n; // 0: it has none
    struct hash prev;
    uint64_t kept_from; // 0: it does not say that anything was removed
};

static struct line read_line(struct slice text) {
    struct line out = {0};
    const char *prev = "", *what = "";
    SCOPED_JSON(j) = json_parse(text, AUDIT_LINE_MAX, NULL);
    if (!json_is_object(j))
        return out;
    if (!json_object_get(j, "n") && !json_object_get(j, "prev"))
        return (struct line){.readable = true};
    out.readable = json_get_u64(j, "n", &out.n, NULL) && out.n && json_get_text(j, "prev", &prev, NULL) &&
                   hash_from_hex(&out.prev, slice_str(prev), NULL) && json_opt_text(j, "what", &what, NULL);
    if (out.readable && strcmp(what, "retention") == 0)
        out.readable = json_opt_u64(j, "first", &out.kept_from, NULL);
    return out;
}

static bool next_line(struct slice *left, struct slice *line) {
    const uint8_t *end = left->len ? memchr(left->ptr, '\n', left->len) : NULL;
    if (!end)
        return false;
    *line = slice_of(left->ptr, (size_t)(end - left->ptr));
    *left = slice_skip(*left, line->len + 1);
    return true;
}

void audit_place(struct slice content, struct audit_link *link, uint64_t *first, size_t *whole) {
    struct slice left = content, line;
    *first = 0;
    while (next_line(&left, &line)) {
        struct line x = read_line(line);
        link->head = sha256(line);
        if (x.n)
            link->n = x.n;
        if (x.n && !*first)
            *first = x.n;
    }
    *whole = content.len - left.len;
}

uint64_t audit_first(struct slice content) {
    struct slice line;
    uint64_t n = 0;
    while (!n && next_line(&content, &line))
        n = read_line(line).n;
    return n;
}

// --- checking ------------------------------------------------------------------------------------------------------

PRINTF_LIKE(3, 4) static void found_broken(struct audit_check *c, uint64_t n, const char *fmt, ...) {
    va_list args;
    c->broken = true;
    c->broken_n = n;
    va_start(args, fmt);
    vsnprintf(c->why, sizeof c->why, fmt, args);
    va_end(args);
}

static void check_numbered(struct audit_check *c, const struct line *x) {
    uint64_t next = c->link.n + 1;
    bool begins = !c->first;
    if (begins && x->n > 1 && !c->unnumbered) { // its predecessors were removed, see audit_check_end
        c->first = x->n;
        return;
    }
    if (begins)
        c->first = 1;
    if (x->n > next)
        found_broken(c, next, "it is missing: %" PRIu64 " comes in its place", x->n);
    else if (x->n < next)
        found_broken(c, x->n, "it stands where %" PRIu64 " has to be", next);
    else if (!hash_eq(&x->prev, &c->link.head))
        found_broken(c, c->link.n, "it is not what it was when %" PRIu64 " was written behind it", x->n);
}

void audit_check_line(struct audit_check *c, struct slice line) {
    struct hash own = sha256(line);
    c->found |= hash_eq(&own, &c->wanted);
    if (c->broken)
        return;
    struct line x = read_line(line);
    if (!x.readable)
        found_broken(c, c->link.n + 1, "it cannot be read");
    else if (x.n)
        check_numbered(c, &x);
    else if (c->first)
        found_broken(c, c->link.n + 1, "a line without a number is in its place");
    else
        c->unnumbered++;
    if (c->broken)
        return;
    c->link.head = own;
    if (x.n)
        c->link.n = x.n;
    if (x.kept_from > c->kept_from)
        c->kept_from = x.kept_from;
}

void audit_check_end(struct audit_check *c) {
    if (!c->broken && c->first > 1 && c->kept_from < c->first)
        found_broken(c, c->first - 1, "it is missing, and the log does not say that its limits removed it");
}

// --- files ---------------------------------------------------------------------------------------------------------

static bool ended_file(const char *name, uint64_t *first) {
    static const char before[] = "audit-", behind[] = ".log";
    size_t n = strlen(name), around = strlen(before) + strlen(behind);
    *first = 0;
    if (strcmp(name, "audit.log.1") == 0)
        return true;
    return n > around && strncmp(name, before, strlen(before)) == 0 && strcmp(name + n - strlen(behind), behind) == 0 &&
           text_u64(slice_of(name + strlen(before), n - around), first) && *first;
}

static int oldest_first(const void *a, const void *b) {
    const struct audit_file *x = a, *y = b;
    return (x->first > y->first) - (x->first < y->first);
}

bool audit_files(const char *home, struct arena *a, struct audit_file **out, size_t *count, struct err *e) {
    DIR *d = opendir(home);
    struct stat st;
    size_t room = 0;
    uint64_t first;
    *count = 0;
    *out = NULL;
    if (!d)
        return err_errno(e, "cannot read '%s'", home);
    for (struct dirent *x; (x = readdir(d)) && *count < FILES_MAX;) {
        if (!ended_file(x->d_name, &first) || fstatat(dirfd(d), x->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
            !S_ISREG(st.st_mode))
            continue;
        if (*count == room) {
            struct audit_file *more = arena_alloc(a, (room = room ? 2 * room : 64) * sizeof *more);
            if (*count)
                memcpy(more, *out, *count * sizeof *more);
            *out = more;
        }
        uint64_t changed = (uint64_t)st.st_mtim.tv_sec * 1000 + (uint64_t)st.st_mtim.tv_nsec / 1000000;
        (*out)[(*count)++] =
            (struct audit_file){first, arena_printf(a, "%s/%s", home, x->d_name), (uint64_t)st.st_size, changed};
    }
    closedir(d);
    if (*count)
        qsort(*out, *count, sizeof **out, oldest_first);
    return true;
}

struct reading {
    bool (*each)(void *ctx, struct slice line, struct err *e);
    void *ctx;
};

static bool give_lines(const struct reading *r, struct slice content, bool ended, struct err *e) {
    struct slice line;
    while (next_line(&content, &line))
        if (!r->each(r->ctx, line, e))
            return false;
    return !ended || !content.len || r->each(r->ctx, content, e);
}

// The newest file is read before the others are looked for: what is moved away meanwhile is then seen twice, not never,
// and its first number says which.
bool audit_read(const char *home, bool (*each)(void *ctx, struct slice line, struct err *e), void *ctx, struct err *e) {
    SCOPED_ARENA(kept);
    SCOPED_ARENA(one);
    const struct reading r = {each, ctx};
    struct slice newest = {0}, content;
    struct audit_file *files;
    uint64_t first;
    size_t count;
    struct err missing = {0};
    bool given = false;
    if (!file_read(kept, arena_printf(kept, "%s/audit.log", home), AUDIT_FILE_MAX, &newest, &missing) &&
        missing.code != ERR_NOT_FOUND) {
        *e = missing;
        return false;
    }
    first = audit_first(newest);
    if (!audit_files(home, kept, &files, &count, e))
        return false;
    for (size_t i = 0; i < count && (!first || files[i].first < first); i++) {
        arena_reset(one);
        if (!file_read(one, files[i].path, AUDIT_FILE_MAX, &content, &missing)) {
            if (missing.code == ERR_NOT_FOUND && !given) // the log's limits removed it just now
                continue;
            *e = missing;
            return false;
        }
        given = true;
        if (!give_lines(&r, content, true, e))
            return false;
    }
    return give_lines(&r, newest, false, e);
}
