// SPDX-License-Identifier: Apache-2.0
#include "sandbox/cgroup.h"

#include "base/file.h"
#include "sandbox/cgroup_place.h"
#include "sandbox/guards.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>

#define WEIGHT_V1 "1024" // of one process
#define WEIGHT_V2 "100"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; // guards what follows
static bool known;
static struct cgroup_place place;
static struct cgroup_offer offer;

enum part { MEMORY, PIDS, CPU };

static bool put(const char *dir, const char *file, const char *text) {
    char path[640];
    snprintf(path, sizeof path, "%s/%s", dir, file);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool ok = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    int saved = errno;
    close(fd);
    errno = saved;
    return ok;
}

static bool put_number(const char *dir, const char *file, uint64_t n) {
    char text[32];
    snprintf(text, sizeof text, "%" PRIu64, n);
    return put(dir, file, text);
}

// --- groups and their locks -----------------------------------------------------------------------------------------

// One folder of a group, held: whoever can take the lock knows that its owner is gone.
static bool part_make(struct cgroup_part *p, const char *parent, const char *name) {
    int n = snprintf(p->path, sizeof p->path, "%s/%s", parent, name);
    p->lock = -1;
    if (n < 0 || (size_t)n >= sizeof p->path)
        return p->path[0] = 0, errno = ENAMETOOLONG, false;
    int gate = cgroup_gate(parent, LOCK_SH);
    bool made = gate >= 0 && mkdir(p->path, 0755) == 0;
    if (made)
        p->lock = open(p->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool held = p->lock >= 0 && flock(p->lock, LOCK_EX | LOCK_NB) == 0;
    int saved = errno;
    if (gate >= 0)
        close(gate);
    if (!held && made)
        rmdir(p->path);
    if (!held && p->lock >= 0)
        close(p->lock);
    if (!held)
        p->lock = -1, p->path[0] = 0;
    errno = saved;
    return held;
}

static void part_drop(struct cgroup_part *p) {
    // The last process may still be on its way out: the kernel says EBUSY until it is gone.
    for (int i = 0; p->path[0] && rmdir(p->path) != 0 && errno == EBUSY && i < 200; i++)
        poll(NULL, 0, 5);
    if (p->path[0] && p->lock >= 0)
        close(p->lock);
    p->path[0] = 0, p->lock = -1;
}

static void random_name(char out[static 64], const char *prefix) {
    uint64_t n = 0;
    BUG_ON(getrandom(&n, sizeof n, 0) != (ssize_t)sizeof n);
    snprintf(out, 64, "%s%016" PRIx64, prefix, n);
}

// --- what the machine offers ----------------------------------------------------------------------------------------

// The group in which this process is becomes one that can be divided: it has no processes, they are in a leaf.
static bool own_leaf(const char *dir) {
    struct cgroup_part leaf;
    char name[64];
    random_name(name, CGROUP_LEAF);
    if (!part_make(&leaf, dir, name))
        return false;
    if (put(leaf.path, "cgroup.procs", "0") && put(dir, "cgroup.subtree_control", "+memory +pids"))
        return true; // the lock is held until this process ends
    int saved = errno;
    (void)put(dir, "cgroup.procs", "0");
    part_drop(&leaf);
    errno = saved;
    return false;
}

static bool hands_down(const char *dir, const char *controllers) {
    SCOPED_ARENA(a);
    char path[640];
    struct slice text;
    snprintf(path, sizeof path, "%s/cgroup.subtree_control", dir);
    if (!file_read(a, path, 4096, &text, NULL))
        return false;
    const char *have = arena_text(a, text);
    return (cgroup_has_word(have, "memory") && cgroup_has_word(have, "pids")) ||
           put(dir, "cgroup.subtree_control", controllers) || (errno == EBUSY && own_leaf(dir));
}

static bool make(struct cgroup *out, const struct cgroup_limits *l);

static void find_offer(void) {
    offer = (struct cgroup_offer){0};
    cgroup_place_find(&place);
    cgroup_sweep(&place);
    if (place.part[MEMORY][0] && place.part[PIDS][0]) {
        offer = (struct cgroup_offer){.version = 1, .memory = true, .pids = true, .cpu = place.part[CPU][0] != 0};
    } else if (place.unified[0]) {
        if (hands_down(place.unified, "+memory +pids")) {
            bool cpu = put(place.unified, "cgroup.subtree_control", "+cpu");
            offer = (struct cgroup_offer){.version = 2, .memory = true, .pids = true, .cpu = cpu};
        } else {
            snprintf(offer.why, sizeof offer.why, "cgroup '%.120s' cannot be divided: %s", place.unified,
                     errno == EBUSY ? "other processes are in it" : strerror(errno));
        }
    } else {
        snprintf(offer.why, sizeof offer.why, "no cgroups with memory and pids are mounted");
    }
    struct cgroup g;
    if (offer.version && !make(&g, &(struct cgroup_limits){1u << 30, 1000})) {
        int saved = errno;
        offer = (struct cgroup_offer){0};
        snprintf(offer.why, sizeof offer.why, "no cgroup with limits can be made: %s", strerror(saved));
    } else if (offer.version) {
        cgroup_remove(&g);
    }
}

const struct cgroup_offer *cgroup_offer(void) {
    pthread_mutex_lock(&lock);
    if (!known)
        find_offer();
    known = true;
    pthread_mutex_unlock(&lock);
    return &offer;
}

const struct cgroup_offer *cgroup_offer_again(void) {
    pthread_mutex_lock(&lock);
    known = false;
    pthread_mutex_unlock(&lock);
    return cgroup_offer();
}

const struct cgroup_offer *cgroup_offer_none(const char *why) {
    pthread_mutex_lock(&lock);
    known = true;
    offer = (struct cgroup_offer){0};
    snprintf(offer.why, sizeof offer.why, "%.190s", why);
    pthread_mutex_unlock(&lock);
    return &offer;
}

// --- making and using one -------------------------------------------------------------------------------------------

// v1 keeps memory + swap at no less than memory: which of the two goes first depends on what was there.
static bool limit_memory(const struct cgroup *g, uint64_t bytes) {
    const char *dir = g->part[MEMORY].path;
    if (!dir[0] || !bytes || !guard_on(GUARD_CGROUP_MEMORY))
        return true;
    if (g->version == 2)
        return put_number(dir, "memory.max", bytes) && (put(dir, "memory.swap.max", "0") || errno == ENOENT);
    if (put_number(dir, "memory.limit_in_bytes", bytes))
        return put_number(dir, "memory.memsw.limit_in_bytes", bytes) || errno == ENOENT; // swap is not counted
    return put_number(dir, "memory.memsw.limit_in_bytes", bytes) && put_number(dir, "memory.limit_in_bytes", bytes);
}

static bool limit_processes(const struct cgroup *g, uint32_t n) {
    const char *dir = g->part[g->version == 2 ? MEMORY : PIDS].path;
    return !dir[0] || !n || !guard_on(GUARD_CGROUP_PIDS) || put_number(dir, "pids.max", n);
}

static bool set_weight(const struct cgroup *g) {
    const char *dir = g->part[g->version == 2 ? MEMORY : CPU].path;
    return !offer.cpu || !dir[0] ||
           (g->version == 2 ? put(dir, "cpu.weight", WEIGHT_V2) : put(dir, "cpu.shares", WEIGHT_V1));
}

// Errno says what went wrong.
static bool make(struct cgroup *out, const struct cgroup_limits *l) {
    char name[64];
    bool ok = true;
    *out = (struct cgroup){.version = offer.version};
    random_name(name, CGROUP_NAME);
    for (size_t i = 0; ok && i < CGROUP_PARTS; i++) {
        const char *parent = offer.version == 2 ? (i ? "" : place.unified) : place.part[i];
        ok = !parent[0] || part_make(&out->part[i], parent, name);
    }
    if (ok && limit_memory(out, l->memory_bytes) && limit_processes(out, l->processes) && set_weight(out))
        return true;
    int saved = errno;
    cgroup_remove(out);
    errno = saved;
    return false;
}

bool cgroup_make(struct cgroup *out, const struct cgroup_limits *l, struct err *e) {
    *out = (struct cgroup){0};
    if (!cgroup_offer()->version || make(out, l))
        return true;
    err_errno(e, "cannot make a cgroup with %" PRIu64 " MB of memory and %u processes", l->memory_bytes >> 20,
              l->processes);
    *out = (struct cgroup){0};
    return err_hint(e, "it could when this program started: has its own cgroup been removed or frozen meanwhile?");
}

bool cgroup_limit_memory(const struct cgroup *g, uint64_t bytes, struct err *e) {
    return !g->version || limit_memory(g, bytes) ||
           err_errno(e, "cannot limit a cgroup to %" PRIu64 " MB of memory", bytes >> 20);
}

bool cgroup_doors(const struct cgroup *g, int fds[static CGROUP_PARTS], size_t *count, struct err *e) {
    *count = 0;
    for (size_t i = 0; i < CGROUP_PARTS; i++) {
        char path[640];
        if (!g->part[i].path[0])
            continue;
        snprintf(path, sizeof path, "%s/cgroup.procs", g->part[i].path);
        int fd = open(path, O_WRONLY | O_CLOEXEC);
        if (fd < 0) {
            err_errno(e, "cannot open '%s'", path);
            while (*count)
                close(fds[--*count]);
            return false;
        }
        fds[(*count)++] = fd;
    }
    return true;
}

static bool enter(const int *doors, size_t count, int pid, struct err *e) {
    char text[16];
    int n = snprintf(text, sizeof text, "%d", pid);
    for (size_t i = 0; i < count; i++)
        if (write(doors[i], text, (size_t)n) != n)
            return err_errno(e, "cannot put a process into its cgroup");
    return true;
}

bool cgroup_enter(const int *doors, size_t count, struct err *e) { return enter(doors, count, 0, e); }

bool cgroup_add(const struct cgroup *g, int pid, struct err *e) {
    int doors[CGROUP_PARTS];
    size_t count;
    if (!cgroup_doors(g, doors, &count, e))
        return false;
    bool ok = enter(doors, count, pid, e);
    while (count)
        close(doors[--count]);
    return ok;
}

// The number behind `key` in a file of the group, the first one where key is "".
static uint64_t count_of(const struct cgroup *g, const char *file, const char *key) {
    SCOPED_ARENA(a);
    char path[640];
    struct slice text;
    snprintf(path, sizeof path, "%s/%s", g->part[MEMORY].path, file);
    if (!file_read(a, path, 4096, &text, NULL))
        return 0;
    const char *at = strstr(arena_text(a, text), key);
    return at ? strtoull(at + strlen(key), NULL, 10) : 0;
}

// v1 tells the most that was ever used; what was asked for in one piece is not in it.
#define PIECE_MAX (4ull << 20)
static bool met_limit(const struct cgroup *g, const char *most, const char *limit) {
    uint64_t n = count_of(g, limit, "");
    return n && count_of(g, most, "") + PIECE_MAX >= n;
}

bool cgroup_ran_out(const struct cgroup *g, struct cgroup_kills *seen) {
    if (!g->part[MEMORY].path[0])
        return false;
    bool v2 = g->version == 2;
    struct cgroup_kills now = {count_of(g, v2 ? "memory.events" : "memory.oom_control", "oom_kill "),
                               v2 ? count_of(g, "memory.events", "oom ") : 0};
    bool own = now.kills > seen->kills;
    if (own && v2)
        own = now.full > seen->full;
    else if (own)
        own = met_limit(g, "memory.max_usage_in_bytes", "memory.limit_in_bytes") ||
              met_limit(g, "memory.memsw.max_usage_in_bytes", "memory.memsw.limit_in_bytes");
    *seen = now;
    return own;
}

void cgroup_remove(struct cgroup *g) {
    for (size_t i = 0; i < CGROUP_PARTS; i++)
        part_drop(&g->part[i]);
    *g = (struct cgroup){0};
}
