// SPDX-License-Identifier: Apache-2.0
#include "egress/wire.h"

#include "sandbox/wire.h"
#include <errno.h>

#define FDS_MAX 8 // room for what a stranger sends along, so that all of it is closed

// Names as resolvers take them, and addresses, IPv6 in brackets or bare.
static bool plain_host(const char *host) {
    size_t n = strnlen(host, EGRESS_HOST_MAX);
    return n && n < EGRESS_HOST_MAX && host[0] != '-' &&
           strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:[]") == n;
}

bool egress_question_valid(const void *bytes, size_t len, struct egress_question *out) {
    if (len != sizeof *out)
        return false;
    memcpy(out, bytes, sizeof *out);
    return out->port && out->tried_count <= EGRESS_TRIED_MAX && out->timeout_ms <= EGRESS_WAIT_MAX_MS &&
           plain_host(out->host);
}

bool egress_order_valid(const void *bytes, size_t len, struct egress_order *out) {
    if (len != sizeof *out)
        return false;
    memcpy(out, bytes, sizeof *out);
    return out->kind < EGRESS_ORDERS && (out->client_kind == EGRESS_GUEST || out->client_kind == EGRESS_FETCH);
}

bool egress_answer_valid(const void *bytes, size_t len, struct egress_answer *out) {
    if (len != sizeof *out)
        return false;
    memcpy(out, bytes, sizeof *out);
    return out->end < EGRESS_ENDS;
}

bool egress_send(int sock, const void *message, size_t len, int fd) {
    struct iovec iov = {(void *)(uintptr_t)message, len};
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control = {0};
    struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
    if (fd >= 0) {
        m.msg_control = control.bytes;
        m.msg_controllen = sizeof control.bytes;
        struct cmsghdr *c = CMSG_FIRSTHDR(&m);
        c->cmsg_level = SOL_SOCKET, c->cmsg_type = SCM_RIGHTS, c->cmsg_len = CMSG_LEN(sizeof fd);
        memcpy(CMSG_DATA(c), &fd, sizeof fd);
    }
    ssize_t n;
    do
        n = sendmsg(sock, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    return n == (ssize_t)len;
}

// Keeps the first descriptor that came along, closes the others.
static int take_first(struct msghdr *m) {
    struct wire_fds got = {.count = 0};
    wire_take_fds(m, &got);
    int first = got.count ? got.fd[0] : -1;
    for (size_t i = 1; i < got.count; i++)
        close(got.fd[i]);
    return first;
}

bool egress_receive(int sock, void *message, size_t max, size_t *len, int *fd) {
    struct iovec iov = {message, max};
    union {
        char bytes[CMSG_SPACE(FDS_MAX * sizeof(int))];
        struct cmsghdr align;
    } control;
    struct msghdr m = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    ssize_t n;
    do
        n = recvmsg(sock, &m, MSG_CMSG_CLOEXEC | MSG_DONTWAIT | MSG_TRUNC);
    while (n < 0 && errno == EINTR);
    *fd = n >= 0 ? take_first(&m) : -1;
    *len = n > 0 ? (size_t)n : 0; // MSG_TRUNC: the true length, so that what is too long is not taken for what fits
    return n >= 0;
}
