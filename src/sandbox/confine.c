// SPDX-License-Identifier: Apache-2.0
#include "sandbox/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/landlock.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

bool confine_no_new_privs(struct err *e) {
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 || err_errno(e, "cannot set no_new_privs");
}

bool confine_not_dumpable(struct err *e) {
    return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 || err_errno(e, "cannot make the process undumpable");
}

// EINVAL: past the last capability that this kernel knows; EPERM: we may not change the bounding set, which matters
// only with capabilities that confine_drop_capabilities takes anyway.
static void drop_bounding_set(void) {
    for (int cap = 0; cap < 64 && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == 0; cap++)
        ;
}

static bool set_capabilities(uint64_t kept, struct err *e) {
    drop_bounding_set();
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0 && errno != EINVAL)
        return err_errno(e, "cannot clear the ambient capabilities");
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct set[_LINUX_CAPABILITY_U32S_3] = {0};
    set[0].effective = set[0].permitted = (uint32_t)kept;
    set[1].effective = set[1].permitted = (uint32_t)(kept >> 32);
    return syscall(SYS_capset, &head, set) == 0 || err_errno(e, "cannot drop capabilities");
}

bool confine_drop_capabilities(struct err *e) { return set_capabilities(0, e); }

bool confine_keep_capability(int capability, struct err *e) { return set_capabilities(1ull << capability, e); }

bool confine_first_to_go(struct err *e) {
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    bool ok = (fd >= 0 && write(fd, "1000", 4) == 4) || err_errno(e, "cannot set oom_score_adj");
    if (fd >= 0)
        close(fd);
    return ok;
}

bool confine_keep_death_signal(int signal, int parent, struct err *e) {
    if (prctl(PR_SET_PDEATHSIG, signal, 0, 0, 0) != 0)
        return err_errno(e, "cannot ask for a signal at the parent's death");
    return !signal || getppid() == parent || kill(getpid(), signal) == 0 || err_errno(e, "cannot end with the parent");
}

bool confine_become(unsigned uid, unsigned gid, struct err *e) {
    int signal = 0;
    pid_t parent = getppid(); // while the signal is still set: from here on a death is seen one way or the other
    if (prctl(PR_GET_PDEATHSIG, &signal, 0, 0, 0) != 0)
        return err_errno(e, "cannot read the parent-death signal");
    drop_bounding_set(); // a right that goes with the user id
    if (setgroups(0, NULL) != 0 || setresgid(gid, gid, gid) != 0 || setresuid(uid, uid, uid) != 0)
        return err_errno(e, "cannot become user %u, group %u", uid, gid);
    return confine_drop_capabilities(e) && confine_not_dumpable(e) && confine_keep_death_signal(signal, parent, e);
}

bool confine_lock_memory(struct err *e) {
    struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
    if (setrlimit(RLIMIT_MEMLOCK, &limit) != 0 && getrlimit(RLIMIT_MEMLOCK, &limit) != 0)
        return err_errno(e, "cannot read RLIMIT_MEMLOCK");
    if (limit.rlim_max != RLIM_INFINITY) {
        err_set(e, ERR_LIMIT, "RLIMIT_MEMLOCK is %llu KiB, so memory could be written to swap",
                (unsigned long long)limit.rlim_max / 1024);
        return err_hint(e, "start it with LimitMEMLOCK=infinity (systemd), --ulimit memlock=-1 (docker) or after "
                           "`ulimit -l unlimited`, or switch swap off");
    }
    limit.rlim_cur = RLIM_INFINITY;
    if (setrlimit(RLIMIT_MEMLOCK, &limit) != 0)
        return err_errno(e, "cannot raise RLIMIT_MEMLOCK");
    return mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0 || err_errno(e, "cannot lock memory");
}

void confine_group_signals(sigset_t *out) {
    sigemptyset(out);
    sigaddset(out, SIGTERM);
    sigaddset(out, SIGINT);
    sigaddset(out, SIGHUP);
}

void confine_close_from(int first) {
    if (syscall(SYS_close_range, (unsigned)first, ~0u, 0) == 0)
        return;
    struct rlimit r;
    int last = getrlimit(RLIMIT_NOFILE, &r) == 0 && r.rlim_cur < 65536 ? (int)r.rlim_cur : 65536;
    for (int fd = first; fd < last; fd++)
        close(fd);
}

bool confine_limit(int resource, uint64_t value, struct err *e) {
    struct rlimit now;
    if (getrlimit((__rlimit_resource_t)resource, &now) != 0)
        return err_errno(e, "cannot read limit %d", resource);
    rlim_t v = now.rlim_max != RLIM_INFINITY && now.rlim_max < value ? now.rlim_max : (rlim_t)value;
    struct rlimit want = {v, v};
    return setrlimit((__rlimit_resource_t)resource, &want) == 0 || err_errno(e, "cannot set limit %d", resource);
}

// --- landlock ---------------------------------------------------------------------------------------------------

int confine_landlock_abi(void) {
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    return abi < 0 ? 0 : (int)abi;
}

// Rights of ABI 1, which every kernel with Landlock has; later rights only where the kernel knows them.
#define RIGHTS_READ (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define RIGHTS_ABI1 ((1ull << 13) - 1)
// Those that make sense on something that is not a folder: execute, write, read, truncate, ioctl.
#define RIGHTS_FILE                                                                                                    \
    (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_FILE | 1ull << 14 |          \
     1ull << 15)

static uint64_t handled_rights(int abi) {
    uint64_t rights = RIGHTS_ABI1;
    if (abi >= 2)
        rights |= 1ull << 13; // refer: rename and link between folders
    if (abi >= 3)
        rights |= 1ull << 14; // truncate
    if (abi >= 5)
        rights |= 1ull << 15; // ioctl on devices
    return rights;
}

static bool allow_path(int ruleset, const struct confine_path *p, uint64_t handled, struct err *e) {
    struct landlock_path_beneath_attr rule = {
        .allowed_access = p->writable ? handled : handled & RIGHTS_READ,
        .parent_fd = open(p->path, O_PATH | O_CLOEXEC),
    };
    struct stat st;
    if (rule.parent_fd < 0 || fstat(rule.parent_fd, &st) != 0)
        return err_errno(e, "cannot open '%s'", p->path);
    if (!S_ISDIR(st.st_mode))
        rule.allowed_access &= RIGHTS_FILE;
    bool ok = syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0 ||
              err_errno(e, "cannot allow '%s'", p->path);
    close(rule.parent_fd);
    return ok;
}

bool confine_paths(const struct confine_path *paths, size_t count, struct err *e) {
    int abi = confine_landlock_abi();
    if (abi <= 0)
        return err_set(e, ERR_UNAVAILABLE, "this kernel has no Landlock");
    uint64_t handled = handled_rights(abi);
    struct landlock_ruleset_attr attr = {.handled_access_fs = handled};
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof attr.handled_access_fs, 0);
    if (ruleset < 0)
        return err_errno(e, "cannot make a Landlock ruleset");
    bool ok = true;
    for (size_t i = 0; ok && i < count; i++)
        ok = allow_path(ruleset, &paths[i], handled, e);
    if (ok && syscall(SYS_landlock_restrict_self, ruleset, 0) != 0)
        ok = err_errno(e, "cannot restrict the file system");
    close(ruleset);
    return ok;
}

// As of ABI 6; a kernel that knows less is given less of it.
struct landlock_everything {
    uint64_t fs, net, scoped;
};

bool confine_landlock_all(struct err *e) {
    int abi = confine_landlock_abi();
    if (abi <= 0)
        return true;
    struct landlock_everything all = {handled_rights(abi), abi >= 4 ? 3 : 0, abi >= 6 ? 3 : 0};
    size_t size = abi >= 6 ? sizeof all : abi >= 4 ? 2 * sizeof(uint64_t) : sizeof(uint64_t);
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &all, size, 0);
    bool ok = ruleset >= 0 && syscall(SYS_landlock_restrict_self, ruleset, 0) == 0;
    if (!ok)
        err_errno(e, "cannot restrict a process by Landlock");
    if (ruleset >= 0)
        close(ruleset);
    return ok;
}
