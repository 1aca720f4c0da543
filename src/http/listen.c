// SPDX-License-Identifier: Apache-2.0
#include "http/listen.h"

#include "base/text.h"
#include <arpa/inet.h>

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
