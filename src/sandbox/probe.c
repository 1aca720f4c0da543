// SPDX-License-Identifier: Apache-2.0
// What this machine offers, found out by trying it.
#include "sandbox/sandbox_internal.h"

#include "base/clock.h"
#include "sandbox/confine.h"
#include <pthread.h>

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

static void probe(const char *helper) {
    // As root: somebody whom nobody else is, so that the kernel counts this user's processes for us; where the
    // container that we are in does not have such a number, nobody; where it has only one, ourselves.
    unsigned ids[] = {2000000733, 65534, geteuid()};
    struct err e = {0};
    offer.cgroup = *cgroup_offer_again();
    for (int with_groups = 1; with_groups >= 0 && !offer.can_isolate; with_groups--) {
        if (!with_groups) // a box that cannot be put into a group is tried without
            offer.cgroup = *cgroup_offer_none(e.msg);
        for (size_t i = geteuid() == 0 ? 0 : 2; i < ARRAY_LEN(ids) && !offer.can_isolate; i++) {
            offer.uid = ids[i];
            offer.can_isolate = try_box(helper, ids[i], &e);
        }
    }
    offer.landlock_abi = confine_landlock_abi();
    if (!offer.can_isolate)
        snprintf(offer.text, sizeof offer.text, "no isolation here: %.200s", e.msg);
    else
        snprintf(offer.text, sizeof offer.text, "namespaces, seccomp, limits%s%s%s",
                 offer.cgroup.memory ? ", memory by cgroup" : "; no cgroup for memory (limited for each process)",
                 offer.cgroup.pids ? ", processes by cgroup" : "", offer.cgroup.version == 2 ? " v2" : "");
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
