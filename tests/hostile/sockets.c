// SPDX-License-Identifier: Apache-2.0
// Sockets of every family, and what listens outside.
#include "attempt.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, SOCK_SEQPACKET};

static enum verdict one_socket(const struct ground *g, int family, struct note *n) {
    (void)g;
    int last = EAFNOSUPPORT;
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        int fd = (int)syscall(SYS_socket, family, types[i], 0);
        if (fd >= 0)
            return broke(n, "a socket of type %d", types[i]);
        last = errno == EAFNOSUPPORT ? last : errno;
    }
    errno = last;
    // Any other answer, a lack of rights too, is of the family's own code, which was reached.
    return last != EAFNOSUPPORT ? broke(n, "the family answers %d", last) : held(n, "no socket");
}

static enum verdict one_pair(const struct ground *g, int family, struct note *n) {
    (void)g;
    int pair[2], last = EAFNOSUPPORT;
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (syscall(SYS_socketpair, family, types[i], 0, pair) == 0)
            return broke(n, "a pair of type %d", types[i]);
        last = errno == EAFNOSUPPORT ? last : errno;
    }
    errno = last;
    return last != EAFNOSUPPORT ? broke(n, "the family answers %d", last) : held(n, "no pair");
}

// Every number that a family may have beside those that are meant to be had, so that none is forgotten.
static enum verdict any_family(const struct ground *g, int pair, struct note *n) {
    for (int family = 0; family < 128; family++) {
        if (family == AF_UNIX || family == AF_INET || family == AF_INET6)
            continue;
        if ((pair ? one_pair : one_socket)(g, family, n) == BROKE)
            return broke(n, "family %d", family);
    }
    return held(n, "no other family");
}

static enum verdict tcp(const struct ground *g, int arg, struct note *n) {
    (void)arg;
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)g->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = (int)syscall(SYS_socket, AF_INET, SOCK_STREAM, 0);
    if (fd < 0)
        return held(n, "no socket");
    return syscall(SYS_connect, fd, &to, sizeof to) == 0 ? broke(n, "connected to port %u of the machine", g->port)
                                                         : held(n, "connect");
}

static enum verdict abstract(const struct ground *g, int arg, struct note *n) {
    (void)arg;
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    size_t len = strlen(g->abstract);
    memcpy(to.sun_path + 1, g->abstract, len < sizeof to.sun_path - 1 ? len : sizeof to.sun_path - 1);
    int fd = (int)syscall(SYS_socket, AF_UNIX, SOCK_STREAM, 0);
    if (fd < 0)
        return held(n, "no socket");
    return syscall(SYS_connect, fd, &to, offsetof(struct sockaddr_un, sun_path) + 1 + len) == 0
               ? broke(n, "connected to an abstract socket outside")
               : held(n, "connect");
}

// A closed TCP socket that a guest was given could be connected anew by what is meant for sending.
static enum verdict send_to(const struct ground *g, int flags, struct note *n) {
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)g->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    (void)syscall(SYS_sendto, -1, "x", 1, flags, flags ? NULL : &to, flags ? 0 : sizeof to);
    return errno == EBADF ? broke(n, "only the descriptor was wrong") : held(n, "sendto");
}

// Parts of sockets that nobody here has use for and in which holes were: on any descriptor that is one.
static enum verdict urgent(const struct ground *g, int arg, struct note *n) {
    (void)g, (void)arg;
    for (int fd = 0; fd < 256; fd++)
        if (syscall(SYS_sendto, fd, "x", 1, MSG_OOB | MSG_DONTWAIT | MSG_NOSIGNAL, NULL, 0) == 1)
            return broke(n, "descriptor %d takes urgent bytes", fd);
    return held(n, "no socket takes urgent bytes");
}

static enum verdict filtered(const struct ground *g, int arg, struct note *n) {
    (void)g, (void)arg;
    struct sock_filter all[] = {BPF_STMT(BPF_RET | BPF_K, 0xffffffff)};
    struct sock_fprog p = {1, all};
    for (int fd = 0; fd < 256; fd++)
        if (syscall(SYS_setsockopt, fd, SOL_SOCKET, SO_ATTACH_FILTER, &p, sizeof p) == 0)
            return broke(n, "descriptor %d takes a program", fd);
    return held(n, "no socket takes a program");
}

#define FAMILY(word, number)                                                                                           \
    {"socket-" word, IN_ALL, "sockets", "filter", NULL, one_socket, number, PROBED}, {                                 \
        "socketpair-" word, IN_ALL, "sockets", "filter", NULL, one_pair, number, PROBED                                \
    }
const struct attempt attempts_sockets[] = {
    {"socket-unix", IN_EXECUTOR, NULL, "filter", NULL, one_socket, AF_UNIX, 0},
    {"socketpair-unix", IN_EXECUTOR, NULL, "filter", NULL, one_pair, AF_UNIX, 0},
    {"socket-inet", IN_BUILD | IN_EXECUTOR, "sockets", "filter", NULL, one_socket, AF_INET, 0},
    {"socket-inet6", IN_BUILD | IN_EXECUTOR, "sockets", "filter", NULL, one_socket, AF_INET6, 0},
    FAMILY("netlink", AF_NETLINK),
    FAMILY("packet", AF_PACKET),
    FAMILY("vsock", AF_VSOCK),
    {"socketpair-inet", IN_ALL, "sockets", "filter", NULL, one_pair, AF_INET, 0},
    {"socket-any", IN_ALL, "sockets", "filter", NULL, any_family, 0, PROBED},
    {"socketpair-any", IN_ALL, "sockets", "filter", NULL, any_family, 1, PROBED},
    {"tcp-to-the-machine", IN_BUILD | IN_EXECUTOR, "sockets,netns", "filter,netns,landlock", NULL, tcp, 0, 0},
    {"tcp-to-the-machine", IN_FETCH, "netns", NULL, NULL, tcp, 0, 0},
    {"abstract-socket", IN_ALL, "netns", "filter,netns,landlock", NULL, abstract, 0, 0},
    {"send-to-an-address", IN_EXECUTOR, NULL, "filter", NULL, send_to, 0, 0},
    {"urgent-bytes", IN_EXECUTOR, NULL, "filter", NULL, urgent, 0, PROBED},
    {"program-of-a-socket", IN_EXECUTOR, NULL, "filter", NULL, filtered, 0, 0},
    {"send-by-fast-open", IN_EXECUTOR, NULL, "filter", NULL, send_to, MSG_FASTOPEN, 0},
    {0},
};
