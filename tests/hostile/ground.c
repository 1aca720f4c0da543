// SPDX-License-Identifier: Apache-2.0
#include "ground.h"

#include "attempt.h"
#include "base/file.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

static bool make_files(struct surroundings *g, struct err *e) {
    const char *top = getenv("TMPDIR");
    g->folder = arena_printf(g->arena, "%s/outlayer-hostile-XXXXXX", top ? top : "/tmp");
    if (!mkdtemp(g->folder) || chmod(g->folder, 0711) != 0)
        return err_errno(e, "cannot make a folder");
    g->secret = arena_printf(g->arena, "%s/secret", g->folder);
    g->scratch = arena_printf(g->arena, "%s/scratch", g->folder);
    int fd = open(g->secret, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool ok = fd >= 0 && file_write_all(fd, slice_str(SECRET), e) && mkdir(g->scratch, 0755) == 0;
    if (fd >= 0)
        close(fd);
    return ok || err_errno(e, "cannot make '%s'", g->secret);
}

_Noreturn void ground_be_victim(void) {
    for (;;)
        pause();
}

static bool start_victim(struct surroundings *g, struct err *e) {
    g->victim = fork();
    if (g->victim == 0) {
        char *args[] = {(char[]){"hostile"}, (char[]){"victim"}, NULL}, *env[] = {(char[]){ENVIRONMENT_SECRET}, NULL};
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        execve("/proc/self/exe", args, env);
        _exit(1);
    }
    return g->victim > 0 || err_errno(e, "cannot start a process");
}

static bool make_sockets(struct surroundings *g, struct err *e) {
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    socklen_t n = sizeof in;
    g->abstract_name = arena_printf(g->arena, "outlayer-hostile-%d", getpid());
    memcpy(un.sun_path + 1, g->abstract_name, strlen(g->abstract_name));
    socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(g->abstract_name));
    g->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    g->abstract = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(g->listener, (struct sockaddr *)&in, n) != 0 || listen(g->listener, 64) != 0 ||
        getsockname(g->listener, (struct sockaddr *)&in, &n) != 0 ||
        bind(g->abstract, (struct sockaddr *)&un, len) != 0 || listen(g->abstract, 64) != 0)
        return err_errno(e, "cannot listen");
    g->port = ntohs(in.sin_port);
    return true;
}

static bool make_memory(struct surroundings *g, struct err *e) {
    struct mq_attr attr = {.mq_maxmsg = 1, .mq_msgsize = 64};
    g->shm = shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0666);
    char *p = g->shm >= 0 ? shmat(g->shm, NULL, 0) : (void *)-1;
    if (p == (void *)-1)
        return err_errno(e, "cannot make System V memory");
    memcpy(p, SECRET, sizeof SECRET);
    shmdt(p);
    g->queue_name = arena_printf(g->arena, "/outlayer-hostile-%d", getpid());
    umask(0);
    g->queue = mq_open(g->queue_name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666, &attr);
    umask(022);
    return g->queue >= 0 || err_errno(e, "cannot make a message queue");
}

// Descriptors without close-on-exec, as a worker might have left them: a low number and a high one.
static bool open_canaries(struct surroundings *g, struct err *e) {
    int fd = memfd_create("canary", 0);
    g->canaries[0] = fd;
    g->canaries[1] = fd >= 0 ? dup2(fd, 700) : -1;
    return g->canaries[1] >= 0 && file_write_all(fd, slice_str(SECRET), e) &&
           (ftruncate(fd, 4096) == 0 || err_errno(e, "cannot size a memory file"));
}

// Where we may: in many containers nobody may, and what nobody has nobody finds.
static void add_key(void) {
    if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) >= 0)
        (void)syscall(SYS_add_key, "user", SECRET_KEY, SECRET, strlen(SECRET), KEY_SPEC_SESSION_KEYRING);
}

bool ground_make(struct surroundings *g, struct err *e) {
    *g = (struct surroundings){.arena = arena_new(), .listener = -1, .abstract = -1, .shm = -1, .queue = -1};
    add_key();
    return make_files(g, e) && start_victim(g, e) && make_sockets(g, e) && make_memory(g, e) && open_canaries(g, e);
}

void ground_end(struct surroundings *g) {
    if (g->victim > 0) {
        kill(g->victim, SIGKILL);
        waitpid(g->victim, NULL, 0);
    }
    if (g->shm >= 0)
        shmctl(g->shm, IPC_RMID, NULL);
    int left = shmget((key_t)LEFT_BEHIND, 0, 0); // by an attempt without guards and without namespaces
    if (left >= 0)
        shmctl(left, IPC_RMID, NULL);
    if (g->queue >= 0)
        mq_unlink(g->queue_name);
    while (g->scratch && umount2(g->scratch, MNT_DETACH) == 0) // what an attempt without guards has mounted
        ;
    if (g->folder)
        (void)file_remove_tree(g->folder, NULL);
    arena_free(g->arena);
}

const char *ground_words(const struct surroundings *g, struct arena *a) {
    return arena_printf(a, "victim=%d shm=%d port=%u abstract=%s queue=%s secret=%s scratch=%s", g->victim, g->shm,
                        g->port, g->abstract_name, g->queue_name, g->secret, g->scratch);
}
