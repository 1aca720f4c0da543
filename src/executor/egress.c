// SPDX-License-Identifier: Apache-2.0
#include "executor/egress.h"

#include "sandbox/address.h"
#include <arpa/inet.h>
#include <errno.h>
#include <sys/socket.h>

int __real_connect(int fd, const struct sockaddr *address, socklen_t len);
int __wrap_connect(int fd, const struct sockaddr *address, socklen_t len);

static char allowed[1024];

void egress_allow(const char *list) { snprintf(allowed, sizeof allowed, ",%s,", list ? list : ""); }

static bool is_exception(const struct sockaddr *address) {
    char text[INET6_ADDRSTRLEN], want[INET6_ADDRSTRLEN + 16];
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *a = (const void *)address;
        inet_ntop(AF_INET, &a->sin_addr, text, sizeof text);
        snprintf(want, sizeof want, ",%s:%u,", text, ntohs(a->sin_port));
    } else if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *a = (const void *)address;
        inet_ntop(AF_INET6, &a->sin6_addr, text, sizeof text);
        snprintf(want, sizeof want, ",[%s]:%u,", text, ntohs(a->sin6_port));
    } else {
        return false;
    }
    return allowed[0] && strstr(allowed, want);
}

int __wrap_connect(int fd, const struct sockaddr *address, socklen_t len) {
    // Resolvers are reached by libc's own calls, which the linker does not turn around.
    if (!address_is_public(address, len) && !is_exception(address)) {
        errno = ECONNREFUSED;
        return -1;
    }
    return __real_connect(fd, address, len);
}
