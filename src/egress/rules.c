// SPDX-License-Identifier: Apache-2.0
#include "egress/rules.h"

#include "base/arena.h"
#include "base/text.h"
#include <strings.h>

#define TEXT_MAX 65536
#define ENTRIES_MAX 1024
#define PORTS_MAX 64
#define NAME_MAX_ 253
#define PORTS_DEFAULT "80,443,1024-65535"

struct exception {
    const char *name; // NULL: a range
    struct address base;
    unsigned bits;
    uint16_t port;
};
struct ports {
    uint16_t from, to;
};
struct egress_rules {
    struct arena *arena;
    struct exception *exceptions;
    size_t exception_count;
    struct ports ports[PORTS_MAX];
    size_t port_count;
};

// Connected wherever this machine's names say: mirrors have private addresses.
static const char *const registry_hosts[] = {"index.crates.io", "static.crates.io", "crates.io"};

static bool read_port(struct slice text, uint16_t *out) {
    uint64_t n;
    if (!text_u64(text, &n) || n == 0 || n > UINT16_MAX)
        return false;
    *out = (uint16_t)n;
    return true;
}

static bool is_name(const char *s) {
    size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_");
    return n && !s[n] && n <= NAME_MAX_ && s[0] != '.' && s[0] != '-';
}

// "1.2.3.4", "10.0.0.0/8", "[::1]", "[fd00::]/8": an address, and how much of it counts.
static bool read_range(struct arena *a, const char *host, struct exception *out) {
    const char *slash = strrchr(host, '/');
    struct slice number = slash ? slice_of(host, (size_t)(slash - host)) : slice_str(host);
    uint64_t bits = 0;
    if (!number.len || (memchr(number.ptr, ':', number.len) && number.ptr[0] != '['))
        return false;
    if (!address_parse(&out->base, arena_text(a, number)) || (slash && !text_u64(slice_str(slash + 1), &bits)))
        return false;
    unsigned whole = address_is_v4(out->base) && number.ptr[0] != '[' ? 32 : 128;
    if (bits > whole)
        return false;
    out->bits = slash ? (unsigned)bits + (128 - whole) : 128;
    return true;
}

static bool read_exception(struct arena *a, struct slice text, struct exception *out, struct err *e) {
    char *host = arena_text(a, text), *colon = strrchr(host, ':');
    *out = (struct exception){0};
    if (colon && read_port(slice_str(colon + 1), &out->port)) {
        *colon = 0;
        bool numeric = !host[strspn(host, "0123456789./")];
        if (read_range(a, host, out))
            return true;
        out->name = host;
        if (!numeric && is_name(host))
            return true;
        *colon = ':';
    }
    err_set(e, ERR_SETTINGS, "EGRESS_ALLOW: '%.80s' is no host and port", host);
    return err_hint(e, "write name:443, 10.0.0.0/8:8080 or [fd00::]/8:443, separated by commas");
}

static bool read_ports(struct slice text, struct ports *out, struct err *e) {
    const uint8_t *dash = text.len ? memchr(text.ptr, '-', text.len) : NULL;
    struct slice from = dash ? slice_of(text.ptr, (size_t)(dash - text.ptr)) : text;
    struct slice to = dash ? slice_skip(text, from.len + 1) : text;
    if (read_port(from, &out->from) && read_port(to, &out->to) && out->from <= out->to)
        return true;
    err_set(e, ERR_SETTINGS, "EGRESS_PORTS: '%.*s' is no port and no range of ports",
            (int)(text.len > 40 ? 40 : text.len), (const char *)text.ptr);
    return err_hint(e, "such as " PORTS_DEFAULT);
}

// The next of a comma-separated list, without blanks around it; false at its end.
static bool next(struct slice *list, struct slice *one) {
    if (!list->len)
        return false;
    const uint8_t *comma = memchr(list->ptr, ',', list->len);
    size_t n = comma ? (size_t)(comma - list->ptr) : list->len;
    *one = slice_of(list->ptr, n);
    *list = slice_skip(*list, n + (comma ? 1 : 0));
    while (one->len && isspace(one->ptr[0]))
        *one = slice_skip(*one, 1);
    while (one->len && isspace(one->ptr[one->len - 1]))
        one->len--;
    return true;
}

static bool read_all(struct egress_rules *r, struct slice allow, struct slice ports, struct err *e) {
    struct slice one;
    if (allow.len > TEXT_MAX)
        return err_set(e, ERR_SETTINGS, "EGRESS_ALLOW is longer than %d bytes", TEXT_MAX);
    r->exceptions = arena_calloc(r->arena, ENTRIES_MAX, sizeof *r->exceptions);
    while (next(&allow, &one)) {
        if (one.len && r->exception_count == ENTRIES_MAX)
            return err_set(e, ERR_SETTINGS, "EGRESS_ALLOW has more than %d entries", ENTRIES_MAX);
        if (one.len && !read_exception(r->arena, one, &r->exceptions[r->exception_count++], e))
            return false;
    }
    while (next(&ports, &one)) {
        if (r->port_count == PORTS_MAX)
            return err_set(e, ERR_SETTINGS, "EGRESS_PORTS has more than %d entries", PORTS_MAX);
        if (!read_ports(one, &r->ports[r->port_count++], e))
            return false;
    }
    return true;
}

bool egress_rules_new(struct egress_rules **out, const char *allow, const char *ports, struct err *e) {
    struct arena *a = arena_new();
    struct egress_rules *r = arena_calloc(a, 1, sizeof *r);
    r->arena = a;
    *out = NULL;
    if (!read_all(r, slice_str(allow ? allow : ""), slice_str(ports && ports[0] ? ports : PORTS_DEFAULT), e)) {
        arena_free(a);
        return false;
    }
    *out = r;
    return true;
}

void egress_rules_free(struct egress_rules *r) {
    if (r)
        arena_free(r->arena);
}

// Names are the same whatever their case and with the root's dot or without.
static bool same_name(const char *a, const char *b) {
    size_t n = strlen(a), m = strlen(b);
    n -= n && a[n - 1] == '.';
    m -= m && b[m - 1] == '.';
    return n == m && strncasecmp(a, b, n) == 0;
}

static bool is_registry(enum egress_kind kind, const char *name, uint16_t port) {
    for (size_t i = 0; kind == EGRESS_FETCH && port == 443 && i < ARRAY_LEN(registry_hosts); i++)
        if (same_name(name, registry_hosts[i]))
            return true;
    return false;
}

static bool port_served(const struct egress_rules *r, enum egress_kind kind, uint16_t port) {
    if (kind == EGRESS_FETCH)
        return port == 443;
    for (size_t i = 0; i < r->port_count; i++)
        if (port >= r->ports[i].from && port <= r->ports[i].to)
            return true;
    return false;
}

bool egress_rules_port(const struct egress_rules *r, enum egress_kind kind, const char *name, uint16_t port) {
    for (size_t i = 0; i < r->exception_count; i++)
        if (r->exceptions[i].port == port && (!r->exceptions[i].name || same_name(r->exceptions[i].name, name)))
            return true;
    return port_served(r, kind, port);
}

// A range does not open a cloud's metadata, only the address itself does.
static bool is_exception(const struct exception *x, const char *name, struct address a, uint16_t port) {
    if (x->port != port)
        return false;
    if (x->name)
        return same_name(x->name, name);
    return address_in(a, x->base, x->bits) && (x->bits == 128 || !address_is_metadata(a));
}

bool egress_rules_judge(const struct egress_rules *r, enum egress_kind kind, const char *name, struct address a,
                        uint16_t port, bool near) {
    for (size_t i = 0; i < r->exception_count; i++)
        if (is_exception(&r->exceptions[i], name, a, port))
            return true;
    if (is_registry(kind, name, port))
        return true;
    return port_served(r, kind, port) && address_is_public(a) && !address_is_metadata(a) && !near;
}
