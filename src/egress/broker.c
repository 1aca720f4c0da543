// SPDX-License-Identifier: Apache-2.0
#include "egress/broker.h"

#include "base/clock.h"
#include "egress/lookup.h"
#include "egress/ways.h"
#include <errno.h>
#include <sys/epoll.h>

#define CLIENTS_MAX 4096
#define PENDING_MAX 1024
#define PENDING_CLIENT_MAX 16
#define EVENTS 64

// Names of the descriptors that are no client's.
enum source { SOURCE_CONTROL = 1, SOURCE_WAYS, SOURCE_LOOKUPS, SOURCE_CLIENTS };

struct client {
    uint64_t id; // the worker's name for it
    int fd;      // -1: it has closed; what it met is still to be told
    enum egress_kind kind;
    unsigned pending;
    bool no_network, no_resolver;
};
// A question whose name is being looked up, or the worker's about this machine (client 0).
struct pending {
    uint64_t key, client, deadline_ms;
    struct egress_question question;
};

struct broker {
    int control, epoll;
    const struct egress_rules *rules;
    struct ways *ways;
    struct lookups *lookups;
    struct client clients[CLIENTS_MAX];
    size_t client_count;
    struct pending pending[PENDING_MAX];
    size_t pending_count;
    uint64_t last_key;
    bool stop;
};

static bool watch(struct broker *b, int fd, uint64_t name) {
    struct epoll_event ev = {.events = EPOLLIN, .data.u64 = name};
    return epoll_ctl(b->epoll, EPOLL_CTL_ADD, fd, &ev) == 0;
}

static struct client *find(struct broker *b, uint64_t id) {
    for (size_t i = 0; i < b->client_count; i++)
        if (b->clients[i].id == id)
            return &b->clients[i];
    return NULL;
}

static void hang_up(struct client *c) {
    if (c->fd >= 0)
        close(c->fd); // and out of the epoll set, as nobody else holds it
    c->fd = -1;
}

static void drop_pending(struct broker *b, size_t i) {
    struct client *c = find(b, b->pending[i].client);
    if (c)
        c->pending--;
    lookups_forget(b->lookups, b->pending[i].key);
    b->pending[i] = b->pending[--b->pending_count];
}

// --- answers --------------------------------------------------------------------------------------------------------

static void answer(struct client *c, uint32_t id, enum egress_end end, struct address address, int fd) {
    struct egress_answer a = {.id = id, .end = (uint32_t)end, .address = address};
    c->no_network = c->no_network || end == EGRESS_NO_NETWORK;
    c->no_resolver = c->no_resolver || end == EGRESS_NO_RESOLVER;
    if (c->fd >= 0 && !egress_send(c->fd, &a, sizeof a, fd))
        hang_up(c); // gone, or it does not read what it asked for
}

// Starts a connect. The descriptor, or -1 with errno.
static int start(struct address a, uint16_t port) {
    struct sockaddr_storage to;
    socklen_t len = address_to_socket(a, port, &to);
    int fd = socket(to.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || connect(fd, (const void *)&to, len) == 0 || errno == EINPROGRESS)
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

static enum egress_end why_not(struct broker *b, int error) {
    switch (error) {
    case ENETUNREACH:
    case EHOSTUNREACH:
    case EADDRNOTAVAIL:
    case EAFNOSUPPORT:
    case EACCES: // a route that forbids
    case EPERM: return ways_out(b->ways) ? EGRESS_UNREACHABLE : EGRESS_NO_NETWORK;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM: return EGRESS_TROUBLE;
    default: return EGRESS_REFUSED;
    }
}

static bool was_tried(const struct egress_question *q, struct address a) {
    for (size_t i = 0; i < q->tried_count; i++)
        if (address_eq(q->tried[i], a))
            return true;
    return false;
}

// The first address that may be reached and to which a connect starts.
static void connect_one(struct broker *b, struct client *c, const struct egress_question *q,
                        const struct address *found, size_t count) {
    enum egress_end end = EGRESS_PROHIBITED;
    for (size_t i = 0; i < count; i++) {
        if (!egress_rules_judge(b->rules, c->kind, q->host, found[i], q->port, ways_near(b->ways, found[i])))
            continue;
        if (end == EGRESS_PROHIBITED)
            end = EGRESS_REFUSED;
        if (was_tried(q, found[i]))
            continue;
        int fd = start(found[i], q->port);
        if (fd >= 0) {
            answer(c, q->id, EGRESS_STARTED, found[i], fd);
            close(fd);
            return;
        }
        end = why_not(b, errno);
    }
    answer(c, q->id, end, (struct address){0}, -1);
}

static void tell_state(struct broker *b, bool resolver) {
    struct egress_report report = {.no_network = !ways_out(b->ways), .no_resolver = !resolver};
    b->stop = b->stop || !egress_send(b->control, &report, sizeof report, -1);
}

static void take_results(struct broker *b) {
    struct lookup_result r;
    while (lookups_take(b->lookups, &r)) {
        size_t i = 0;
        while (i < b->pending_count && b->pending[i].key != r.key)
            i++;
        if (i == b->pending_count)
            continue; // nobody waits any more
        struct egress_question q = b->pending[i].question;
        uint64_t id = b->pending[i].client;
        drop_pending(b, i);
        struct client *c = find(b, id);
        if (c && r.end == EGRESS_STARTED) {
            connect_one(b, c, &q, r.found, r.count);
        } else if (c) {
            bool ours = r.end != EGRESS_TROUBLE && !ways_out(b->ways);
            answer(c, q.id, ours ? EGRESS_NO_NETWORK : r.end, (struct address){0}, -1);
        } else if (!id) {
            tell_state(b, r.end == EGRESS_STARTED);
        }
    }
}

// --- questions ------------------------------------------------------------------------------------------------------

static bool start_lookup(struct broker *b, uint64_t client, enum egress_kind kind, const struct egress_question *q,
                         const char *host) {
    if (b->pending_count == PENDING_MAX || !lookups_start(b->lookups, ++b->last_key, client, kind, host))
        return false;
    b->pending[b->pending_count++] = (struct pending){b->last_key, client, clock_mono_ms() + q->timeout_ms, *q};
    return true;
}

static void take_question(struct broker *b, struct client *c, const struct egress_question *q) {
    struct address literal;
    if (!egress_rules_port(b->rules, c->kind, q->host, q->port)) {
        answer(c, q->id, EGRESS_PORT, (struct address){0}, -1);
    } else if (address_parse(&literal, q->host)) {
        connect_one(b, c, q, &literal, 1);
    } else if (strpbrk(q->host, "[]:")) {
        answer(c, q->id, EGRESS_UNKNOWN_NAME, (struct address){0}, -1);
    } else if (c->pending == PENDING_CLIENT_MAX || !start_lookup(b, c->id, c->kind, q, q->host)) {
        answer(c, q->id, EGRESS_TOO_MANY, (struct address){0}, -1);
    } else {
        c->pending++;
    }
}

// One message a turn: a client that asks without end waits for the others.
static void serve_client(struct broker *b, struct client *c) {
    char bytes[sizeof(struct egress_question) + 1];
    struct egress_question q;
    size_t len;
    int fd;
    if (!egress_receive(c->fd, bytes, sizeof bytes, &len, &fd)) {
        if (errno != EAGAIN)
            hang_up(c);
        return;
    }
    if (fd >= 0)
        close(fd); // nothing of a client's is taken
    if (fd >= 0 || !egress_question_valid(bytes, len, &q))
        hang_up(c);
    else
        take_question(b, c, &q);
}

// --- orders ---------------------------------------------------------------------------------------------------------

static void add_client(struct broker *b, const struct egress_order *o, int fd) {
    if (fd < 0)
        return;
    if (b->client_count == CLIENTS_MAX || o->id < SOURCE_CLIENTS || find(b, o->id) || !watch(b, fd, o->id)) {
        close(fd); // which its other end sees
        return;
    }
    b->clients[b->client_count++] = (struct client){.id = o->id, .fd = fd, .kind = (enum egress_kind)o->client_kind};
}

static void end_client(struct broker *b, uint64_t id) {
    struct client *c = find(b, id);
    struct egress_report report = {.id = id};
    for (size_t i = b->pending_count; i-- > 0;)
        if (b->pending[i].client == id)
            drop_pending(b, i);
    if (c) {
        report.no_network = c->no_network, report.no_resolver = c->no_resolver;
        hang_up(c);
        *c = b->clients[--b->client_count];
    }
    b->stop = b->stop || !egress_send(b->control, &report, sizeof report, -1);
}

static void serve_control(struct broker *b) {
    char bytes[sizeof(struct egress_order) + 1];
    struct egress_order o;
    size_t len;
    int fd;
    if (!egress_receive(b->control, bytes, sizeof bytes, &len, &fd)) {
        b->stop = b->stop || errno != EAGAIN;
        return;
    }
    bool valid = egress_order_valid(bytes, len, &o);
    if (valid && o.kind == EGRESS_ORDER_CLIENT)
        add_client(b, &o, fd);
    else if (fd >= 0)
        close(fd);
    b->stop = b->stop || !valid;
    if (valid && o.kind == EGRESS_ORDER_END)
        end_client(b, o.id);
    struct egress_question state = {.timeout_ms = EGRESS_WAIT_MAX_MS};
    if (valid && o.kind == EGRESS_ORDER_STATE && !start_lookup(b, LOOKUP_WORKER, EGRESS_GUEST, &state, NULL))
        tell_state(b, lookups_resolver_answers(b->lookups));
}

// --- the loop -------------------------------------------------------------------------------------------------------

// Answers what is late; milliseconds until the next will be, -1: none.
static int end_late(struct broker *b) {
    uint64_t now = clock_mono_ms(), next = UINT64_MAX;
    for (size_t i = b->pending_count; i-- > 0;) {
        struct pending *p = &b->pending[i];
        if (p->deadline_ms > now) {
            next = p->deadline_ms < next ? p->deadline_ms : next;
            continue;
        }
        struct client *c = find(b, p->client);
        uint32_t id = p->question.id;
        drop_pending(b, i);
        enum egress_end end = !ways_out(b->ways)                     ? EGRESS_NO_NETWORK
                              : lookups_resolver_answers(b->lookups) ? EGRESS_NAME_LATE
                                                                     : EGRESS_NO_RESOLVER;
        if (c)
            answer(c, id, end, (struct address){0}, -1);
    }
    return next == UINT64_MAX ? -1 : (int)(next - now);
}

static void serve(struct broker *b, uint64_t source) {
    if (source == SOURCE_CONTROL) {
        serve_control(b);
    } else if (source == SOURCE_WAYS) {
        ways_changed(b->ways);
    } else if (source == SOURCE_LOOKUPS) {
        take_results(b);
    } else {
        struct client *c = find(b, source); // it may have ended in this very turn
        if (c && c->fd >= 0)
            serve_client(b, c);
    }
}

static bool set_up(struct broker *b, struct err *e) {
    b->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (!ways_new(&b->ways, e) || !lookups_new(&b->lookups, e))
        return false;
    return (b->epoll >= 0 && watch(b, b->control, SOURCE_CONTROL) && watch(b, ways_fd(b->ways), SOURCE_WAYS) &&
            watch(b, lookups_fd(b->lookups), SOURCE_LOOKUPS)) ||
           err_errno(e, "cannot wait for events");
}

bool broker_serve(int control, const struct egress_rules *rules, struct err *e) {
    static struct broker b;
    struct epoll_event events[EVENTS];
    b = (struct broker){.control = control, .rules = rules};
    if (!set_up(&b, e))
        return false;
    while (!b.stop) {
        int n = epoll_wait(b.epoll, events, EVENTS, end_late(&b));
        if (n < 0 && errno != EINTR)
            return err_errno(e, "cannot wait for events");
        for (int i = 0; i < n && !b.stop; i++)
            serve(&b, events[i].data.u64);
    }
    for (size_t i = 0; i < b.client_count; i++)
        hang_up(&b.clients[i]);
    close(b.epoll);
    ways_free(b.ways); // look-ups live on: their threads may still be at work
    return true;
}
