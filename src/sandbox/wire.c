// SPDX-License-Identifier: Apache-2.0
#include "sandbox/wire.h"

#include <errno.h>
#include <sys/socket.h>

bool wire_add(struct wire *w, const char *s) {
    size_t n = strlen(s) + 1;
    if (n > sizeof w->text - w->text_len)
        return false;
    memcpy(w->text + w->text_len, s, n);
    w->text_len += (uint32_t)n;
    return true;
}

bool wire_strings(struct wire *w, char **out, size_t *count) {
    *count = 0;
    if (w->text_len > sizeof w->text || (w->text_len && w->text[w->text_len - 1] != 0))
        return false;
    for (size_t at = 0; at < w->text_len; at += strlen(w->text + at) + 1) {
        if (*count == WIRE_STRINGS_MAX)
            return false;
        out[(*count)++] = w->text + at;
    }
    return true;
}

bool wire_send(int sock, const struct wire *w, int fd, struct err *e) {
    struct iovec iov = {(void *)(uintptr_t)w, offsetof(struct wire, text) + w->text_len};
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
        n = sendmsg(sock, &m, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n >= 0 || err_errno(e, "cannot write to the sandbox");
}

bool wire_receive(int sock, struct wire *w, int *fd, struct err *e) {
    struct iovec iov = {w, sizeof *w};
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control;
    struct msghdr m = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    int got = -1;
    ssize_t n;
    do
        n = recvmsg(sock, &m, MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    struct cmsghdr *c = n > 0 ? CMSG_FIRSTHDR(&m) : NULL;
    if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS && c->cmsg_len == CMSG_LEN(sizeof got))
        memcpy(&got, CMSG_DATA(c), sizeof got);
    bool whole = n >= (ssize_t)offsetof(struct wire, text) && (size_t)n == offsetof(struct wire, text) + w->text_len;
    if (got >= 0 && (!fd || !whole)) {
        close(got);
        got = -1;
    }
    if (fd)
        *fd = got;
    if (n < 0)
        return err_errno(e, "cannot read from the sandbox");
    if (n == 0)
        return err_set(e, ERR_UNAVAILABLE, "the sandbox has ended");
    return whole || err_set(e, ERR_CORRUPT, "the sandbox sent a torn message");
}
