// SPDX-License-Identifier: Apache-2.0
#include "http/client_address.h"

#include "base/slice.h"
#include <arpa/inet.h>

static void map_v4(const struct in_addr *v4, struct in6_addr *out) {
    *out = (struct in6_addr){.s6_addr = {[10] = 0xff, [11] = 0xff}};
    memcpy(out->s6_addr + 12, v4, sizeof *v4);
}

bool client_of_socket(const struct sockaddr *from, struct in6_addr *out) {
    if (from->sa_family == AF_INET)
        map_v4(&((const struct sockaddr_in *)(const void *)from)->sin_addr, out);
    else if (from->sa_family == AF_INET6)
        *out = ((const struct sockaddr_in6 *)(const void *)from)->sin6_addr;
    return from->sa_family == AF_INET || from->sa_family == AF_INET6;
}

void client_network(struct in6_addr *a) {
    if (!IN6_IS_ADDR_V4MAPPED(a))
        memset(a->s6_addr + 8, 0, 8);
}

// "1.2.3.4", "1.2.3.4:80", "::1", "fe80::1%eth0", "[::1]:80"
static bool parse(struct slice text, struct in6_addr *out) {
    char copy[INET6_ADDRSTRLEN + 32];
    while (text.len && text.ptr[0] == ' ')
        text = slice_skip(text, 1);
    while (text.len && text.ptr[text.len - 1] == ' ')
        text.len--;
    if (text.len >= sizeof copy || !text.len || memchr(text.ptr, 0, text.len))
        return false;
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = 0;
    struct in_addr v4;
    char *start = copy, *first = strchr(copy, ':');
    if (copy[0] == '[') {
        start = copy + 1;
        start[strcspn(start, "]")] = 0;
    } else if (first && !strchr(first + 1, ':')) {
        *first = 0;
    }
    start[strcspn(start, "%")] = 0;
    if (inet_pton(AF_INET, start, &v4) == 1) {
        map_v4(&v4, out);
        return true;
    }
    return inet_pton(AF_INET6, start, out) == 1;
}

bool client_is_proxy(const struct client_rules *rules, const struct in6_addr *a) {
    for (size_t i = 0; rules && i < rules->count; i++)
        if (memcmp(&rules->proxies[i], a, sizeof *a) == 0)
            return true;
    return false;
}

bool client_rules_parse(struct client_rules *out, const char *list, struct err *e) {
    out->count = 0;
    for (const char *p = list ? list : ""; *p; p += strcspn(p, ","), p += *p == ',') {
        struct slice one = slice_of(p, strcspn(p, ","));
        if (out->count == CLIENT_PROXIES_MAX)
            return err_set(e, ERR_SETTINGS, "TRUSTED_PROXIES names more than %d addresses", CLIENT_PROXIES_MAX);
        if (!parse(one, &out->proxies[out->count++]))
            return err_set(e, ERR_SETTINGS, "TRUSTED_PROXIES: '%.*s' is not an address", SLICE_FMT(one));
    }
    return true;
}

// Cuts the list's last entry off.
static struct slice last_of(struct slice *list) {
    size_t at = list->len;
    while (at && list->ptr[at - 1] != ',')
        at--;
    struct slice last = slice_of(list->ptr + at, list->len - at);
    list->len = at ? at - 1 : 0;
    return last;
}

void client_name(const struct client_rules *rules, const char *peer, const char *forwarded,
                 char out[static CLIENT_MAX]) {
    struct in6_addr a, before;
    struct slice list = slice_str(forwarded);
    char text[INET6_ADDRSTRLEN];
    if (!parse(slice_str(peer), &a)) {
        snprintf(out, CLIENT_MAX, "?");
        return;
    }
    // Each proxy adds the address that it saw at the list's end.
    while (list.len && client_is_proxy(rules, &a) && parse(last_of(&list), &before))
        a = before;
    if (IN6_IS_ADDR_V4MAPPED(&a)) {
        inet_ntop(AF_INET, a.s6_addr + 12, text, sizeof text);
        snprintf(out, CLIENT_MAX, "%s", text);
        return;
    }
    client_network(&a);
    inet_ntop(AF_INET6, &a, text, sizeof text);
    snprintf(out, CLIENT_MAX, "%s/64", text);
}

bool client_wide(const char *name, char out[static CLIENT_MAX]) {
    struct in6_addr a;
    char text[INET6_ADDRSTRLEN];
    const char *end = strstr(name, "/64");
    if (!end || !parse(slice_of(name, (size_t)(end - name)), &a))
        return false;
    memset(a.s6_addr + 6, 0, 10);
    inet_ntop(AF_INET6, &a, text, sizeof text);
    snprintf(out, CLIENT_MAX, "%s/48", text);
    return true;
}
