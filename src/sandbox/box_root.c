// SPDX-License-Identifier: Apache-2.0
// The root file system of a box. Everything from outside is taken as a detached copy of its mount first (gather), with
// the rights of whoever asked; then a memory file system becomes the root, and the copies are put into it (enter).
#include "sandbox/box.h"

#include "sandbox/guards.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

static const char *const devices[] = {"null", "zero", "full", "random", "urandom"};
// Folders of the system beside /usr: links into it on today's Debian, folders of their own elsewhere.
static const char *const system_roots[] = {"/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"};

bool box_plan_read(struct box_plan *p, struct wire *w, struct err *e) {
    static char *strings[WIRE_STRINGS_MAX];
    size_t count, i = 0;
    *p = (struct box_plan){.work_bytes = w->n[0], .tmp_bytes = w->n[1], .memory_counted = w->n[3] != 0};
    bool ok = wire_strings(w, strings, &count) && count > 0;
    p->system = ok ? strings[i++] : "";
    for (; ok && i + 1 < count; i += 2)
        p->mounts[p->mount_count++] = (struct box_mount){strings[i], strings[i + 1], -1};
    return (ok && i == count) || err_set(e, ERR_INVALID, "malformed plan of a sandbox");
}

static bool tree_take(const char *from, bool writable, unsigned long extra, int *tree, struct err *e) {
    *tree = open_tree(AT_FDCWD, from, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
    if (*tree < 0)
        return err_errno(e, "cannot take '%s' into the sandbox", from);
    // Programs give no rights that whoever starts them does not have.
    unsigned long no_rights = guard_on(GUARD_NO_NEW_PRIVS) ? MOUNT_ATTR_NOSUID : 0;
    struct mount_attr attr = {.attr_set = no_rights | extra | (writable ? 0 : MOUNT_ATTR_RDONLY),
                              .propagation = MS_PRIVATE};
    return mount_setattr(*tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof attr) == 0 ||
           err_errno(e, "cannot protect '%s' in the sandbox", from);
}

static struct {
    int usr, roots[ARRAY_LEN(system_roots)], devices[ARRAY_LEN(devices)], null, alternatives, ld_cache;
    char links[ARRAY_LEN(system_roots)][128];
} held;

// A path of the system that the box shows: of the machine's own, or of a tree of its own.
static const char *in_system(const struct box_plan *p, const char *path) {
    static char full[PATH_MAX];
    snprintf(full, sizeof full, "%s%s", p->system, path);
    return full;
}

static bool gather_if_there(const struct box_plan *p, const char *path, int *tree, struct err *e) {
    const char *full = in_system(p, path);
    *tree = -1;
    return access(full, F_OK) != 0 || tree_take(full, false, MOUNT_ATTR_NODEV, tree, e);
}

static bool gather_system(const struct box_plan *p, struct err *e) {
    bool ok = tree_take(in_system(p, "/usr"), false, MOUNT_ATTR_NODEV, &held.usr, e);
    for (size_t i = 0; ok && i < ARRAY_LEN(system_roots); i++) {
        const char *path = in_system(p, system_roots[i]);
        struct stat st;
        held.roots[i] = -1;
        if (lstat(path, &st) != 0)
            continue;
        ssize_t n = S_ISLNK(st.st_mode) ? readlink(path, held.links[i], sizeof held.links[i] - 1) : 0;
        held.links[i][n > 0 ? n : 0] = 0;
        if (S_ISDIR(st.st_mode))
            ok = tree_take(path, false, MOUNT_ATTR_NODEV, &held.roots[i], e);
    }
    for (size_t i = 0; ok && i < ARRAY_LEN(devices); i++) {
        char path[32];
        snprintf(path, sizeof path, "/dev/%s", devices[i]);
        ok = tree_take(path, true, MOUNT_ATTR_NOEXEC, &held.devices[i], e);
    }
    return ok && gather_if_there(p, "/etc/alternatives", &held.alternatives, e) &&
           gather_if_there(p, "/etc/ld.so.cache", &held.ld_cache, e);
}

bool box_root_gather(struct box_plan *p, struct err *e) {
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
        return err_errno(e, "cannot make the mounts private");
    bool ok = gather_system(p, e);
    for (size_t i = 0; ok && i < p->mount_count; i++)
        ok = tree_take(p->mounts[i].from, false, MOUNT_ATTR_NODEV, &p->mounts[i].tree, e);
    return ok;
}

// --- entering: paths are relative to the new root, which is the working folder ------------------------------------

static bool put_text(const char *path, const char *text, struct err *e) {
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0)
        return err_errno(e, "cannot make '%s' in the sandbox", path);
    bool ok = write(fd, text, strlen(text)) == (ssize_t)strlen(text) || err_errno(e, "cannot write '%s'", path);
    close(fd);
    return ok;
}

static bool make_folders(const char *path, struct err *e) {
    char part[1024];
    size_t n = strlen(path);
    if (n >= sizeof part)
        return err_set(e, ERR_INVALID, "path too long: '%s'", path);
    for (size_t i = 1; i <= n; i++) {
        if (path[i] != '/' && path[i] != 0)
            continue;
        memcpy(part, path, i);
        part[i] = 0;
        if (mkdir(part, 0755) != 0 && errno != EEXIST)
            return err_errno(e, "cannot make '%s' in the sandbox", part);
    }
    return true;
}

// Puts a detached mount at a path, making the mount point (a folder or a file, as the mount itself is).
static bool tree_put(int tree, const char *at, struct err *e) {
    struct stat st;
    if (fstat(tree, &st) != 0)
        return err_errno(e, "cannot look at what becomes '%s'", at);
    char parent[1024];
    const char *slash = strrchr(at, '/');
    snprintf(parent, sizeof parent, "%.*s", slash ? (int)(slash - at) : 0, at);
    bool ok = (!parent[0] || make_folders(parent, e)) &&
              (S_ISDIR(st.st_mode) ? make_folders(at, e) : access(at, F_OK) == 0 || put_text(at, "", e));
    if (ok && move_mount(tree, "", AT_FDCWD, at, MOVE_MOUNT_F_EMPTY_PATH) != 0)
        ok = err_errno(e, "cannot mount '%s' in the sandbox", at);
    close(tree);
    return ok;
}

static bool memory_folder(const char *at, uint64_t bytes, struct err *e) {
    char options[128];
    if (!guard_on(GUARD_TMPFS))
        bytes = 1ull << 40;
    // An inode of kernel memory for each 4 KiB of the ceiling would be its own way to fill the machine.
    uint64_t inodes = bytes / 8192 < 4096 ? 4096 : bytes / 8192;
    snprintf(options, sizeof options, "size=%llu,nr_inodes=%llu,mode=0755", (unsigned long long)bytes,
             (unsigned long long)inodes);
    if (mkdir(at, 0755) != 0 && errno != EEXIST)
        return err_errno(e, "cannot make '%s' in the sandbox", at);
    return mount("tmpfs", at, "tmpfs", MS_NOSUID | MS_NODEV, options) == 0 ||
           err_errno(e, "cannot mount memory at '%s' in the sandbox", at);
}

static bool enter_system(struct err *e) {
    bool ok = tree_put(held.usr, "usr", e);
    for (size_t i = 0; ok && i < ARRAY_LEN(system_roots); i++) {
        if (held.roots[i] >= 0)
            ok = tree_put(held.roots[i], system_roots[i] + 1, e);
        else if (held.links[i][0] && symlink(held.links[i], system_roots[i] + 1) != 0)
            ok = err_errno(e, "cannot link '%s' in the sandbox", system_roots[i]);
    }
    ok = ok && make_folders("dev", e) && make_folders("etc", e) && make_folders("proc", e);
    for (size_t i = 0; ok && i < ARRAY_LEN(devices); i++) {
        char path[32];
        snprintf(path, sizeof path, "dev/%s", devices[i]);
        ok = tree_put(held.devices[i], path, e);
    }
    if (ok && held.alternatives >= 0)
        ok = tree_put(held.alternatives, "etc/alternatives", e);
    if (ok && held.ld_cache >= 0)
        ok = tree_put(held.ld_cache, "etc/ld.so.cache", e);
    return ok;
}

static bool enter_small_files(struct err *e) {
    static const char *const links[][2] = {{"/proc/self/fd", "dev/fd"},
                                           {"/proc/self/fd/0", "dev/stdin"},
                                           {"/proc/self/fd/1", "dev/stdout"},
                                           {"/proc/self/fd/2", "dev/stderr"},
                                           {"/tmp", "dev/shm"}};
    for (size_t i = 0; i < ARRAY_LEN(links); i++)
        if (symlink(links[i][0], links[i][1]) != 0)
            return err_errno(e, "cannot link '%s' in the sandbox", links[i][1]);
    return put_text("etc/passwd", "build:x:1000:1000::/home:/bin/sh\n", e) &&
           put_text("etc/group", "build:x:1000:\n", e) && put_text("etc/hosts", "127.0.0.1 localhost\n", e) &&
           put_text("etc/nsswitch.conf", "hosts: files\n", e);
}

static bool change_root(struct err *e) {
    if (syscall(SYS_pivot_root, ".", ".") != 0 || umount2(".", MNT_DETACH) != 0 || chdir("/") != 0)
        return err_errno(e, "cannot change the root");
    struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY};
    return mount_setattr(AT_FDCWD, "/", 0, &attr, sizeof attr) == 0 || err_errno(e, "cannot protect the root");
}

bool box_root_enter(struct box_plan *p, struct err *e) {
    umask(022);
    // Any folder that is everywhere will do as the place to build at; what it holds is out of sight only in here.
    if (mount("tmpfs", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV, "size=4m,nr_inodes=4096,mode=0755") != 0 ||
        chdir("/tmp") != 0)
        return err_errno(e, "cannot mount a root of memory");
    bool ok = enter_system(e) && enter_small_files(e);
    for (size_t i = 0; ok && i < p->mount_count; i++)
        ok = p->mounts[i].to[0] == '/' ? tree_put(p->mounts[i].tree, p->mounts[i].to + 1, e)
                                       : err_set(e, ERR_INVALID, "'%s' is not absolute", p->mounts[i].to);
    ok = ok && memory_folder("work", p->work_bytes, e) && memory_folder("tmp", p->tmp_bytes, e) &&
         memory_folder("home", p->tmp_bytes, e);
    // Processes alone: what else is there tells of this machine. Kernels before 5.8 do not know the word.
    if (ok && mount("proc", "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, "subset=pid") != 0 &&
        mount("proc", "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) != 0)
        ok = err_errno(e, "cannot mount /proc in the sandbox");
    return ok && change_root(e);
}

bool box_network_up(struct err *e) {
    int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct ifreq r = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    bool ok = (s >= 0 && ioctl(s, SIOCSIFFLAGS, &r) == 0) || err_errno(e, "cannot bring up the sandbox's loopback");
    if (s >= 0)
        close(s);
    return ok;
}
