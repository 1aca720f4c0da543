// SPDX-License-Identifier: Apache-2.0
#include "sandbox/wire.h"

#include "base/clock.h"
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#define CANCEL_LOOK_MS 250 // a flag in memory cannot be waited for

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

bool wire_succeeded(const struct wire *w, struct err *e) {
    if (!w->failed)
        return true;
    enum err_code code = w->failed <= ERR_SETTINGS + 1 ? (enum err_code)(w->failed - 1) : ERR_IO;
    return err_set(e, code, "%.*s", (int)strnlen(w->text, w->text_len), w->text);
}

bool wire_whole(const struct wire *w, size_t n) {
    size_t head = offsetof(struct wire, text);
    return n >= head && w->text_len <= sizeof w->text && n == head + w->text_len;
}

void wire_close(struct wire_fds *fds) {
    for (size_t i = 0; i < fds->count; i++)
        close(fds->fd[i]);
    fds->count = 0;
}

bool wire_send(int sock, const struct wire *w, const struct wire_fds *fds, struct err *e) {
    struct iovec iov = {(void *)(uintptr_t)w, offsetof(struct wire, text) + w->text_len};
    union {
        char bytes[CMSG_SPACE(WIRE_FDS_MAX * sizeof(int))];
        struct cmsghdr align;
    } control = {0};
    struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
    if (fds && fds->count) {
        m.msg_control = control.bytes;
        m.msg_controllen = CMSG_SPACE(fds->count * sizeof(int));
        struct cmsghdr *c = CMSG_FIRSTHDR(&m);
        c->cmsg_level = SOL_SOCKET, c->cmsg_type = SCM_RIGHTS, c->cmsg_len = CMSG_LEN(fds->count * sizeof(int));
        memcpy(CMSG_DATA(c), fds->fd, fds->count * sizeof(int));
    }
    ssize_t n;
    do
        n = sendmsg(sock, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    if (n < 0 && errno == EAGAIN)
        return err_set(e, ERR_UNAVAILABLE, "the sandbox does not read its orders");
    return n >= 0 || err_errno(e, "cannot write to the sandbox");
}

void wire_take_fds(struct msghdr *m, struct wire_fds *out) {
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < n; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
            if (out->count < WIRE_FDS_MAX)
                out->fd[out->count++] = fd;
            else
                close(fd);
        }
    }
}

bool wire_receive(int sock, struct wire *w, struct wire_fds *fds, size_t most, struct err *e) {
    struct iovec iov = {w, sizeof *w};
    union {
        char bytes[CMSG_SPACE(WIRE_FDS_MAX * sizeof(int))];
        struct cmsghdr align;
    } control;
    struct msghdr m = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    struct wire_fds got = {.count = 0};
    ssize_t n;
    if (fds)
        fds->count = 0;
    do
        n = recvmsg(sock, &m, MSG_CMSG_CLOEXEC);
    while (n < 0 && (errno == EINTR || errno == ECONNRESET)); // reset: told once, before what was sent last
    if (n < 0)
        return err_errno(e, "cannot read from the sandbox");
    wire_take_fds(&m, &got);
    bool whole = wire_whole(w, (size_t)n) && !(m.msg_flags & (MSG_CTRUNC | MSG_TRUNC)) && got.count <= (fds ? most : 0);
    if (!whole)
        wire_close(&got);
    else if (fds)
        *fds = got;
    if (n == 0)
        return err_set(e, ERR_UNAVAILABLE, "the sandbox has ended");
    return whole || err_set(e, ERR_CORRUPT, "the sandbox sent a malformed message");
}

bool wire_wait(int sock, uint64_t deadline_ms, const atomic_bool *cancel, struct err *e) {
    struct pollfd p = {.fd = sock, .events = POLLIN};
    for (;;) {
        uint64_t now = clock_mono_ms();
        if (cancel && atomic_load(cancel))
            return err_set(e, ERR_UNAVAILABLE, "the work in the sandbox was cancelled");
        if (now >= deadline_ms)
            return err_set(e, ERR_TIMEOUT, "the sandbox does not answer");
        uint64_t left = deadline_ms - now;
        if (poll(&p, 1, left > CANCEL_LOOK_MS ? CANCEL_LOOK_MS : (int)left) > 0)
            return true;
    }
}
