// SPDX-License-Identifier: Apache-2.0
// Descriptors that whoever started the process had open.
#include "attempt.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define DESCRIPTORS 1024

// By mmap, which the engine needs and every filter allows.
static enum verdict read_all(const struct ground *g, int arg, struct note *n) {
    (void)g, (void)arg;
    for (int fd = 0; fd < DESCRIPTORS; fd++) {
        struct stat st;
        void *p = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
        if (p == MAP_FAILED || syscall(SYS_fstat, fd, &st) != 0 ||
            st.st_size == 0) // an empty file has no byte to look at
            continue;
        bool found = memcmp(p, SECRET, strlen(SECRET)) == 0;
        munmap(p, 4096);
        if (found)
            return broke(n, "descriptor %d has the secret", fd);
    }
    errno = 0;
    return held(n, "no descriptor has the secret");
}

static enum verdict beside_three(const struct ground *g, int arg, struct note *n) {
    (void)g, (void)arg;
    for (int fd = 3; fd < DESCRIPTORS; fd++)
        if (fcntl(fd, F_GETFD) >= 0)
            return broke(n, "descriptor %d is open", fd);
    errno = 0;
    return held(n, "0, 1 and 2 alone are open");
}

// The three themselves: nothing to read from the starter, nothing but the output to write to, no terminal.
static enum verdict the_three(const struct ground *g, int arg, struct note *n) {
    (void)g, (void)arg;
    struct stat in, out, errors;
    if (fstat(0, &in) != 0 || fstat(1, &out) != 0 || fstat(2, &errors) != 0)
        return broke(n, "one of the three is closed: the next file would take its place");
    if (isatty(0) || isatty(1) || isatty(2))
        return broke(n, "one of the three is a terminal");
    if (!S_ISCHR(in.st_mode) || !S_ISFIFO(out.st_mode) || out.st_ino != errors.st_ino)
        return broke(n, "modes %o %o %o", in.st_mode, out.st_mode, errors.st_mode);
    errno = 0;
    return held(n, "a null device and one pipe");
}

const struct attempt attempts_descriptors[] = {
    {"descriptor-read", IN_ALL, "fds", "fds", NULL, read_all, 0, 0},
    {"descriptor-count", IN_BOX, "fds", NULL, NULL, beside_three, 0, 0},
    {"descriptor-kinds", IN_BOX, "", NULL, "what the three are is set by the order to run itself", the_three, 0, 0},
    {0},
};
