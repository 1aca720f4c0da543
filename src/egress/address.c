// SPDX-License-Identifier: Apache-2.0
#include "egress/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

bool address_from_socket(struct address *out, const struct sockaddr *in, socklen_t len) {
    if (in->sa_family == AF_INET && len >= sizeof(struct sockaddr_in)) {
        memcpy(out->b, mapped, sizeof mapped);
        memcpy(out->b + 12, (const uint8_t *)in + offsetof(struct sockaddr_in, sin_addr), 4);
        return true;
    }
    if (in->sa_family == AF_INET6 && len >= sizeof(struct sockaddr_in6)) {
        memcpy(out->b, (const uint8_t *)in + offsetof(struct sockaddr_in6, sin6_addr), 16);
        return true;
    }
    return false;
}

socklen_t address_to_socket(struct address a, uint16_t port, struct sockaddr_storage *out) {
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    *out = (struct sockaddr_storage){0};
    if (address_is_v4(a)) {
        memcpy(&in.sin_addr, a.b + 12, 4);
        memcpy(out, &in, sizeof in);
        return sizeof in;
    }
    memcpy(&in6.sin6_addr, a.b, 16);
    memcpy(out, &in6, sizeof in6);
    return sizeof in6;
}

bool address_parse(struct address *out, const char *text) {
    char bare[ADDRESS_TEXT_MAX];
    size_t n = strlen(text);
    memcpy(out->b, mapped, sizeof mapped);
    if (inet_pton(AF_INET, text, out->b + 12) == 1)
        return true;
    if (n > 2 && n < sizeof bare && text[0] == '[' && text[n - 1] == ']') {
        memcpy(bare, text + 1, n - 2);
        bare[n - 2] = 0;
        text = bare;
    }
    return inet_pton(AF_INET6, text, out->b) == 1;
}

const char *address_text(struct address a, char out[static ADDRESS_TEXT_MAX]) {
    if (address_is_v4(a))
        return inet_ntop(AF_INET, a.b + 12, out, ADDRESS_TEXT_MAX);
    out[0] = '[';
    if (!inet_ntop(AF_INET6, a.b, out + 1, ADDRESS_TEXT_MAX - 2))
        out[1] = 0;
    size_t n = strlen(out);
    out[n] = ']', out[n + 1] = 0;
    return out;
}

bool address_is_v4(struct address a) { return memcmp(a.b, mapped, sizeof mapped) == 0; }

bool address_eq(struct address a, struct address b) { return memcmp(a.b, b.b, sizeof a.b) == 0; }

bool address_in(struct address a, struct address base, unsigned bits) {
    unsigned whole = bits / 8, rest = bits % 8;
    return memcmp(a.b, base.b, whole) == 0 && (!rest || (a.b[whole] ^ base.b[whole]) >> (8 - rest) == 0);
}

bool address_inner(struct address *out, struct address a) {
    static const uint8_t translated[12] = {0, 0x64, 0xff, 0x9b};
    const uint8_t *inner = memcmp(a.b, translated, sizeof translated) == 0 ? a.b + 12
                           : a.b[0] == 0x20 && a.b[1] == 0x02              ? a.b + 2
                                                                           : NULL;
    if (!inner)
        return false;
    memcpy(out->b, mapped, sizeof mapped);
    memcpy(out->b + 12, inner, 4);
    return true;
}

struct range4 {
    uint32_t base;
    unsigned bits;
};
// IANA IPv4 special-purpose address registry, and multicast; nothing in it is a public host.
static const struct range4 special4[] = {
    {0x00000000, 8},  // this network
    {0x0a000000, 8},  // private
    {0x64400000, 10}, // shared (carrier-grade NAT)
    {0x7f000000, 8},  // loopback
    {0xa9fe0000, 16}, // link-local, metadata services
    {0xac100000, 12}, // private
    {0xc0000000, 24}, // protocol assignments
    {0xc0000200, 24}, // documentation
    {0xc01fc400, 24}, // AS112
    {0xc034c100, 24}, // AMT
    {0xc0586300, 24}, // 6to4 relay, deprecated
    {0xc0a80000, 16}, // private
    {0xc0af3000, 24}, // AS112
    {0xc6120000, 15}, // benchmarks
    {0xc6336400, 24}, // documentation
    {0xcb007100, 24}, // documentation
    {0xe0000000, 3},  // multicast, reserved, broadcast
};

static uint32_t word(const uint8_t *p) {
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static bool public4(uint32_t a) {
    for (size_t i = 0; i < ARRAY_LEN(special4); i++)
        if ((a ^ special4[i].base) >> (32 - special4[i].bits) == 0)
            return false;
    return true;
}

// Of IPv6 only 2000::/3 is given out to public hosts; inside it some blocks are special.
static bool public6(const uint8_t *a) {
    uint32_t high = word(a);
    return (a[0] & 0xe0) == 0x20 &&
           !(high >> 9 == 0x20010000u >> 9 ||   // protocol assignments, Teredo among them
             high == 0x20010db8 ||              // documentation
             high >> 12 == 0x3fff0000u >> 12 || // documentation
             (a[0] == 0x26 && a[1] == 0x20 && a[2] == 0 && a[3] == 0x4f && a[4] == 0x80 && a[5] == 0)); // AS112
}

bool address_is_public(struct address a) {
    struct address inner;
    if (address_inner(&inner, a))
        return public4(word(inner.b + 12));
    return address_is_v4(a) ? public4(word(a.b + 12)) : public6(a.b);
}

// From the clouds' own documents. Most are private anyway, and stand here for EGRESS_ALLOW: a range does not open them.
static const char *const metadata[] = {
    "169.254.169.254", // AWS, Azure, Google, Oracle, DigitalOcean, Hetzner, OpenStack: instance metadata
    "169.254.170.2",   // AWS ECS: credentials of a task (docs.aws.amazon.com, task-iam-roles)
    "169.254.170.23",  // AWS EKS: credentials of a pod (docs.aws.amazon.com, pod-identities)
    "fd00:ec2::254",   // AWS: instance metadata by IPv6 (docs.aws.amazon.com, instancedata-data-retrieval)
    "fd00:ec2::23",    // AWS EKS: the same as .170.23 by IPv6
    "168.63.129.16",   // Azure: wire server, DNS, DHCP, agents; a public number (learn.microsoft.com,
                       // what-is-ip-address-168-63-129-16)
    "fd20:ce::254",    // Google: metadata server by IPv6 (cloud.google.com, querying-metadata)
    "192.0.0.192",     // Oracle: metadata of older shapes (docs.oracle.com, gettingmetadata)
    "100.100.100.200", // Alibaba: instance metadata (alibabacloud.com, view-instance-metadata)
    "169.254.0.23",    // Tencent: instance metadata (cloud.tencent.com, metadata.tencentyun.com)
    "169.254.42.42",   // Scaleway: instance metadata
    "fd00:42::42",     // Scaleway: the same by IPv6
};

bool address_is_metadata(struct address a) {
    struct address one, inner;
    if (address_inner(&inner, a))
        a = inner;
    for (size_t i = 0; i < ARRAY_LEN(metadata); i++)
        if (address_parse(&one, metadata[i]) && address_eq(a, one))
            return true;
    return false;
}
