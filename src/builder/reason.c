// SPDX-License-Identifier: Apache-2.0
#include "builder/reason.h"

#include "base/buf.h"
#include "base/text.h"
#include <strings.h>

#define SAID_MAX 5 // lines of a build script

// Removes colour codes and control characters, cuts sandbox paths down, replaces what is not UTF-8.
static char *clean_line(struct arena *a, struct slice raw) {
    static const char *const inside[] = {"/work/src/", "/work/", "/guest/bin/"};
    char *out = arena_alloc(a, raw.len + 1);
    size_t n = 0;
    for (size_t i = 0; i < raw.len; i++) {
        if (raw.ptr[i] == 0x1b && i + 1 < raw.len && raw.ptr[i + 1] == '[') {
            for (i += 2; i < raw.len && (raw.ptr[i] < 0x40 || raw.ptr[i] > 0x7e); i++)
                ;
            continue;
        }
        size_t skip = 0;
        for (size_t k = 0; !skip && k < ARRAY_LEN(inside); k++)
            if (slice_starts(slice_of(raw.ptr + i, raw.len - i), slice_str(inside[k])))
                skip = strlen(inside[k]);
        if (skip) {
            i += skip - 1;
            continue;
        }
        if (raw.ptr[i] >= 0x20 && raw.ptr[i] != 0x7f)
            out[n++] = (char)raw.ptr[i];
        else if (raw.ptr[i] == '\t')
            out[n++] = ' ';
    }
    out[n] = 0;
    if (!text_is_utf8(slice_of(out, n)))
        for (size_t i = 0; i < n; i++)
            if ((uint8_t)out[i] >= 0x80)
                out[i] = '?';
    return out;
}

static size_t split(struct arena *a, struct slice log, char **lines) {
    size_t n = 0;
    while (log.len) {
        const uint8_t *nl = memchr(log.ptr, '\n', log.len);
        size_t len = nl ? (size_t)(nl - log.ptr) : log.len;
        char *line = clean_line(a, slice_of(log.ptr, len > 1000 ? 1000 : len));
        if (line[strspn(line, " ")])
            lines[n++] = line;
        log = slice_skip(log, len + (nl ? 1 : 0));
    }
    return n;
}

static bool tells(const char *line) {
    static const char *const words[] = {
        "error:",      "error[",     "error while",       "fatal:",          "fatal error", "undefined",
        "cannot find", "no rule to", "not found",         "no such file",    "no space",    "resource temporarily",
        "cannot fork", "killed",     "permission denied", "= help: message:"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (strcasestr(line, words[i]))
            return true;
    return false;
}

// Lines that repeat in other words what another line says.
static bool idle(const char *line) {
    static const char *const words[] = {
        "could not compile", "aborting due to", "For more information about",    "linker command failed",
        "errors generated",  "error generated", "note: run with `RUST_BACKTRACE"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (strstr(line, words[i]))
            return true;
    return false;
}

// What a build script said before it gave up, which cargo shows below such a line, indented: from first to end are its
// last lines, and between start and first is what it said before.
struct said {
    size_t start, first, end;
};
static struct said script_said(char **lines, size_t n) {
    struct said s = {n, n, n};
    for (size_t i = 0; i < n; i++)
        if (strcmp(lines[i] + strspn(lines[i], " "), "--- stderr") == 0)
            s.start = i + 1;
    for (s.end = s.start; s.end < n && strncmp(lines[s.end], "  ", 2) == 0; s.end++)
        ;
    size_t kept = 0;
    for (s.first = s.end; s.first > s.start && kept < SAID_MAX; s.first--)
        kept += !idle(lines[s.first - 1]);
    return s;
}

// What a compiler only warns of, and what it quotes below that: lines that are indented, or numbered as in "12 | int
// x;".
static bool only_warns(char **lines, size_t i) {
    for (;; i--) {
        const char *line = lines[i], *text = line + strspn(line, " ");
        if (strncmp(text, "warning:", 8) == 0 || strncmp(text, "warning[", 8) == 0 || strstr(line, ": warning: "))
            return true;
        size_t digits = strspn(line, "0123456789");
        bool quoted = text > line || (digits && line[digits] == ' ');
        if (!quoted || i == 0)
            return false;
    }
}

static bool worth_telling(char **lines, size_t i, const struct said *s) {
    bool in_script = i >= s->start && i < s->end;
    return !idle(lines[i]) && (in_script ? i >= s->first : tells(lines[i]) && !only_warns(lines, i));
}

static char **lines_of(struct arena *a, struct slice log, size_t *count) {
    size_t most = 1;
    for (size_t i = 0; i < log.len; i++)
        most += log.ptr[i] == '\n';
    char **lines = arena_calloc(a, most, sizeof *lines);
    *count = split(a, log, lines);
    return lines;
}

const char *reason_log(struct arena *a, struct slice log, size_t max) {
    size_t n, first, bytes = 0;
    char **lines = lines_of(a, log, &n);
    for (first = n; first > 0 && bytes + strlen(lines[first - 1]) + 1 <= max; first--)
        bytes += strlen(lines[first - 1]) + 1;
    SCOPED_BUF(b, max + 1);
    for (size_t i = first; i < n; i++)
        buf_printf(&b, "%s%s", i > first ? "\n" : "", lines[i]);
    return b.len ? arena_strdup(a, buf_str(&b)) : NULL;
}

const char *reason_make(struct arena *a, const char *what, struct slice log) {
    SCOPED_BUF(b, 16384);
    size_t n, taken = 0;
    char **lines = lines_of(a, log, &n);
    struct said said = script_said(lines, n);
    buf_add_str(&b, what);
    for (size_t i = 0; i < n && b.len < REASON_MAX; i++) {
        if (!worth_telling(lines, i, &said))
            continue;
        buf_printf(&b, "%s%s", taken++ ? "\n" : ": ", lines[i] + strspn(lines[i], " "));
        const char *next = i + 1 < n ? lines[i + 1] + strspn(lines[i + 1], " ") : "";
        if (strncmp(next, "-->", 3) == 0) // where a Rust error is
            buf_printf(&b, " (%s)", next + 3 + strspn(next + 3, " "));
    }
    for (size_t i = n > 4 ? n - 4 : 0; !taken && i < n; i++)
        buf_printf(&b, "%s%s", i == (n > 4 ? n - 4 : 0) ? ": " : "\n", lines[i] + strspn(lines[i], " "));
    const char *text = buf_str(&b);
    size_t len = text_cut(text, REASON_MAX);
    return arena_text(a, slice_of(text, len));
}
