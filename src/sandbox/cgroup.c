// SPDX-License-Identifier: Apache-2.0
#include "sandbox/cgroup.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/file.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/stat.h>

// Where the kernel's text for a controller says that this process is: mount point + path inside the hierarchy.
struct place {
    char memory[512], pids[512], unified[512];
};

static bool has_word(const char *list, const char *word) {
    size_t n = strlen(word);
    for (const char *p = list; (p = strstr(p, word)); p += n)
        if ((p == list || p[-1] == ',' || p[-1] == ' ') && (!p[n] || strchr(", \n", p[n])))
            return true;
    return false;
}

// One line of /proc/self/mountinfo: "ID PARENT MAJ:MIN ROOT POINT OPTIONS … - TYPE SOURCE SUPEROPTIONS".
static void take_mount(struct place *points, char *line) {
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
    else if (strcmp(type, "cgroup") == 0 && has_word(options, "memory"))
        snprintf(points->memory, sizeof points->memory, "%s", field[4]);
    else if (strcmp(type, "cgroup") == 0 && has_word(options, "pids"))
        snprintf(points->pids, sizeof points->pids, "%s", field[4]);
}

static void join(char out[static 512], const char point[static 512], const char *inside) {
    struct stat st;
    int n = snprintf(out, 512, "%s%s", point, strcmp(inside, "/") == 0 ? "" : inside);
    // Inside a container the path may name what only the host sees; its own mount point is then the group.
    if (!point[0] || n < 0 || n >= 512 || stat(out, &st) != 0)
        memcpy(out, point, strlen(point) + 1);
}

static void find_place(struct place *out) {
    SCOPED_ARENA(a);
    struct place points = {0};
    struct slice text;
    *out = (struct place){0};
    if (!file_read(a, "/proc/self/mountinfo", 1 << 20, &text, NULL))
        return;
    char *save = NULL;
    for (char *l = strtok_r((char *)(uintptr_t)text.ptr, "\n", &save); l; l = strtok_r(NULL, "\n", &save))
        take_mount(&points, l);
    if (!file_read(a, "/proc/self/cgroup", 65536, &text, NULL))
        return;
    save = NULL;
    for (char *l = strtok_r((char *)(uintptr_t)text.ptr, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
        char *list = strchr(l, ':'), *path = list ? strchr(list + 1, ':') : NULL;
        if (!path)
            continue;
        *path++ = 0;
        if (!list[1])
            join(out->unified, points.unified, path);
        if (has_word(list + 1, "memory"))
            join(out->memory, points.memory, path);
        if (has_word(list + 1, "pids"))
            join(out->pids, points.pids, path);
    }
}

static bool put(const char *dir, const char *file, const char *text) {
    char path[640];
    snprintf(path, sizeof path, "%s/%s", dir, file);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool ok = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    close(fd);
    return ok;
}

static bool put_number(const char *dir, const char *file, uint64_t n) {
    char text[32];
    snprintf(text, sizeof text, "%llu", (unsigned long long)n);
    return put(dir, file, text);
}

// "" when it cannot be made.
static void make_group(char out[static 512], const char *parent, unsigned number) {
    int n = snprintf(out, 512, "%s/outlayer-%d-%u", parent, (int)getpid(), number);
    if (!parent[0] || n < 0 || n >= 512 || mkdir(out, 0755) != 0)
        out[0] = 0;
}

static void drop_group(char path[static 512]) {
    // The last process may still be on its way out: the kernel says EBUSY until it is gone.
    for (int i = 0; path[0] && rmdir(path) != 0 && errno == EBUSY && i < 200; i++)
        poll(NULL, 0, 10);
    path[0] = 0;
}

static bool v2_hands_down(const char *dir) {
    SCOPED_ARENA(a);
    char path[640];
    struct slice have;
    snprintf(path, sizeof path, "%s/cgroup.subtree_control", dir);
    if (!dir[0] || !file_read(a, path, 4096, &have, NULL))
        return false;
    const char *text = arena_text(a, have);
    // Works only where the group has no processes of its own (or is the root); otherwise the kernel refuses.
    return (has_word(text, "memory") && has_word(text, "pids")) || put(dir, "cgroup.subtree_control", "+memory +pids");
}

void cgroup_make(struct cgroup *out, uint64_t memory_bytes, uint32_t processes) {
    static atomic_uint numbers;
    struct place at;
    unsigned number = atomic_fetch_add(&numbers, 1);
    *out = (struct cgroup){0};
    find_place(&at);
    if (at.memory[0] || at.pids[0]) {
        make_group(out->memory, at.memory, number);
        make_group(out->pids, at.pids, number);
        if (out->memory[0] && (!memory_bytes || !put_number(out->memory, "memory.limit_in_bytes", memory_bytes)))
            drop_group(out->memory);
        if (out->memory[0]) // no swap on top; refused where swap is not counted
            (void)put_number(out->memory, "memory.memsw.limit_in_bytes", memory_bytes);
        if (out->pids[0] && (!processes || !put_number(out->pids, "pids.max", processes)))
            drop_group(out->pids);
        out->version = out->memory[0] || out->pids[0] ? 1 : 0;
    }
    if (out->version || !v2_hands_down(at.unified))
        return;
    make_group(out->memory, at.unified, number);
    if (!out->memory[0])
        return;
    memcpy(out->pids, out->memory, sizeof out->pids);
    bool memory = memory_bytes && put_number(out->memory, "memory.max", memory_bytes);
    bool pids = processes && put_number(out->pids, "pids.max", processes);
    (void)put(out->memory, "memory.swap.max", "0");
    (void)put(out->memory, "memory.oom.group", "1");
    out->version = 2;
    if (!memory && !pids)
        cgroup_remove(out);
}

bool cgroup_add(const struct cgroup *g, int pid, struct err *e) {
    bool same = g->version == 2;
    bool ok = (!g->memory[0] || put_number(g->memory, "cgroup.procs", (uint64_t)pid)) &&
              (same || !g->pids[0] || put_number(g->pids, "cgroup.procs", (uint64_t)pid));
    return ok || err_errno(e, "cannot put process %d into its cgroup", pid);
}

bool cgroup_killed_for_memory(const struct cgroup *g) {
    SCOPED_ARENA(a);
    char path[640];
    struct slice text;
    if (!g->memory[0])
        return false;
    snprintf(path, sizeof path, "%s/%s", g->memory, g->version == 2 ? "memory.events" : "memory.oom_control");
    if (!file_read(a, path, 4096, &text, NULL))
        return false;
    const char *at = strstr(arena_text(a, text), "oom_kill ");
    return at && at[strlen("oom_kill ")] != '0';
}

void cgroup_remove(struct cgroup *g) {
    drop_group(g->memory);
    if (g->version == 1)
        drop_group(g->pids);
    *g = (struct cgroup){0};
}

struct cgroup_offer cgroup_probe(void) {
    struct cgroup g;
    cgroup_make(&g, 1u << 30, 1000);
    struct cgroup_offer offer = {.version = g.version, .memory = g.memory[0] != 0, .pids = g.pids[0] != 0};
    cgroup_remove(&g);
    return offer;
}
