// SPDX-License-Identifier: Apache-2.0
// outlayer-sandbox: makes one box and serves it. Started by sandbox_open with its orders' socket as descriptor 3; it
// holds nothing of the starter's memory, environment or other descriptors.
#include "sandbox/box.h"
#include "sandbox/confine.h"
#include "sandbox/guards.h"
#include "sandbox/ids.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define SOCK 3

static bool become_first(struct box_plan *p, int go, struct err *e) {
    char byte;
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 || read(go, &byte, 1) != 1)
        return err_set(e, ERR_UNAVAILABLE, "the user namespace could not be set up");
    if (!box_root_gather(p, e))
        return false;
    (void)!setgroups(0, NULL); // refused where groups are frozen: then they are unmapped and reach nothing inside
    if (setresgid(IDS_INSIDE, IDS_INSIDE, IDS_INSIDE) != 0 || setresuid(IDS_INSIDE, IDS_INSIDE, IDS_INSIDE) != 0)
        return err_errno(e, "cannot take the sandbox's user id");
    // Changing ids has cleared it.
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 || sethostname("build", 5) != 0)
        return err_errno(e, "cannot set up the sandbox's first process");
    return box_root_enter(p, e) && (!guard_on(GUARD_NETNS) || box_network_up(e)) &&
           (!guard_on(GUARD_DUMPABLE) || confine_not_dumpable(e));
}

static _Noreturn void first_process(struct box_plan *p, int go) {
    struct err e = {0};
    static struct wire answer; // apart from the orders, in which the plan's words still stand
    bool ok = become_first(p, go, &e);
    wire_init(&answer, WIRE_OPEN);
    if (!ok)
        box_fail(&answer, &e);
    if (wire_send(SOCK, &answer, NULL, &e) && ok)
        box_serve(p, SOCK);
    _exit(0);
}

static bool start_first(struct box_plan *p, unsigned uid, pid_t *pid, struct err *e) {
    int go[2];
    if (pipe2(go, O_CLOEXEC) != 0)
        return err_errno(e, "cannot make a pipe");
    // Like fork, in namespaces of its own.
    int spaces = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWCGROUP |
                 (guard_on(GUARD_IPCNS) ? CLONE_NEWIPC : 0) | (guard_on(GUARD_NETNS) ? CLONE_NEWNET : 0);
    *pid = (pid_t)syscall(SYS_clone, SIGCHLD | spaces, NULL, NULL, NULL, NULL);
    if (*pid == 0) {
        close(go[1]);
        first_process(p, go[0]);
    }
    if (*pid < 0)
        err_errno(e, "cannot make namespaces");
    close(go[0]);
    bool ok =
        *pid > 0 && ids_map(*pid, uid, e) && (write(go[1], "", 1) == 1 || err_errno(e, "cannot start the sandbox"));
    close(go[1]);
    if (!ok && *pid > 0) {
        kill(*pid, SIGKILL);
        waitpid(*pid, NULL, 0);
    }
    return ok;
}

int main(int argc, char **argv) {
    static struct box_plan plan;
    static struct wire w;
    struct err e = {0};
    int type = 0;
    socklen_t n = sizeof type;
    (void)argv;
    if (argc > 1 || getsockopt(SOCK, SOL_SOCKET, SO_TYPE, &type, &n) != 0 || type != SOCK_SEQPACKET) {
        fprintf(stderr, "outlayer-sandbox runs builds for the worker, which starts it; it takes no arguments\n");
        return 2;
    }
    if (guard_on(GUARD_FDS))
        confine_close_from(SOCK + 1);
    pid_t pid = -1;
    struct wire_fds doors;
    if (!wire_receive(SOCK, &w, &doors, WIRE_FDS_MAX, &e))
        return 0;
    unsigned uid = (unsigned)w.n[2];
    bool ok = box_plan_read(&plan, &w, &e);
    memcpy(plan.doors, doors.fd, sizeof plan.doors);
    plan.door_count = doors.count;
    if (!ok || (guard_on(GUARD_OOM) && !confine_first_to_go(&e)) || !start_first(&plan, uid, &pid, &e)) {
        box_fail(&w, &e);
        return wire_send(SOCK, &w, NULL, &e) ? 0 : 1;
    }
    wire_close(&doors);
    close(SOCK); // so that the box alone decides when the starter sees its end
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
    return 0;
}
