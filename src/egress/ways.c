// SPDX-License-Identifier: Apache-2.0
#include "egress/ways.h"

#include "base/file.h"
#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <poll.h>

// The kernel's macros step through a message by bytes; it is aligned, and so is all that they come to.
#pragma GCC diagnostic ignored "-Wcast-align"

#define NEAR_MAX 65536
#define PIECE_MAX 65536
#define TRIES 4 // a table that changes while it is read is read again
#define ANSWER_MS 2000
// A route without a gateway that covers more than this is a tunnel to the Internet, not a neighbourhood.
#define WORLD4 (96 + 8)
#define WORLD6 16

struct range {
    struct address base;
    unsigned bits;
};
struct ways {
    int events, questions;
    uint32_t seq;
    bool fresh, told, out;
    struct range *near;
    size_t count;
};

static int open_netlink(uint32_t groups) {
    struct sockaddr_nl me = {.nl_family = AF_NETLINK, .nl_groups = groups};
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
    if (fd >= 0 && bind(fd, (void *)&me, sizeof me) != 0) {
        close(fd);
        fd = -1;
    }
    return fd;
}

bool ways_new(struct ways **out, struct err *e) {
    struct ways *w = xcalloc(1, sizeof *w);
    w->events =
        open_netlink(RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_IFADDR | RTMGRP_IPV6_ROUTE);
    w->questions = open_netlink(0);
    *out = w;
    if (w->events >= 0 && w->questions >= 0)
        return true;
    err_errno(e, "cannot ask the kernel for this machine's addresses");
    ways_free(w);
    *out = NULL;
    return false;
}

void ways_free(struct ways *w) {
    if (!w)
        return;
    if (w->events >= 0)
        close(w->events);
    if (w->questions >= 0)
        close(w->questions);
    free(w->near);
    free(w);
}

int ways_fd(const struct ways *w) { return w->events; }

void ways_changed(struct ways *w) {
    char piece[8192];
    ssize_t n;
    do // also ENOBUFS: more has changed than the kernel keeps
        n = recv(w->events, piece, sizeof piece, MSG_DONTWAIT);
    while (n > 0 || (n < 0 && (errno == EINTR || errno == ENOBUFS)));
    w->fresh = false;
}

static void add(struct ways *w, const uint8_t *bytes, bool v4, unsigned bits) {
    struct range r = {.bits = bits + (v4 ? 96 : 0)};
    if (v4)
        r.base.b[10] = r.base.b[11] = 0xff;
    if (bytes)
        memcpy(r.base.b + (v4 ? 12 : 0), bytes, v4 ? 4 : 16);
    if (w->count == NEAR_MAX) {
        w->told = false;
        return;
    }
    if ((w->count & (w->count - 1)) == 0)
        w->near = xrealloc(w->near, (w->count ? 2 * w->count : 1) * sizeof *w->near);
    w->near[w->count++] = r;
}

// The payload of an attribute, NULL where there is none of this kind or it is shorter than it must be.
static const uint8_t *attribute(struct rtattr *at, size_t len, unsigned short kind, size_t least) {
    for (; RTA_OK(at, len); at = RTA_NEXT(at, len))
        if ((at->rta_type & ~(NLA_F_NESTED | NLA_F_NET_BYTEORDER)) == kind && RTA_PAYLOAD(at) >= least)
            return RTA_DATA(at);
    return NULL;
}

// An address of this machine, and the network that it is on.
static void take_address(struct ways *w, struct nlmsghdr *h) {
    struct ifaddrmsg *m = NLMSG_DATA(h);
    size_t len = IFA_PAYLOAD(h), size = m->ifa_family == AF_INET ? 4 : 16;
    if (m->ifa_family != AF_INET && m->ifa_family != AF_INET6)
        return;
    const uint8_t *own = attribute(IFA_RTA(m), len, IFA_LOCAL, size);
    const uint8_t *net = attribute(IFA_RTA(m), len, IFA_ADDRESS, size); // the other end's, where there are two
    if (own)
        add(w, own, size == 4, size == 4 ? 32 : 128);
    if (net && m->ifa_prefixlen <= size * 8)
        add(w, net, size == 4, m->ifa_prefixlen);
}

// Whether one of the ways of a route leads straight to its destination.
static bool is_direct(struct rtattr *attributes, size_t len) {
    const uint8_t *list = attribute(attributes, len, RTA_MULTIPATH, sizeof(struct rtnexthop));
    if (!list)
        return !attribute(attributes, len, RTA_GATEWAY, 4) && !attribute(attributes, len, RTA_VIA, 2);
    const struct rtattr *around = (const void *)(list - RTA_LENGTH(0));
    size_t left = RTA_PAYLOAD(around);
    for (struct rtnexthop *n = (void *)(uintptr_t)list; left >= sizeof *n && RTNH_OK(n, (int)left);) {
        size_t inner = n->rtnh_len - RTNH_LENGTH(0);
        if (!attribute(RTNH_DATA(n), inner, RTA_GATEWAY, 4) && !attribute(RTNH_DATA(n), inner, RTA_VIA, 2))
            return true;
        size_t step = RTNH_ALIGN(n->rtnh_len);
        if (step > left)
            break;
        left -= step;
        n = RTNH_NEXT(n);
    }
    return false;
}

static void take_route(struct ways *w, struct nlmsghdr *h) {
    struct rtmsg *m = NLMSG_DATA(h);
    size_t len = RTM_PAYLOAD(h), size = m->rtm_family == AF_INET ? 4 : 16;
    bool v4 = size == 4, unicast = m->rtm_type == RTN_UNICAST;
    if ((m->rtm_family != AF_INET && m->rtm_family != AF_INET6) || m->rtm_dst_len > size * 8)
        return;
    const uint8_t *to = attribute(RTM_RTA(m), len, RTA_DST, size);
    bool world = m->rtm_dst_len + (v4 ? 96u : 0) < (v4 ? WORLD4 : WORLD6);
    if (unicast && world && !(m->rtm_flags & RTNH_F_DEAD))
        w->out = true;
    bool ours = m->rtm_type == RTN_LOCAL || m->rtm_type == RTN_BROADCAST || m->rtm_type == RTN_ANYCAST;
    if (ours || (unicast && !world && is_direct(RTM_RTA(m), len)))
        add(w, to, v4, m->rtm_dst_len);
}

// One dump. False where the kernel does not answer, or something changed meanwhile.
static bool dump(struct ways *w, uint16_t kind) {
    struct {
        struct nlmsghdr h;
        struct rtgenmsg m;
    } q = {.h = {.nlmsg_len = NLMSG_LENGTH(sizeof q.m),
                 .nlmsg_type = kind,
                 .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
                 .nlmsg_seq = ++w->seq},
           .m = {.rtgen_family = AF_UNSPEC}};
    static _Alignas(struct nlmsghdr) char piece[PIECE_MAX];
    bool whole = true;
    if (send(w->questions, &q, q.h.nlmsg_len, 0) != (ssize_t)q.h.nlmsg_len)
        return false;
    for (;;) {
        struct pollfd f = {w->questions, POLLIN, 0};
        ssize_t n = poll(&f, 1, ANSWER_MS) == 1 ? recv(w->questions, piece, sizeof piece, 0) : -1;
        if (n <= 0)
            return false;
        size_t left = (size_t)n;
        for (struct nlmsghdr *h = (void *)piece; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left)) {
            if (h->nlmsg_seq != w->seq) // of a dump that was given up
                continue;
            whole = whole && !(h->nlmsg_flags & NLM_F_DUMP_INTR);
            if (h->nlmsg_type == NLMSG_DONE)
                return whole;
            if (h->nlmsg_type == NLMSG_ERROR)
                return false;
            if (h->nlmsg_type == RTM_NEWADDR && h->nlmsg_len >= NLMSG_LENGTH(sizeof(struct ifaddrmsg)))
                take_address(w, h);
            else if (h->nlmsg_type == RTM_NEWROUTE && h->nlmsg_len >= NLMSG_LENGTH(sizeof(struct rtmsg)))
                take_route(w, h);
        }
    }
}

static void refresh(struct ways *w) {
    for (int i = 0; !w->fresh && i < TRIES; i++) {
        w->count = 0;
        w->out = false;
        w->told = true;
        w->fresh = dump(w, RTM_GETADDR) && dump(w, RTM_GETROUTE);
    }
}

static bool is_near(const struct ways *w, struct address a) {
    for (size_t i = 0; i < w->count; i++)
        if (address_in(a, w->near[i].base, w->near[i].bits))
            return true;
    return false;
}

bool ways_near(struct ways *w, struct address a) {
    struct address inner;
    refresh(w);
    return !w->fresh || !w->told || is_near(w, a) || (address_inner(&inner, a) && is_near(w, inner));
}

bool ways_out(struct ways *w) {
    refresh(w);
    return !w->fresh || w->out;
}
