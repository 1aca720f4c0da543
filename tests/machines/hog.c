// SPDX-License-Identifier: Apache-2.0
// A step of a build that takes memory in one of four ways and holds it, for tests/machines_test.py:
// `hog malloc|memfd|shm|tmpfs MB`. It ends with 0 only when nothing has stopped it.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <unistd.h>

#define PIECE (1u << 20)

static unsigned pieces;

static int refused(const char *what) {
    perror(what);
    return 1;
}

static int fill(char *p) {
    if (!p || p == MAP_FAILED)
        return refused("memory");
    for (unsigned i = 0; i < pieces; i++)
        memset(p + (size_t)i * PIECE, (int)i + 1, PIECE);
    return 0;
}

static int write_all(int fd) {
    char *piece = malloc(PIECE);
    if (fd < 0 || !piece)
        return refused("file");
    memset(piece, 1, PIECE);
    for (unsigned i = 0; i < pieces; i++)
        for (size_t done = 0; done < PIECE;) {
            ssize_t n = write(fd, piece + done, PIECE - done);
            if (n <= 0)
                return refused("write");
            done += (size_t)n;
        }
    return 0;
}

static int take(const char *how) {
    const size_t all = (size_t)PIECE * pieces;
    if (strcmp(how, "malloc") == 0)
        return fill(malloc(all));
    if (strcmp(how, "memfd") == 0)
        return write_all(memfd_create("hog", 0));
    if (strcmp(how, "shm") == 0) {
        int id = shmget(IPC_PRIVATE, all, IPC_CREAT | 0600);
        return id < 0 ? refused("shmget") : fill(shmat(id, NULL, 0));
    }
    char name[] = "hog.XXXXXX"; // in the build's own folder, which is a tmpfs
    return write_all(mkstemp(name));
}

int main(int argc, char **argv) {
    pieces = argc == 3 ? (unsigned)atoi(argv[2]) : 0;
    if (!pieces || take(argv[1]) != 0)
        return 1;
    printf("took %u MB\n", pieces);
    return 0;
}
