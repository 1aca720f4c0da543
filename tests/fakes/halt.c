// SPDX-License-Identifier: Apache-2.0
// For tests: preloaded into a process, it stops it (SIGSTOP) at the call that the file HALT_AT names, so that a test
// can kill it just there: "write NAME" and "sync NAME" before such a call on a file whose path ends so, "synced NAME"
// after it, and "send WORDS" before bytes with these words go out on a socket.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

// Whether the test named this call; *rest is what stands behind its word.
static int is_named(const char *word, char rest[static 200]) {
    char text[256];
    const char *at = getenv("HALT_AT");
    int fd = at ? open(at, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0)
        return 0;
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    text[n > 0 ? n : 0] = 0;
    size_t length = strlen(word);
    if (strncmp(text, word, length) != 0 || text[length] != ' ')
        return 0;
    snprintf(rest, 200, "%s", text + length + 1);
    return 1;
}

static void halt(void) {
    unlink(getenv("HALT_AT")); // once
    raise(SIGSTOP);            // to this thread, which goes no further
}

static void at_file(const char *word, int fd) {
    char end[200], link[40], path[4096];
    if (!is_named(word, end))
        return;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path);
    size_t length = strlen(end);
    if (n >= (ssize_t)length && memcmp(path + n - length, end, length) == 0)
        halt();
}

static void at_bytes(const void *bytes, size_t n) {
    char words[200];
    if (is_named("send", words) && memmem(bytes, n, words, strlen(words)))
        halt();
}

static void at_pieces(const struct iovec *at, size_t count) {
    for (size_t i = 0; i < count; i++)
        at_bytes(at[i].iov_base, at[i].iov_len);
}

ssize_t pwrite64(int fd, const void *bytes, size_t n, off64_t at) {
    at_file("write", fd);
    return REAL(pwrite64)(fd, bytes, n, at);
}

int fdatasync(int fd) {
    at_file("sync", fd);
    int rc = REAL(fdatasync)(fd);
    at_file("synced", fd);
    return rc;
}

int fsync(int fd) {
    at_file("sync", fd);
    int rc = REAL(fsync)(fd);
    at_file("synced", fd);
    return rc;
}

ssize_t send(int fd, const void *bytes, size_t n, int flags) {
    at_bytes(bytes, n);
    return REAL(send)(fd, bytes, n, flags);
}

ssize_t sendmsg(int fd, const struct msghdr *m, int flags) {
    at_pieces(m->msg_iov, m->msg_iovlen);
    return REAL(sendmsg)(fd, m, flags);
}

ssize_t writev(int fd, const struct iovec *at, int count) {
    at_pieces(at, (size_t)count);
    return REAL(writev)(fd, at, count);
}
