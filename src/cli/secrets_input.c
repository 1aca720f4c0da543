// SPDX-License-Identifier: Apache-2.0
#include "cli/secrets_input.h"

#include "base/buf.h"
#include "base/file.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <termios.h>
#include <unistd.h>

static bool bad_line(size_t line, const char *why, struct err *e) {
    err_set(e, ERR_USAGE, "line %zu %s", line, why);
    return err_hint(e, "lines are NAME=value; a value may stand in 'single' or \"double\" quotes");
}

static struct slice trimmed(struct slice s) {
    while (s.len && (s.ptr[0] == ' ' || s.ptr[0] == '\t'))
        s = slice_skip(s, 1);
    while (s.len && strchr(" \t\r", s.ptr[s.len - 1]) && s.ptr[s.len - 1])
        s.len--;
    return s;
}

static char unescaped(uint8_t c) { return c == 'n' ? '\n' : c == 't' ? '\t' : (char)c; }

// The value between its quotes; NULL: it does not end, or something follows.
static const char *quoted_value(struct arena *a, struct slice s) {
    char quote = (char)s.ptr[0], *out = arena_alloc(a, s.len);
    size_t n = 0, i = 1;
    for (; i < s.len && s.ptr[i] != (uint8_t)quote; i++) {
        bool escape = quote == '"' && s.ptr[i] == '\\' && i + 1 < s.len && strchr("nt\"\\$", s.ptr[i + 1]);
        out[n++] = escape ? unescaped(s.ptr[++i]) : (char)s.ptr[i];
    }
    out[n] = 0;
    return i + 1 == s.len ? out : NULL;
}

static bool is_known(const struct secrets *s, const char *name) {
    for (size_t i = 0; i < s->count; i++)
        if (strcmp(s->items[i].name, name) == 0)
            return true;
    return false;
}

static bool add(struct secrets *s, struct arena *a, struct slice name, const char *value, struct err *e) {
    if (!secret_name_check(name, GIVEN_BY_USER, e) || !secret_value_check(name, slice_str(value), e))
        return false;
    const char *text = arena_text(a, name);
    if (is_known(s, text))
        return err_set(e, ERR_USAGE, "the name '%s' is given twice", text);
    if (s->count == SECRETS_MAX)
        return err_set(e, ERR_TOO_LARGE, "more than %d secrets", SECRETS_MAX);
    s->items[s->count++] = (struct secret){text, value};
    return true;
}

static bool take_line(struct secrets *s, struct arena *a, struct slice line, size_t number, struct err *e) {
    line = trimmed(line);
    if (!line.len || line.ptr[0] == '#')
        return true;
    if (slice_starts(line, SLICE_LIT("export ")))
        line = trimmed(slice_skip(line, 7));
    const uint8_t *equals = line.len ? memchr(line.ptr, '=', line.len) : NULL;
    if (!equals)
        return bad_line(number, "has no '='", e);
    struct slice name = trimmed(slice_of(line.ptr, (size_t)(equals - line.ptr)));
    struct slice rest = trimmed(slice_skip(line, (size_t)(equals - line.ptr) + 1));
    bool quoted = rest.len && (rest.ptr[0] == '"' || rest.ptr[0] == '\'');
    if (rest.len && memchr(rest.ptr, 0, rest.len))
        return bad_line(number, "contains a NUL", e);
    const char *value = quoted ? quoted_value(a, rest) : arena_text(a, rest);
    return value ? add(s, a, name, value, e) : bad_line(number, "has a quote that does not end at its end", e);
}

bool secrets_from_env(struct secrets *out, struct arena *a, struct slice text, struct err *e) {
    *out = (struct secrets){arena_calloc(a, SECRETS_MAX, sizeof *out->items), 0};
    for (size_t number = 1; text.len; number++) {
        const uint8_t *end = memchr(text.ptr, '\n', text.len);
        struct slice line = slice_of(text.ptr, end ? (size_t)(end - text.ptr) : text.len);
        text = slice_skip(text, line.len + 1);
        if (!take_line(out, a, line, number, e))
            return false;
    }
    return out->count || err_set(e, ERR_USAGE, "there are no secrets in the input");
}

// --- where from

static bool read_all(struct arena *a, int fd, struct slice *out, struct err *e) {
    struct buf b = buf_init_wiped(SECRETS_TEXT_MAX);
    ssize_t n = 1;
    for (uint8_t *to; n > 0 && (to = buf_room(&b, 4096)); buf_commit(&b, n > 0 ? (size_t)n : 0))
        do
            n = read(fd, to, 4096);
        while (n < 0 && errno == EINTR);
    *out = arena_copy(a, buf_slice(&b));
    buf_free_wiped(&b);
    return n == 0 || err_set(e, n < 0 ? ERR_IO : ERR_TOO_LARGE,
                             n < 0 ? "the input cannot be read" : "the input has more than 128 KiB");
}

// A signal that ends this program must not leave the terminal without echo.
static struct {
    int tty;
    struct termios before;
} silenced;
static const int ending_signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

static void give_echo_back(int number) {
    tcsetattr(silenced.tty, TCSANOW, &silenced.before);
    raise(number); // its handler is the default one again: SA_RESETHAND
}

static void restore_signals(const struct sigaction before[static ARRAY_LEN(ending_signals)]) {
    for (size_t i = 0; i < ARRAY_LEN(ending_signals); i++)
        sigaction(ending_signals[i], &before[i], NULL);
}

static bool silence(int tty, struct sigaction before[static ARRAY_LEN(ending_signals)], struct err *e) {
    const struct sigaction ours = {.sa_handler = give_echo_back, .sa_flags = (int)SA_RESETHAND};
    silenced.tty = tty;
    if (tcgetattr(tty, &silenced.before) != 0)
        return err_errno(e, "the terminal cannot be made silent");
    for (size_t i = 0; i < ARRAY_LEN(ending_signals); i++) {
        sigaction(ending_signals[i], &ours, &before[i]);
        if (before[i].sa_handler == SIG_IGN) // as nohup wants it
            sigaction(ending_signals[i], &before[i], NULL);
    }
    struct termios quiet = silenced.before;
    quiet.c_lflag &= ~(tcflag_t)ECHO;
    if (tcsetattr(tty, TCSAFLUSH, &quiet) == 0)
        return true;
    restore_signals(before);
    return err_errno(e, "the terminal cannot be made silent");
}

static void end_silence(const struct sigaction before[static ARRAY_LEN(ending_signals)]) {
    tcsetattr(silenced.tty, TCSAFLUSH, &silenced.before);
    restore_signals(before);
    dprintf(silenced.tty, "\n");
}

// *out NULL: the input has ended (Ctrl-D on an empty line).
static bool read_line(struct arena *a, int tty, const char **out, struct err *e) {
    char line[4096];
    ssize_t n = read(tty, line, sizeof line - 1);
    bool whole = n == 0 || (n > 0 && line[n - 1] == '\n');
    *out = n > 0 ? arena_text(a, trimmed(slice_of(line, (size_t)n - 1))) : NULL;
    explicit_bzero(line, sizeof line);
    if (n < 0)
        return err_errno(e, "the terminal cannot be read");
    return whole || err_set(e, ERR_USAGE, "a line at the prompt has at most 4,094 bytes; use --env-file");
}

// One line from the terminal, without echo where `hidden`.
static bool ask(struct arena *a, int tty, const char *question, bool hidden, const char **out, struct err *e) {
    struct sigaction before[ARRAY_LEN(ending_signals)];
    dprintf(tty, "%s", question);
    if (hidden && !silence(tty, before, e))
        return false;
    bool ok = read_line(a, tty, out, e);
    if (hidden)
        end_silence(before);
    return ok;
}

static bool prompt(struct secrets *out, struct arena *a, int tty, struct err *e) {
    const char *name, *value;
    *out = (struct secrets){arena_calloc(a, SECRETS_MAX, sizeof *out->items), 0};
    for (;;) {
        if (!ask(a, tty, out->count ? "another name (empty: done): " : "name: ", false, &name, e))
            return false;
        if (!name || !name[0])
            return out->count || err_set(e, ERR_USAGE, "no secrets were given");
        if (!secret_name_check(slice_str(name), GIVEN_BY_USER, e) ||
            !ask(a, tty, arena_printf(a, "value of %s (not shown): ", name), true, &value, e))
            return false;
        if (!value)
            return err_set(e, ERR_USAGE, "the input ended before the value of %s: nothing was sealed or sent", name);
        if (!add(out, a, slice_str(name), value, e))
            return false;
    }
}

bool secrets_read(struct secrets *out, struct arena *a, const char *file, struct err *e) {
    struct slice text;
    if (file) {
        int fd = open(file, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            return err_set(e, ERR_USAGE, "cannot open '%s': %s", file, strerror(errno));
        bool ok = read_all(a, fd, &text, e);
        close(fd);
        return ok && (secrets_from_env(out, a, text, e) || err_wrap(e, "%s", file));
    }
    if (isatty(STDIN_FILENO))
        return prompt(out, a, STDIN_FILENO, e);
    return read_all(a, STDIN_FILENO, &text, e) && secrets_from_env(out, a, text, e);
}
