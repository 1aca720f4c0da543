// SPDX-License-Identifier: Apache-2.0
#include "sandbox/ids.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

static bool write_map(int pid, const char *file, const char *text, struct err *e) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", pid, file);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool ok = (fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text)) ||
              err_errno(e, "cannot set '%s' of the user namespace", file);
    int saved = errno;
    if (fd >= 0)
        close(fd);
    errno = saved;
    return ok;
}

bool ids_map(int pid, unsigned uid, struct err *e) {
    char users[64], groups[64];
    bool own = uid == geteuid();
    snprintf(users, sizeof users, "%d %u 1\n", IDS_INSIDE, uid);
    snprintf(groups, sizeof groups, "%d %u 1\n", IDS_INSIDE, own ? getegid() : uid);
    // Without privileges, groups can only be mapped once they cannot be changed any more.
    return (geteuid() == 0 || write_map(pid, "setgroups", "deny", e)) && write_map(pid, "uid_map", users, e) &&
           write_map(pid, "gid_map", groups, e);
}

// The one outside, who waits for the namespace to be there; its exit status is an errno.
static _Noreturn void map_from_outside(int pid, unsigned uid, int go) {
    char byte;
    errno = EPIPE;
    _exit(read(go, &byte, 1) == 1 && ids_map(pid, uid, NULL) ? 0 : errno);
}

bool ids_unshare(unsigned uid, struct err *e) {
    int go[2], status = 0;
    pid_t self = getpid();
    if (pipe2(go, O_CLOEXEC) != 0)
        return err_errno(e, "cannot make a pipe");
    pid_t outside = fork();
    if (outside == 0) {
        close(go[1]);
        map_from_outside(self, uid, go[0]);
    }
    close(go[0]);
    bool made = outside > 0 && unshare(CLONE_NEWUSER) == 0;
    int failed = errno;
    bool told = made && write(go[1], "", 1) == 1;
    close(go[1]);
    if (outside > 0)
        while (waitpid(outside, &status, 0) < 0 && errno == EINTR)
            ;
    errno = failed;
    if (!made)
        return err_errno(e, "cannot make a user namespace");
    errno = WIFEXITED(status) && WEXITSTATUS(status) ? WEXITSTATUS(status) : EPIPE;
    if (!told || status)
        return err_errno(e, "cannot map user %u into a user namespace", uid);
    (void)!setgroups(0, NULL); // refused where groups are frozen: then they are unmapped and reach nothing inside
    return (setresgid(IDS_INSIDE, IDS_INSIDE, IDS_INSIDE) == 0 && setresuid(IDS_INSIDE, IDS_INSIDE, IDS_INSIDE) == 0) ||
           err_errno(e, "cannot take the user id of a slot");
}
