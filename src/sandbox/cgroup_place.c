// SPDX-License-Identifier: Apache-2.0
#include "sandbox/cgroup_place.h"

#include "base/file.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>

static const char *const controllers[CGROUP_PARTS] = {"memory", "pids", "cpu"};

bool cgroup_has_word(const char *list, const char *word) {
    size_t n = strlen(word);
    for (const char *p = list; (p = strstr(p, word)); p += n)
        if ((p == list || p[-1] == ',' || p[-1] == ' ') && (!p[n] || strchr(", \n", p[n])))
            return true;
    return false;
}

// One line of /proc/self/mountinfo: "ID PARENT MAJ:MIN ROOT POINT OPTIONS … - TYPE SOURCE SUPEROPTIONS".
static void take_mount(struct cgroup_place *points, char *line) {
    char *save = NULL, *field[6] = {0}, *tail = strstr(line, " - ");
    if (!tail)
        return;
    char *type = strtok_r(tail + 3, " ", &save);
    strtok_r(NULL, " ", &save);
    char *options = strtok_r(NULL, "\n", &save);
    *tail = 0;
    save = NULL;
    field[0] = strtok_r(line, " ", &save);
    for (size_t i = 1; i < ARRAY_LEN(field) && field[i - 1]; i++)
        field[i] = strtok_r(NULL, " ", &save);
    if (!field[4] || !type || !options)
        return;
    if (strcmp(type, "cgroup2") == 0)
        snprintf(points->unified, sizeof points->unified, "%s", field[4]);
    for (size_t i = 0; i < CGROUP_PARTS && strcmp(type, "cgroup") == 0; i++)
        if (cgroup_has_word(options, controllers[i]))
            snprintf(points->part[i], sizeof points->part[i], "%s", field[4]);
}

// A folder in which groups can be made, or "".
static void join(char out[static 512], const char point[static 512], const char *inside) {
    struct stat st;
    int n = snprintf(out, 512, "%s%s", point, strcmp(inside, "/") == 0 ? "" : inside);
    // Inside a container the path may name what only the host sees; its own mount point is then the group.
    if (!point[0] || n < 0 || n >= 512 || stat(out, &st) != 0)
        memcpy(out, point, strlen(point) + 1);
    if (access(out, W_OK | X_OK) != 0)
        out[0] = 0;
}

// A process in a leaf of ours makes its groups beside it.
static void leave_leaf(char path[static 512]) {
    char *name = strrchr(path, '/');
    if (name && strncmp(name + 1, CGROUP_LEAF, strlen(CGROUP_LEAF)) == 0)
        *name = 0;
}

void cgroup_place_find(struct cgroup_place *out) {
    SCOPED_ARENA(a);
    struct cgroup_place points = {0};
    struct slice text;
    *out = (struct cgroup_place){0};
    if (!file_read(a, "/proc/self/mountinfo", 1 << 20, &text, NULL))
        return;
    char *save = NULL;
    for (char *l = strtok_r(arena_text(a, text), "\n", &save); l; l = strtok_r(NULL, "\n", &save))
        take_mount(&points, l);
    if (!file_read(a, "/proc/self/cgroup", 65536, &text, NULL))
        return;
    save = NULL;
    for (char *l = strtok_r(arena_text(a, text), "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
        char *list = strchr(l, ':'), *path = list ? strchr(list + 1, ':') : NULL;
        if (!path)
            continue;
        *path++ = 0;
        if (!list[1]) {
            leave_leaf(path);
            join(out->unified, points.unified, path);
        }
        for (size_t i = 0; i < CGROUP_PARTS; i++)
            if (cgroup_has_word(list + 1, controllers[i]))
                join(out->part[i], points.part[i], path);
    }
}

// --- what others have left ------------------------------------------------------------------------------------------

static void kill_all(int dir) {
    char text[8192];
    int fd = openat(dir, "cgroup.kill", O_WRONLY | O_CLOEXEC); // v2
    if (fd >= 0) {
        (void)!write(fd, "1", 1);
        close(fd);
        return;
    }
    fd = openat(dir, "cgroup.procs", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof text - 1) : 0;
    if (fd >= 0)
        close(fd);
    text[n > 0 ? n : 0] = 0;
    char *save = NULL;
    for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
        long pid = strtol(l, NULL, 10);
        if (pid > 1 && pid != getpid())
            kill((pid_t)pid, SIGKILL);
    }
}

int cgroup_gate(const char *parent, int how) {
    char path[640];
    snprintf(path, sizeof path, "%s/cgroup.procs", parent); // the folder's own lock may be the one of a group around us
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int taken = -1;
    while (fd >= 0 && (taken = flock(fd, how)) != 0 && errno == EINTR)
        ;
    if (fd >= 0 && taken != 0) {
        int saved = errno;
        close(fd);
        errno = saved;
        return -1;
    }
    return fd;
}

// Only what nobody holds: a lock ends with the process that took it.
static void sweep_one(const char *path, int parent, const char *name) {
    int gate = cgroup_gate(path, LOCK_EX);
    int dir = gate >= 0 ? openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW) : -1;
    bool stale = dir >= 0 && flock(dir, LOCK_EX | LOCK_NB) == 0;
    if (gate >= 0)
        close(gate);
    if (dir < 0)
        return;
    if (stale) {
        for (int i = 0; unlinkat(parent, name, AT_REMOVEDIR) != 0 && errno == EBUSY && i < 100; i++) {
            kill_all(dir);
            poll(NULL, 0, 5);
        }
    }
    close(dir);
}

static bool is_ours(const char *name) {
    size_t n = strlen(CGROUP_NAME), leaf = strlen(CGROUP_LEAF);
    if (strncmp(name, CGROUP_NAME, n) != 0)
        return false;
    name += strncmp(name, CGROUP_LEAF, leaf) == 0 ? leaf : n;
    return strlen(name) == 16 && strspn(name, "0123456789abcdef") == 16;
}

static void sweep(const char *path) {
    DIR *d = path[0] ? opendir(path) : NULL;
    if (!d)
        return;
    for (struct dirent *it; (it = readdir(d));)
        if (is_ours(it->d_name))
            sweep_one(path, dirfd(d), it->d_name);
    closedir(d);
}

void cgroup_sweep(const struct cgroup_place *p) {
    for (size_t i = 0; i < CGROUP_PARTS; i++)
        sweep(p->part[i]);
    sweep(p->unified);
}
