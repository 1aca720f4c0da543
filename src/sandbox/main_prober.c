// SPDX-License-Identifier: Apache-2.0
// For tests: the keeper of a slot whose processes do what they are told, one order a process, and answer with a line.
#include "sandbox/confine.h"
#include "sandbox/slot_keeper.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

// What a process sees of itself.
static void who(char *out, size_t size) {
    struct stat root;
    size_t files = 0;
    DIR *d = opendir("/");
    while (d && readdir(d))
        files++;
    bool read_only = open("/x", O_WRONLY | O_CREAT, 0600) < 0;
    snprintf(out, size, "pid %d uid %d files %zu ro %d root %d dumpable %d nnp %d fds %d", getpid(), (int)getuid(),
             files, read_only, stat("/etc", &root) == 0, prctl(PR_GET_DUMPABLE), prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0),
             (fcntl(3, F_GETFD) >= 0) + 2 * (fcntl(4, F_GETFD) >= 0 && !d));
}

static void fork_on(void) {
    if (fork() == 0)
        for (;;)
            pause();
}

static void use_memory(size_t mb) {
    char *p = mmap(NULL, mb << 20, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    for (size_t i = 0; p != MAP_FAILED && i < mb << 20; i += 4096)
        p[i] = 1;
}

static int work(void *unused, int sock) {
    char order[64] = "", answer[256] = "done";
    (void)unused;
    if (recv(sock, order, sizeof order - 1, 0) <= 0)
        return 7;
    if (strcmp(order, "who") == 0)
        who(answer, sizeof answer);
    if (strcmp(order, "fork") == 0) // what outlives it, if it could
        fork_on();
    if (strcmp(order, "memory") == 0)
        use_memory(400);
    if (strcmp(order, "kill keeper") == 0)
        snprintf(answer, sizeof answer, "%d", kill(getppid() ? getppid() : 1, SIGKILL) == 0 && getppid());
    if (strcmp(order, "exit 5") == 0)
        return 5;
    (void)!write(sock, answer, strlen(answer));
    for (;;)
        pause();
}

int main(int argc, char **argv) { return argc == 2 ? slot_keep(argv[1][0] - '0', work, NULL) : 2; }
