// SPDX-License-Identifier: Apache-2.0
#include "http/listen.h"

#include "base/text.h"
#include <arpa/inet.h>
#include <errno.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

bool listen_parse(struct listen_place *out, const char *setting, const char *text, struct err *e) {
    const char *colon = strrchr(text, ':');
    struct slice host = slice_of(text, colon ? (size_t)(colon - text) : 0);
    struct in6_addr address;
    uint64_t port;
    bool v6 = host.len > 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']';
    if (v6)
        host = slice_of(host.ptr + 1, host.len - 2);
    if (colon && text_copy(out->host, sizeof out->host, host) && text_u64(slice_str(colon + 1), &port) &&
        port <= UINT16_MAX && inet_pton(v6 ? AF_INET6 : AF_INET, out->host, &address) == 1) {
        out->port = (uint16_t)port;
        return true;
    }
    err_set(e, ERR_SETTINGS, "%s is '%s', which is not an address and a port", setting, text);
    return err_hint(e, "such as 127.0.0.1:9080 or [::1]:9080; port 0 takes a free one");
}

bool listen_address(struct sockaddr_storage *out, bool *v6, const char *host, uint16_t port, struct err *e) {
    struct sockaddr_in *a4 = (struct sockaddr_in *)out;
    struct sockaddr_in6 *a6 = (struct sockaddr_in6 *)out;
    memset(out, 0, sizeof *out);
    *v6 = strchr(host, ':');
    if (*v6 && inet_pton(AF_INET6, host, &a6->sin6_addr) == 1) {
        a6->sin6_family = AF_INET6;
        a6->sin6_port = htons(port);
        return true;
    }
    if (!*v6 && inet_pton(AF_INET, host, &a4->sin_addr) == 1) {
        a4->sin_family = AF_INET;
        a4->sin_port = htons(port);
        return true;
    }
    err_set(e, ERR_SETTINGS, "'%s' is not an address to listen on", host);
    return err_hint(e, "HOST is an IP address, for example 127.0.0.1 or 0.0.0.0");
}

// A socket file that a dead server left is replaced, one that somebody serves is not.
static bool leftover(const struct sockaddr_un *address) {
    int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool refused =
        probe >= 0 && connect(probe, (const struct sockaddr *)address, sizeof *address) != 0 && errno == ECONNREFUSED;
    if (probe >= 0)
        close(probe);
    return refused;
}

bool listen_unix(int *fd, const char *path, struct err *e) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    *fd = -1;
    if (!path)
        return true;
    if (strlen(path) >= sizeof address.sun_path) {
        err_set(e, ERR_SETTINGS, "the path of the socket, '%s', is longer than %zu bytes", path,
                sizeof address.sun_path - 1);
        return err_hint(e, "the system takes no longer one: choose a folder nearer to the root");
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    if (leftover(&address))
        unlink(path);
    *fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    // The file gets the mode that the descriptor has before it is bound.
    if (*fd >= 0 && fchmod(*fd, 0600) == 0 && bind(*fd, (const struct sockaddr *)&address, sizeof address) == 0 &&
        listen(*fd, 1024) == 0)
        return true;
    err_errno(e, "cannot listen on %s", path);
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
    return err_hint(e, "is another program there?");
}
