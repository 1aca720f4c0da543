// SPDX-License-Identifier: Apache-2.0
#include "cli/secrets_input.h"

#include "base/buf.h"
#include "base/file.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <termios.h>
#include <unistd.h>

bool secrets_from_env(struct secrets *out, struct arena *a, struct slice text, struct err *e) {
    return env_file_read(out, a, text, GIVEN_BY_USER, e) &&
           (out->count || err_set(e, ERR_USAGE, "there are no secrets in the input"));
}

// --- where from

static bool read_all(struct arena *a, int fd, struct slice *out, struct err *e) {
    struct buf b = buf_init_wiped(ENV_FILE_MAX);
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
    *out = n > 0 ? arena_text(a, slice_trim(slice_of(line, (size_t)n - 1))) : NULL;
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
        if (!env_add(out, a, slice_str(name), value, GIVEN_BY_USER, e))
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
