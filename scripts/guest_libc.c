// SPDX-License-Identifier: Apache-2.0
// What Rust's standard library for WASI calls and Debian's C library for WASI, which is older, does not have.
// scripts/guest.sh adds it to the C library that Rust guests are linked with: so a guest that could open sockets or
// start threads is built, and one that does it is told that there are none, in the way that its language has for it.
#include <errno.h>
#include <stddef.h>
#include <unistd.h>

static int absent(void) {
    errno = ENOTSUP;
    return -1;
}

// --- sockets: the first call also says on standard error what there is instead

#define INSTEAD "there are no sockets here: ask with HTTP through wasi:http, or a library that does"

static int no_sockets(void) {
    static const char line[] = INSTEAD "\n";
    static int said;
    if (!said++)
        (void)!write(STDERR_FILENO, line, sizeof line - 1);
    return absent();
}

struct sockaddr;
struct addrinfo;

int socket(int domain, int type, int protocol) {
    (void)domain, (void)type, (void)protocol;
    return no_sockets();
}
int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **out) {
    (void)host, (void)service, (void)hints;
    *out = NULL;
    (void)no_sockets();
    return -4; // EAI_FAIL, of which gai_strerror tells more
}
const char *gai_strerror(int code) {
    (void)code;
    return INSTEAD;
}
void freeaddrinfo(struct addrinfo *a) { (void)a; }
// Without socket nobody has one to call these with.
int bind(int fd, const struct sockaddr *a, unsigned n) { return (void)fd, (void)a, (void)n, absent(); }
int connect(int fd, const struct sockaddr *a, unsigned n) { return (void)fd, (void)a, (void)n, absent(); }
int listen(int fd, int n) { return (void)fd, (void)n, absent(); }
int getsockname(int fd, struct sockaddr *a, unsigned *n) { return (void)fd, (void)a, (void)n, absent(); }
int getpeername(int fd, struct sockaddr *a, unsigned *n) { return (void)fd, (void)a, (void)n, absent(); }
int setsockopt(int fd, int level, int name, const void *p, unsigned n) {
    return (void)fd, (void)level, (void)name, (void)p, (void)n, absent();
}
ssize_t sendto(int fd, const void *p, size_t n, int flags, const struct sockaddr *a, unsigned an) {
    return (void)fd, (void)p, (void)n, (void)flags, (void)a, (void)an, absent();
}
ssize_t recvfrom(int fd, void *p, size_t n, int flags, struct sockaddr *a, unsigned *an) {
    return (void)fd, (void)p, (void)n, (void)flags, (void)a, (void)an, absent();
}

// --- threads: these functions answer with the error itself

struct thread_attributes;

int pthread_attr_init(struct thread_attributes *a) { return (void)a, 0; }
int pthread_attr_destroy(struct thread_attributes *a) { return (void)a, 0; }
int pthread_attr_setstacksize(struct thread_attributes *a, size_t n) { return (void)a, (void)n, 0; }
int pthread_create(void **thread, const struct thread_attributes *a, void *(*start)(void *), void *arg) {
    return (void)thread, (void)a, (void)start, (void)arg, ENOTSUP;
}
int pthread_join(void *thread, void **out) { return (void)thread, (void)out, ENOTSUP; }
int pthread_detach(void *thread) { return (void)thread, ENOTSUP; }

// --- files

int chmod(const char *path, unsigned mode) { return (void)path, (void)mode, absent(); }
int fchmod(int fd, unsigned mode) { return (void)fd, (void)mode, absent(); }
char *realpath(const char *path, char *out) { return (void)path, (void)out, (void)absent(), NULL; }
