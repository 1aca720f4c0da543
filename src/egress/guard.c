// SPDX-License-Identifier: Apache-2.0
#include "egress/guard.h"

#include "sandbox/confine.h"
#include <sys/resource.h>

#define DESCRIPTORS_MAX 8192
#define DATA_BYTES (512ull << 20)
// A sanitizer's own memory is larger than any machine's: under one there is no limit.
#ifdef __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#undef DATA_BYTES
#define DATA_BYTES UINT64_MAX
#endif
#endif

// Who we become as root: a number that no account has, so that nobody's process or file is ours; where the container
// that we are in does not know it, nobody.
static const unsigned users[] = {2000000735, 65534};

// Where there is one user only (a namespace that maps no other), we stay who we are, without capabilities.
static bool become_somebody(struct err *e) {
    for (size_t i = 0; geteuid() == 0 && i < ARRAY_LEN(users); i++)
        if (confine_become(users[i], users[i], e))
            return true;
    return confine_drop_capabilities(e);
}

// Read by resolvers; what is missing on this machine is left out. /run: systemd-resolved keeps resolv.conf and its
// socket there.
static bool few_files(struct err *e) {
    static const char *const read[] = {"/etc",     "/usr",         "/lib",      "/lib64",       "/run",
                                       "/var/run", "/var/lib/sss", "/proc/net", "/proc/sys/net"};
    struct confine_path paths[ARRAY_LEN(read)];
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_LEN(read); i++)
        if (access(read[i], F_OK) == 0)
            paths[n++] = (struct confine_path){read[i], false};
    return confine_landlock_abi() <= 0 || confine_paths(paths, n, e);
}

bool guard_broker(struct err *e) {
    return become_somebody(e) && confine_not_dumpable(e) && confine_no_new_privs(e) &&
           confine_limit(RLIMIT_CORE, 0, e) && confine_limit(RLIMIT_FSIZE, 0, e) &&
           confine_limit(RLIMIT_NOFILE, DESCRIPTORS_MAX, e) && confine_limit(RLIMIT_DATA, DATA_BYTES, e) &&
           few_files(e) && confine_no_programs(e) && confine_system_calls(CONFINE_NAME_SOCKETS, e);
}
