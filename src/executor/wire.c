// SPDX-License-Identifier: Apache-2.0
#include "executor/wire.h"

#include "base/file.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>

bool wire_send_job(int sock, const struct slot_job *job, const int fds[static JOB_FDS], struct err *e) {
    char control[CMSG_SPACE(JOB_FDS * sizeof(int))] = {0};
    struct iovec iov = {(void *)(uintptr_t)job, sizeof *job};
    struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(JOB_FDS * sizeof(int));
    memcpy(CMSG_DATA(c), fds, JOB_FDS * sizeof(int));
    ssize_t n;
    do
        n = sendmsg(sock, &m, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n == (ssize_t)sizeof *job || err_errno(e, "cannot hand a job to an executor");
}

bool wire_receive_job(int sock, struct slot_job *job, int fds[static JOB_FDS], struct err *e) {
    char control[CMSG_SPACE(JOB_FDS * sizeof(int))] = {0};
    struct iovec iov = {job, sizeof *job};
    struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    ssize_t n;
    do
        n = recvmsg(sock, &m, MSG_CMSG_CLOEXEC | MSG_WAITALL);
    while (n < 0 && errno == EINTR);
    if (n == 0)
        return err_set(e, ERR_UNAVAILABLE, "no more jobs");
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    if (n != (ssize_t)sizeof *job || !c || c->cmsg_type != SCM_RIGHTS || c->cmsg_len != CMSG_LEN(JOB_FDS * sizeof(int)))
        return err_set(e, ERR_CORRUPT, "not a job");
    memcpy(fds, CMSG_DATA(c), JOB_FDS * sizeof(int));
    return true;
}

bool wire_memfd(const char *name, const struct slice *parts, size_t count, int *fd, struct err *e) {
    *fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (*fd < 0)
        return err_errno(e, "cannot make a memory file");
    bool ok = true;
    for (size_t i = 0; i < count && ok; i++)
        ok = file_write_all(*fd, parts[i], e);
    if (ok && fcntl(*fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) != 0)
        ok = err_errno(e, "cannot seal a memory file");
    if (!ok) {
        close(*fd);
        *fd = -1;
    }
    return ok;
}
