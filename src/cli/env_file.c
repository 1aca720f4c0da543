// SPDX-License-Identifier: Apache-2.0
#include "cli/env_file.h"

#include "base/text.h"

#define BOM "\xef\xbb\xbf"

struct reading {
    struct arena *arena;
    struct secrets *out;
    enum secret_giver by;
    size_t number;             // of the line
    size_t lines[SECRETS_MAX]; // on which each name stands
};

static bool bad_line(const struct reading *r, const char *why, const char *hint, struct err *e) {
    err_set(e, ERR_USAGE, "line %zu %s", r->number, why);
    return err_hint(e, "%s", hint);
}

static const char how_lines_are[] = "lines are NAME=value; a value may stand in 'single' or \"double\" quotes";
static const char how_to_fold[] = "write it on one line in double quotes, with \\n for each new line; awk '{printf "
                                  "\"%s\\\\n\", $0}' FILE makes one of a file";

static bool is_blank(uint8_t c) { return c == ' ' || c == '\t'; }

// --- values

static char unescaped(uint8_t c) {
    switch (c) {
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    default: return (char)c;
    }
}

// The value between its quotes; a comment may follow. NULL: *e says what is wrong.
static const char *quoted_value(const struct reading *r, struct slice s, struct err *e) {
    uint8_t quote = s.ptr[0];
    char *out = arena_alloc(r->arena, s.len);
    size_t n = 0, i = 1;
    for (; i < s.len && s.ptr[i] != quote; i++) {
        bool escape = quote == '"' && s.ptr[i] == '\\' && i + 1 < s.len && strchr("nrt\"\\$", s.ptr[i + 1]);
        out[n++] = escape ? unescaped(s.ptr[++i]) : (char)s.ptr[i];
    }
    out[n] = 0;
    if (i >= s.len) {
        (void)bad_line(r, "has a quote that does not end on it", how_to_fold, e);
        return NULL;
    }
    struct slice rest = slice_trim(slice_skip(s, i + 1));
    if (!rest.len || (rest.ptr[0] == '#' && rest.ptr - s.ptr > (ptrdiff_t)i + 1))
        return out;
    (void)bad_line(r, "has a quote that does not end at its end", how_lines_are, e);
    return NULL;
}

// Up to a '#' that stands behind a blank: the rest is a comment.
static const char *plain_value(const struct reading *r, struct slice s, struct err *e) {
    if (slice_starts(s, SLICE_LIT("-----BEGIN "))) { // a key, as it stands in a file of its own
        (void)bad_line(r, "begins a key that goes on in the next lines", how_to_fold, e);
        return NULL;
    }
    size_t n = 0;
    while (n < s.len && !(s.ptr[n] == '#' && (!n || is_blank(s.ptr[n - 1]))))
        n++;
    return arena_text(r->arena, slice_trim(slice_of(s.ptr, n)));
}

// --- lines

static size_t index_of(const struct secrets *s, const char *name) {
    size_t i = 0;
    while (i < s->count && strcmp(s->items[i].name, name) != 0)
        i++;
    return i;
}

bool env_add(struct secrets *s, struct arena *a, struct slice name, const char *value, enum secret_giver by,
             struct err *e) {
    if (!secret_name_check(name, by, e) || !secret_value_check(name, slice_str(value), e))
        return false;
    const char *text = arena_text(a, name);
    if (index_of(s, text) < s->count)
        return err_set(e, ERR_USAGE, "the name '%s' is given twice", text);
    if (s->count == SECRETS_MAX)
        return err_set(e, ERR_TOO_LARGE, "there are more than %d names", SECRETS_MAX);
    s->items[s->count++] = (struct secret){text, value};
    return true;
}

static bool is_name(struct slice s) {
    for (size_t i = 0; i < s.len; i++)
        if (!isalnum(s.ptr[i]) && s.ptr[i] != '_')
            return false;
    return s.len && s.len <= SECRET_NAME_MAX && !isdigit(s.ptr[0]);
}

static bool take_value(struct reading *r, struct slice name, struct slice rest, struct err *e) {
    struct secrets *s = r->out;
    bool quoted = rest.len && (rest.ptr[0] == '"' || rest.ptr[0] == '\'');
    const char *value = quoted ? quoted_value(r, rest, e) : plain_value(r, rest, e);
    if (!value)
        return false;
    size_t before = index_of(s, arena_text(r->arena, name));
    if (before < s->count) {
        err_set(e, ERR_USAGE, "line %zu names '%s' again, which is given twice: line %zu has it, too", r->number,
                s->items[before].name, r->lines[before]);
        return err_hint(e, "take one of them out: which one is meant cannot be told");
    }
    if (!env_add(s, r->arena, name, value, r->by, e))
        return err_wrap(e, "line %zu", r->number);
    r->lines[s->count - 1] = r->number;
    return true;
}

static bool take_line(struct reading *r, struct slice line, struct err *e) {
    if (line.len && line.ptr[line.len - 1] == '\r')
        line.len--;
    line = slice_trim(line);
    if (!line.len || line.ptr[0] == '#')
        return true;
    if (memchr(line.ptr, 0, line.len))
        return bad_line(r, "contains a NUL", "a .env file is UTF-8 text", e);
    if (line.len > 7 && slice_starts(line, SLICE_LIT("export")) && is_blank(line.ptr[6]))
        line = slice_trim(slice_skip(line, 7));
    const uint8_t *equals = memchr(line.ptr, '=', line.len);
    if (!equals)
        return bad_line(r, "has no '='", how_lines_are, e);
    struct slice name = slice_trim(slice_of(line.ptr, (size_t)(equals - line.ptr)));
    if (!is_name(name)) // not shown: it may be a piece of a key
        return bad_line(r, "begins with what is not a name",
                        "a name has 1 to 128 letters, digits and underscores and does not begin with a digit", e);
    return take_value(r, name, slice_trim(slice_skip(line, (size_t)(equals - line.ptr) + 1)), e);
}

bool env_file_read(struct secrets *out, struct arena *a, struct slice text, enum secret_giver by, struct err *e) {
    *out = (struct secrets){arena_calloc(a, SECRETS_MAX, sizeof *out->items), 0};
    struct reading r = {.arena = a, .out = out, .by = by, .number = 1};
    if (slice_starts(text, SLICE_LIT("\xff\xfe")) || slice_starts(text, SLICE_LIT("\xfe\xff"))) {
        err_set(e, ERR_USAGE, "the text is UTF-16");
        return err_hint(e, "save it as UTF-8");
    }
    if (slice_starts(text, SLICE_LIT(BOM)))
        text = slice_skip(text, sizeof BOM - 1);
    for (; text.len; r.number++) {
        const uint8_t *end = memchr(text.ptr, '\n', text.len);
        struct slice line = slice_of(text.ptr, end ? (size_t)(end - text.ptr) : text.len);
        text = slice_skip(text, line.len + 1);
        if (!take_line(&r, line, e))
            return false;
    }
    return true;
}
