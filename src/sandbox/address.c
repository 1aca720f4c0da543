// SPDX-License-Identifier: Apache-2.0
#include "sandbox/address.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <string.h>

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

static bool public4(uint32_t a) {
    for (size_t i = 0; i < ARRAY_LEN(special4); i++)
        if ((a ^ special4[i].base) >> (32 - special4[i].bits) == 0)
            return false;
    return true;
}

static uint32_t word(const uint8_t *p) {
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

// Of IPv6 only 2000::/3 is given out to public hosts; inside it some blocks are special, and some carry an IPv4
// address.
static bool public6(const uint8_t *a) {
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    static const uint8_t translated[12] = {0, 0x64, 0xff, 0x9b};
    if (memcmp(a, mapped, 12) == 0 || memcmp(a, translated, 12) == 0)
        return public4(word(a + 12));
    if ((a[0] & 0xe0) != 0x20)
        return false;
    uint32_t high = word(a);
    if (high >> 16 == 0x2002) // 6to4
        return public4(word(a + 2));
    return !(high >> 9 == 0x20010000u >> 9 ||   // protocol assignments, Teredo among them
             high == 0x20010db8 ||              // documentation
             high >> 12 == 0x3fff0000u >> 12 || // documentation
             (a[0] == 0x26 && a[1] == 0x20 && a[2] == 0 && a[3] == 0x4f && a[4] == 0x80 && a[5] == 0)); // AS112
}

static bool own_address(const struct sockaddr *x) {
    struct ifaddrs *list, *i;
    bool own = false;
    if (getifaddrs(&list) != 0)
        return true; // what cannot be told apart is not connected
    for (i = list; i && !own; i = i->ifa_next) {
        if (!i->ifa_addr || i->ifa_addr->sa_family != x->sa_family)
            continue;
        struct sockaddr_in a4, b4;
        struct sockaddr_in6 a6, b6;
        if (x->sa_family == AF_INET) {
            memcpy(&a4, x, sizeof a4), memcpy(&b4, i->ifa_addr, sizeof b4);
            own = a4.sin_addr.s_addr == b4.sin_addr.s_addr;
        } else if (x->sa_family == AF_INET6) {
            memcpy(&a6, x, sizeof a6), memcpy(&b6, i->ifa_addr, sizeof b6);
            own = memcmp(&a6.sin6_addr, &b6.sin6_addr, sizeof a6.sin6_addr) == 0;
        }
    }
    freeifaddrs(list);
    return own;
}

bool address_is_public(const struct sockaddr *address, socklen_t len) {
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
    if (address->sa_family == AF_INET && len >= sizeof in) {
        memcpy(&in, address, sizeof in);
        return public4(ntohl(in.sin_addr.s_addr)) && !own_address(address);
    }
    if (address->sa_family == AF_INET6 && len >= sizeof in6) {
        memcpy(&in6, address, sizeof in6);
        return public6(in6.sin6_addr.s6_addr) && !own_address(address);
    }
    return false;
}
