// SPDX-License-Identifier: Apache-2.0
#include "builder/recipe.h"

#include "base/buf.h"
#include "base/text.h"

static struct slice trim(struct slice s) {
    while (s.len && (s.ptr[0] == ' ' || s.ptr[0] == '\t'))
        s = slice_skip(s, 1);
    while (s.len && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t' || s.ptr[s.len - 1] == '\r'))
        s.len--;
    return s;
}

static struct slice next_line(struct slice *rest) {
    const uint8_t *nl = memchr(rest->ptr, '\n', rest->len);
    struct slice line = slice_of(rest->ptr, nl ? (size_t)(nl - rest->ptr) : rest->len);
    *rest = slice_skip(*rest, line.len + 1);
    return line;
}

// What stands behind a backslash in a basic string; 0 for what is not served (\u…, \b, …).
static char unescape(uint8_t c) {
    switch (c) {
    case 'n': return '\n';
    case 't': return '\t';
    case '"': return '"';
    case '\\': return '\\';
    default: return 0;
    }
}

// A string at the start of s; what stands behind it may only be a comment.
static const char *string_value(struct arena *a, struct slice s) {
    uint8_t quote = s.len ? s.ptr[0] : 0;
    if (quote != '"' && quote != '\'')
        return NULL;
    char *out = arena_alloc(a, s.len);
    size_t n = 0, i = 1;
    for (; i < s.len && s.ptr[i] != quote; i++) {
        uint8_t c = s.ptr[i];
        if (quote == '"' && c == '\\') {
            c = i + 1 < s.len ? (uint8_t)unescape(s.ptr[++i]) : 0;
            if (!c)
                return NULL;
        } else if ((c < 0x20 && c != '\t') || c == 0x7f) {
            return NULL;
        }
        out[n++] = (char)c;
    }
    if (i >= s.len)
        return NULL;
    out[n] = 0;
    struct slice behind = trim(slice_skip(s, i + 1));
    return !behind.len || behind.ptr[0] == '#' ? out : NULL;
}

static bool take_line(struct recipe *out, struct arena *a, struct slice line, unsigned number, struct err *e) {
    const uint8_t *eq = memchr(line.ptr, '=', line.len);
    struct slice key = trim(slice_of(line.ptr, eq ? (size_t)(eq - line.ptr) : line.len));
    const char **at = slice_eq_str(key, "build") ? &out->build : slice_eq_str(key, "output") ? &out->output : NULL;
    if (!at || !eq) {
        err_set(e, ERR_INVALID, "outlayer.toml, line %u: '%.*s' is not known", number,
                (int)(key.len > 40 ? 40 : key.len), (const char *)key.ptr);
        return err_hint(e, "the keys are build and output");
    }
    if (*at)
        return err_set(e, ERR_INVALID, "outlayer.toml, line %u: '%.*s' is there twice", number, SLICE_FMT(key));
    *at = string_value(a, trim(slice_skip(line, (size_t)(eq - line.ptr) + 1)));
    return *at ||
           err_set(e, ERR_INVALID, "outlayer.toml, line %u: '%.*s' wants a string on one line", number, SLICE_FMT(key));
}

// A relative path that stays where it starts.
static bool path_inside(const char *p) {
    if (!p[0] || p[0] == '/' || strlen(p) > 1000)
        return false;
    for (const char *part = p;;) {
        size_t n = strcspn(part, "/");
        if (!n || (n == 1 && part[0] == '.') || (n == 2 && part[0] == '.' && part[1] == '.'))
            return false;
        if (!part[n])
            return true;
        part += n + 1;
    }
}

bool recipe_parse(struct recipe *out, struct arena *a, struct slice text, struct err *e) {
    *out = (struct recipe){0};
    if (text.len > RECIPE_MAX || !text_is_utf8(text) || (text.len && memchr(text.ptr, 0, text.len)))
        return err_set(e, ERR_INVALID, "outlayer.toml is not a text of at most %d bytes", RECIPE_MAX);
    unsigned number = 0;
    for (struct slice rest = text; rest.len;) {
        struct slice line = trim(next_line(&rest));
        number++;
        if (line.len && line.ptr[0] != '#' && !take_line(out, a, line, number, e))
            return false;
    }
    if (!out->build || !out->build[0] || !out->output)
        return err_set(e, ERR_INVALID, "outlayer.toml wants both build and output");
    return path_inside(out->output) ||
           err_set(e, ERR_INVALID, "outlayer.toml: output '%.100s' is not a path inside the repository", out->output);
}

static void add_quoted(struct buf *b, const char *key, const char *value) {
    buf_printf(b, "%s = \"", key);
    for (const char *p = value; *p; p++) {
        const char *escape = *p == '\n' ? "\\n" : *p == '"' ? "\\\"" : *p == '\\' ? "\\\\" : NULL;
        if (escape)
            buf_add_str(b, escape);
        else
            buf_add_byte(b, (uint8_t)*p);
    }
    buf_add_str(b, "\"\n");
}

const char *recipe_text(struct arena *a, const struct recipe *r) {
    SCOPED_BUF(b, 4 * RECIPE_MAX);
    add_quoted(&b, "build", r->build);
    add_quoted(&b, "output", r->output);
    return arena_text(a, buf_slice(&b));
}
