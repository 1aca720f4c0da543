// SPDX-License-Identifier: Apache-2.0
#include "cli/socket_place.h"

#include "crypto/hash.h"
#include <errno.h>
#include <sys/stat.h>
#include <sys/un.h>

#define PATH_MAX_OF_SOCKETS (sizeof((struct sockaddr_un *)0)->sun_path - 1)
#define STANDS_FOR 16 // hexadecimal digits of the folder's hash

// Everybody may write to /tmp: a folder that somebody else has put there is not taken for ours.
static bool own_folder(const char *path, struct err *e) {
    struct stat st;
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return err_errno(e, "cannot make '%s'", path);
    if (lstat(path, &st) != 0)
        return err_errno(e, "cannot look at '%s'", path);
    if (S_ISDIR(st.st_mode) && st.st_uid == geteuid() && !(st.st_mode & 077))
        return true;
    err_set(e, ERR_FORBIDDEN, "'%s' is not a folder that this user alone may use", path);
    return err_hint(e, "remove it, or choose a home whose path is shorter: a socket's has at most %zu bytes",
                    PATH_MAX_OF_SOCKETS);
}

static const char *runtime_folder(struct arena *a, const char *folder) {
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    struct hash h = sha256(slice_str(folder));
    char hex[65];
    hash_hex(&h, hex);
    hex[STANDS_FOR] = 0;
    return arena_printf(a, "%s/outlayer-%u-%s", runtime && runtime[0] == '/' && strlen(runtime) < 50 ? runtime : "/tmp",
                        (unsigned)geteuid(), hex);
}

bool socket_place(const char **out, struct arena *a, const char *folder, const char *name, struct err *e) {
    *out = arena_printf(a, "%s/%s", folder, name);
    if (strlen(*out) <= PATH_MAX_OF_SOCKETS)
        return true;
    folder = runtime_folder(a, folder);
    *out = arena_printf(a, "%s/%s", folder, name);
    if (strlen(*out) > PATH_MAX_OF_SOCKETS)
        return err_set(e, ERR_INTERNAL, "the socket's name '%s' is too long", name);
    return own_folder(folder, e);
}

void socket_place_leave(struct arena *a, const char *socket, const char *folder) {
    char *place = arena_strdup(a, socket), *slash = strrchr(place, '/');
    BUG_ON(!slash);
    *slash = 0;
    if (strcmp(place, folder) != 0)
        rmdir(place);
}
