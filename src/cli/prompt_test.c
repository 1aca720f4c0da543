// SPDX-License-Identifier: Apache-2.0
#include "cli/prompt.h"

#include "base/test.h"
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/wait.h>
#include <termios.h>

enum { PATIENCE_MS = 60000 };

static bool echoes(int tty) {
    struct termios now;
    return tcgetattr(tty, &now) == 0 && (now.c_lflag & ECHO);
}

static void ask_and_end(int screen, int tty) {
    close(screen); // or it would keep itself alive where the test fails
    SCOPED_ARENA(a);
    const char *answer;
    struct err e = {0};
    _exit(prompt_ask(a, tty, "word: ", true, &answer, &e) && answer && strcmp(answer, "s3same") == 0 ? 0 : 1);
}

// If this fails, the first letters of a secret are shown, and an answer that is pasted as soon as the question is seen
// is lost, upon which the program waits for ever.
static void test_silent_before_it_asks(void **state) {
    (void)state;
    int screen, tty;
    assert_int_equal(openpty(&screen, &tty, NULL, NULL, NULL), 0);
    assert_int_equal(tcflow(tty, TCOOFF), 0); // the question cannot be shown yet
    pid_t pid = fork();
    if (pid == 0)
        ask_and_end(screen, tty);
    for (int ms = 0; echoes(tty) && ms < PATIENCE_MS; ms++)
        poll(NULL, 0, 1);
    assert_false(echoes(tty));
    assert_int_equal(tcflow(tty, TCOON), 0);
    char shown[64];
    size_t n = 0;
    while (n < strlen("word: "))
        n += (size_t)read(screen, shown + n, sizeof shown - n);
    assert_int_equal(write(screen, "s3same\n", 7), 7);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_true(echoes(tty));
    close(tty);
    close(screen);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_silent_before_it_asks),
};
RUN_TESTS(tests)
