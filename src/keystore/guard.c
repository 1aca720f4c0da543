// SPDX-License-Identifier: Apache-2.0
#include "keystore/guard.h"

#include "base/log.h"
#include "base/text.h"
#include "sandbox/confine.h"
#include <errno.h>
#include <pwd.h>
#include <sodium.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

bool guard_early(struct err *e) {
    return sodium_init() >= 0 && confine_not_dumpable(e) && confine_limit(RLIMIT_CORE, 0, e) && confine_no_new_privs(e);
}

void guard_memory(void) {
    struct err e;
    if (!confine_lock_memory(&e))
        log_err(LOG_WARN, "memory is not locked, only the master secret's", &e);
}

// --- whom it becomes

// The home's group, unless it is root's: then its owner's own.
static gid_t group_of(const struct stat *home) {
    const struct passwd *owner = home->st_gid ? NULL : getpwuid(home->st_uid);
    return home->st_gid ? home->st_gid : owner ? owner->pw_gid : (gid_t)home->st_uid;
}

// A home that changed hands without what is in it.
static bool check_files(const char *home, struct err *e) {
    static const char *const files[] = {"master.key", "keystore.json", "keystore.lock", "audit.log"};
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        if (access(files[i], R_OK | W_OK) != 0 && errno == EACCES) {
            err_set(e, ERR_SETTINGS, "%s/%s cannot be used by the home's owner (user %u)", home, files[i],
                    (unsigned)geteuid());
            return err_hint(e, "chown -R --reference=%s %s", home, home);
        }
    }
    return true;
}

bool guard_user(const char *home, struct err *e) {
    struct stat st;
    if (chdir(home) != 0 || stat(".", &st) != 0)
        return err_errno(e, "cannot enter '%s'", home);
    if (geteuid() != 0)
        return confine_drop_capabilities(e);
    if (st.st_uid == 0) {
        log_warn("this keystore is root, since its home is root's; give it a user of its own: chown -R USER: %s", home);
        return confine_drop_capabilities(e);
    }
    return confine_become(st.st_uid, group_of(&st), e) && check_files(home, e);
}

// --- what is left to it

#define PATHS_MAX 16

struct paths {
    struct confine_path at[PATHS_MAX];
    size_t count;
};

static void allow(struct paths *p, const char *path, bool writable) {
    if (path && path[0] && p->count < PATHS_MAX && access(path, F_OK) == 0)
        p->at[p->count++] = (struct confine_path){path, writable};
}

// The folder where a link such as /etc/resolv.conf ends: the file in it is replaced while we run.
static const char *folder_behind(const char *link, char out[static 4096]) {
    char *slash = realpath(link, out) ? strrchr(out, '/') : NULL;
    if (!slash || slash == out)
        return NULL;
    *slash = 0;
    return out;
}

static bool reduce_files(struct err *e) {
    static const char *const readable[] = {"/etc", "/usr", "/lib", "/lib64"};
    // What these are may lie elsewhere, by a link.
    static const char *const links[] = {"/etc/resolv.conf", "/etc/ssl/certs/ca-certificates.crt",
                                        "/etc/ssl/ca-bundle.pem", "/etc/pki/tls/certs/ca-bundle.crt"};
    char behind[ARRAY_LEN(links)][4096];
    struct paths p = {0};
    if (confine_landlock_abi() <= 0) {
        log_debug("this kernel has no Landlock: which files are reachable is up to the user's rights");
        return true;
    }
    allow(&p, ".", true);
    for (size_t i = 0; i < ARRAY_LEN(readable); i++)
        allow(&p, readable[i], false);
    for (size_t i = 0; i < ARRAY_LEN(links); i++)
        allow(&p, folder_behind(links[i], behind[i]), false);
    allow(&p, getenv("SSL_CERT_FILE"), false);
    allow(&p, getenv("SSL_CERT_DIR"), false);
    return confine_paths(p.at, p.count, e);
}

bool guard_rest(struct err *e) {
    return reduce_files(e) && confine_system_calls(CONFINE_INET_SOCKETS, e) && confine_no_programs(e);
}
