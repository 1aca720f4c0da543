// SPDX-License-Identifier: Apache-2.0
#include "cli/prompt.h"
#include "base/text.h"
#include <errno.h>
#include <signal.h>
#include <termios.h>

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
    return whole || err_set(e, ERR_USAGE, "a line at the prompt has at most 4,094 bytes");
}

bool prompt_ask(struct arena *a, int tty, const char *question, bool hidden, const char **out, struct err *e) {
    struct sigaction before[ARRAY_LEN(ending_signals)];
    // Whoever sees the question may answer at once: from then on nothing is echoed, and nothing typed is thrown away.
    if (hidden && !silence(tty, before, e))
        return false;
    dprintf(tty, "%s", question);
    bool ok = read_line(a, tty, out, e);
    if (hidden)
        end_silence(before);
    return ok;
}
