// SPDX-License-Identifier: Apache-2.0
// What this machine offers, found out by trying it.
#include "sandbox/sandbox_internal.h"

#include "base/clock.h"
#include "base/file.h"
#include "sandbox/confine.h"
#include <ctype.h>
#include <errno.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static pthread_mutex_t probe_lock = PTHREAD_MUTEX_INITIALIZER;
static struct sandbox_offer offer;
static bool probed;

static bool try_box(const char *helper, unsigned uid, struct err *e) {
    SCOPED_ARENA(a);
    static const char *const argv[] = {"/bin/sh", "-c", "test -r /proc/self/stat && test ! -e /root && : > /work/x",
                                       NULL};
    static const char *const env[] = {NULL};
    struct sandbox_spec spec = {.helper = helper, .work_bytes = 1 << 20, .tmp_bytes = 1 << 20, .processes = 100};
    struct sandbox_command c = {
        .argv = argv, .env = env, .deadline_ms = clock_mono_ms() + 10000, .cpu_seconds = 5, .output_max = 1000};
    struct sandbox_result r = {0};
    struct sandbox *s;
    if (!sandbox_open_as(&s, &spec, uid, e))
        return false;
    bool ok = sandbox_run(s, a, &c, &r, e);
    sandbox_close(s);
    return ok && ((r.end == SANDBOX_EXITED && r.status == 0) ||
                  err_set(e, ERR_UNAVAILABLE, "a command in a sandbox ended badly (%d): %.*s", r.status,
                          (int)r.output.len, r.output.ptr ? (const char *)r.output.ptr : ""));
}

// Users outside whom nobody else is, so that the kernel counts their processes for us: of boxes, and the first of
// slots. Where this container does not have such numbers, some that Debian leaves free.
static const struct { unsigned box, slot; } users[] = {{2000000733, 2000001000}, {65099, 65100}};

static void try_boxes(const char *helper, struct err *e) {
    for (size_t i = 0; i < ARRAY_LEN(users) && geteuid() == 0 && !offer.can_isolate; i++) {
        offer.uid = users[i].box, offer.slot_uid = users[i].slot;
        offer.can_isolate = try_box(helper, offer.uid, e);
    }
    if (offer.can_isolate)
        return;
    offer.uid = offer.slot_uid = geteuid(); // one user for all, which the degree tells
    offer.can_isolate = try_box(helper, offer.uid, e);
}

// Whether we may become somebody else without a user namespace.
static bool can_become(unsigned uid) {
    int status = 1;
    pid_t pid = geteuid() == 0 ? fork() : -1;
    if (pid == 0) // of a process with threads: nothing but system calls
        _exit(syscall(SYS_setresgid, uid, uid, uid) != 0 || syscall(SYS_setresuid, uid, uid, uid) != 0);
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return pid > 0 && status == 0;
}

const char *sandbox_namespaces_off(struct arena *a, const char *sys, bool root) {
    static const struct {
        const char *file, *off, *on;
        bool for_all; // root's, too
    } switches[] = {
        {"user/max_user_namespaces", "0", "user.max_user_namespaces=10000", true},
        {"kernel/unprivileged_userns_clone", "0", "kernel.unprivileged_userns_clone=1", false}, // Debian's
        {"kernel/apparmor_restrict_unprivileged_userns", "1", "kernel.apparmor_restrict_unprivileged_userns=0", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(switches); i++) {
        struct slice value;
        if ((root && !switches[i].for_all) ||
            !file_read(a, arena_printf(a, "%s/%s", sys, switches[i].file), 64, &value, NULL))
            continue;
        value = slice_trim_end(value);
        if (slice_eq_str(value, switches[i].off))
            return switches[i].on;
    }
    return NULL;
}

// A setting of the machine that keeps us from it is named, before what failed because of it.
static void name_switch(struct err *e) {
    SCOPED_ARENA(a);
    const char *on = sandbox_namespaces_off(a, "/proc/sys", geteuid() == 0);
    if (on)
        err_set(e, e->code, "user namespaces are off here, sysctl -w %s allows them: %s", on, arena_strdup(a, e->msg));
}

static void describe(const struct err *e) {
    const struct cgroup_offer *g = &offer.cgroup;
    char filter[64] = "system call filter", group[64] = "";
    if (offer.landlock_abi > 0)
        snprintf(filter, sizeof filter, "system call filter, Landlock %d", offer.landlock_abi);
    if (g->version)
        snprintf(group, sizeof group, ", cgroup v%d (memory, processes%s)", g->version, g->cpu ? ", cpu" : "");
    bool own = offer.slot_uid != geteuid();
    switch (offer.degree) {
    case SANDBOX_NONE: snprintf(offer.text, sizeof offer.text, "no isolation here: %.200s", e->msg); break;
    case SANDBOX_PROCESS:
        snprintf(offer.text, sizeof offer.text, "%s%s; no isolation here for builds: %.150s",
                 own ? "a user for each run, " : "", filter, e->msg);
        break;
    case SANDBOX_USER:
    case SANDBOX_FULL:
        snprintf(offer.text, sizeof offer.text, "%snamespaces, %s%s", own ? "a user for each run, " : "", filter,
                 g->version ? group : ", no cgroup (limits for each process alone)");
    }
    offer.missing[0] = 0;
    if (offer.degree <= SANDBOX_PROCESS)
        snprintf(offer.missing, sizeof offer.missing, "namespaces (%.200s)", e->msg);
    else if (offer.degree == SANDBOX_USER)
        snprintf(offer.missing, sizeof offer.missing, "%s%s%.200s",
                 own ? "" : "users of its own for each run (only root has them)", own || g->version ? "" : ", ",
                 g->version ? "" : g->why);
}

static void probe(const char *helper) {
    struct err e = {0};
    offer.landlock_abi = confine_landlock_abi();
    offer.cgroup = *cgroup_offer_again();
    try_boxes(helper, &e);
    if (!offer.can_isolate && offer.cgroup.version) { // a box that cannot be put into a group is tried without
        offer.cgroup = *cgroup_offer_none(e.msg);
        try_boxes(helper, &e);
    }
    if (!offer.can_isolate)
        name_switch(&e);
    bool own = offer.can_isolate && offer.uid != geteuid();
    if (own && offer.cgroup.version)
        offer.degree = SANDBOX_FULL;
    else if (offer.can_isolate)
        offer.degree = SANDBOX_USER;
    for (size_t i = 0; i < ARRAY_LEN(users) && !offer.degree; i++) {
        offer.slot_uid = users[i].slot;
        offer.degree = can_become(offer.slot_uid) ? SANDBOX_PROCESS : SANDBOX_NONE;
    }
    if (!offer.degree) {
        offer.slot_uid = geteuid();
        offer.degree = offer.landlock_abi > 0 ? SANDBOX_PROCESS : SANDBOX_NONE;
    }
    describe(&e);
}

const char *sandbox_degree_name(enum sandbox_degree d) {
    switch (d) {
    case SANDBOX_NONE: return "none";
    case SANDBOX_PROCESS: return "process";
    case SANDBOX_USER: return "user";
    case SANDBOX_FULL: return "full";
    }
    return "";
}

bool sandbox_require(const struct sandbox_offer *o, const char *name, struct err *e) {
    enum sandbox_degree want = SANDBOX_FULL;
    while (want > SANDBOX_NONE && strcmp(name, sandbox_degree_name(want)) != 0)
        want--;
    if (!want)
        return err_set(e, ERR_SETTINGS, "ISOLATION is '%s', not full, user or process", name);
    if (o->degree >= want)
        return true;
    err_set(e, ERR_SETTINGS, "strangers' code cannot be isolated as ISOLATION=%s says, missing: %s", name, o->missing);
    if (!o->degree)
        return err_hint(e, "run it as root, or on a kernel with user namespaces or Landlock");
    return err_hint(e, "what there is suffices for ISOLATION=%s%s; docs/operate.md tells how to have more",
                    sandbox_degree_name(o->degree), o->can_isolate ? "" : ", in which nothing is built here");
}

const struct sandbox_offer *sandbox_probe(const char *helper) {
    pthread_mutex_lock(&probe_lock);
    if (!probed)
        probe(helper);
    probed = true;
    pthread_mutex_unlock(&probe_lock);
    return &offer;
}

const struct sandbox_offer *sandbox_probe_again(const char *helper) {
    pthread_mutex_lock(&probe_lock);
    offer = (struct sandbox_offer){0};
    probed = false;
    pthread_mutex_unlock(&probe_lock);
    return sandbox_probe(helper);
}
