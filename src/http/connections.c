// SPDX-License-Identifier: Apache-2.0
#include "http/connections.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/sync.h"
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

#define CUT_MAX 64 // beyond the limit, while the library closes those that made room
#define CONNECTIONS_MIN 64
#define FILES_BESIDE 1024 // of a process: databases, logs, its own calls, files that are being sent
#define LOOK_MS 1000      // deadlines are seconds: each is met within one

struct address { // that has connections
    struct address *next;
    struct in6_addr network;
    uint64_t count;
};

struct connection {
    struct connection *next, *prev; // the oldest first
    struct address *address;        // NULL: is not counted for one
    int fd;
    char peer[INET6_ADDRSTRLEN];
    bool cut;
    _Atomic enum connection_part part;
    _Atomic uint64_t until_ms; // NO_DEADLINE: for ever
};

struct connections {
    uint64_t max, max_per_address;
    uint64_t part_ms[CONNECTION_PART_COUNT];
    const struct client_rules *proxies;
    uint64_t key; // of the table's order, which strangers do not know
    pthread_t watcher;
    pthread_mutex_t lock; // guards what follows
    pthread_cond_t changed;
    bool stop;
    struct connection *oldest, *newest;
    uint64_t count, cut;
    struct connections_counts seen; // but what is open
    struct address **table;
    size_t table_size; // a power of two
};

// --- files

static pthread_mutex_t files_lock = PTHREAD_MUTEX_INITIALIZER; // over the next
static uint64_t files_promised;                                // to all servers of this process

static bool too_few_files(uint64_t connections, uint64_t others, uint64_t hard, struct err *e) {
    err_set(e, ERR_SETTINGS,
            "%" PRIu64 " connections (HTTP_CONNECTIONS_MAX) need %" PRIu64
            " open files, and the system lets this process have %" PRIu64,
            connections, connections + others, hard);
    return err_hint(e,
                    "raise the hard limit of open files (ulimit -Hn; LimitNOFILE= of systemd), or lower the setting");
}

// *max 0: as many as can be had for this server and a next one, at most the default.
static bool take_files(uint64_t *max, struct err *e) {
    struct rlimit r;
    if (getrlimit(RLIMIT_NOFILE, &r) != 0)
        return err_errno(e, "cannot read the limit of open files");
    uint64_t others = files_promised + CUT_MAX + FILES_BESIDE, hard = r.rlim_max,
             room = hard > others ? hard - others : 0;
    uint64_t most = room / 2 < HTTP_CONNECTIONS_DEFAULT ? room / 2 : HTTP_CONNECTIONS_DEFAULT; // others may follow
    uint64_t wanted = *max ? *max : most > CONNECTIONS_MIN ? most : CONNECTIONS_MIN;
    if (wanted > room)
        return too_few_files(wanted, others, hard, e);
    if (r.rlim_cur < wanted + others) {
        r.rlim_cur = wanted + others;
        if (setrlimit(RLIMIT_NOFILE, &r) != 0)
            return err_errno(e, "cannot raise the limit of open files to %" PRIu64, wanted + others);
    }
    *max = wanted;
    files_promised += wanted + CUT_MAX;
    return true;
}

static bool promise_files(uint64_t *max, struct err *e) {
    pthread_mutex_lock(&files_lock);
    bool ok = take_files(max, e);
    pthread_mutex_unlock(&files_lock);
    return ok;
}

static void return_files(uint64_t max) {
    pthread_mutex_lock(&files_lock);
    files_promised -= max + CUT_MAX;
    pthread_mutex_unlock(&files_lock);
}

// --- what lasts too long

// The library sees the end of the connection, as if the client had hung up, and closes it.
static void cut(struct connections *all, struct connection *c) {
    c->cut = true;
    all->cut++;
    shutdown(c->fd, SHUT_RDWR);
}

static void cut_overdue(struct connections *all) {
    uint64_t now = clock_mono_ms();
    for (struct connection *c = all->oldest; c; c = c->next) {
        if (c->cut || atomic_load(&c->until_ms) > now)
            continue;
        log_debug("http: a connection of %s lasted too long", c->peer);
        all->seen.cut_late[atomic_load(&c->part)]++;
        cut(all, c);
    }
}

static void *watch(void *arg) {
    struct connections *all = arg;
    pthread_mutex_lock(&all->lock);
    while (!all->stop) {
        (void)cond_wait_until(&all->changed, &all->lock, all->count ? deadline_in(LOOK_MS) : NO_DEADLINE);
        cut_overdue(all);
    }
    pthread_mutex_unlock(&all->lock);
    return NULL;
}

// --- addresses

static struct address **place_of(struct connections *all, const struct in6_addr *network) {
    uint64_t half[2];
    memcpy(half, network, sizeof half);
    uint64_t h = (half[0] ^ all->key) * 0x9e3779b97f4a7c15u;
    h = (h ^ (h >> 32) ^ half[1]) * (all->key | 1);
    struct address **at = &all->table[(h >> 32) & (all->table_size - 1)];
    while (*at && memcmp(&(*at)->network, network, sizeof *network) != 0)
        at = &(*at)->next;
    return at;
}

// false: it has as many as it may.
static bool count_address(struct connections *all, const struct in6_addr *network, struct address **out) {
    struct address **at = place_of(all, network);
    if (!*at) {
        *at = xcalloc(1, sizeof **at);
        (*at)->network = *network;
    }
    *out = *at;
    return (*at)->count < all->max_per_address && ++(*at)->count;
}

static void uncount_address(struct connections *all, struct address *a) {
    if (!a || --a->count)
        return;
    struct address **at = place_of(all, &a->network);
    *at = a->next;
    free(a);
}

// --- who may connect

// What connections_admit took in and connection_begin has not begun yet. A server's threads are its own.
static _Thread_local struct connection *admitted;

static void add(struct connections *all, struct connection *c) {
    c->prev = all->newest;
    *(c->prev ? &c->prev->next : &all->oldest) = c;
    all->newest = c;
    if (all->count++ == 0) // the watcher waits for ever
        pthread_cond_signal(&all->changed);
}

static void drop(struct connections *all, struct connection *c) {
    *(c->prev ? &c->prev->next : &all->oldest) = c->next;
    *(c->next ? &c->next->prev : &all->newest) = c->prev;
    all->count--;
    all->cut -= c->cut;
    uncount_address(all, c->address);
    free(c);
}

// The oldest one that waits for a request. Its place is free when the library has closed it.
static bool make_room(struct connections *all) {
    struct connection *c = all->oldest;
    while (c && (c->cut || atomic_load(&c->part) != CONNECTION_IDLE))
        c = c->next;
    if (!c || all->cut >= CUT_MAX)
        return false;
    all->seen.cut_room++;
    cut(all, c);
    return true;
}

static bool may_enter(struct connections *all, struct connection *c, const struct sockaddr *from) {
    struct in6_addr address;
    if (client_of_socket(from, &address)) {
        bool v4 = IN6_IS_ADDR_V4MAPPED(&address);
        inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? address.s6_addr + 12 : address.s6_addr, c->peer, sizeof c->peer);
        bool counted = !client_is_proxy(all->proxies, &address);
        client_network(&address);
        if (counted && !count_address(all, &address, &c->address)) {
            c->address = NULL;
            all->seen.refused_address++;
            return false;
        }
    }
    if (all->count - all->cut <= all->max || make_room(all)) // it is counted already
        return true;
    all->seen.refused_all++;
    return false;
}

bool connections_admit(struct connections *all, const struct sockaddr *from) {
    struct connection *c = xcalloc(1, sizeof *c);
    c->fd = -1;
    atomic_init(&c->part, CONNECTION_WORK);
    atomic_init(&c->until_ms, NO_DEADLINE);
    pthread_mutex_lock(&all->lock);
    if (admitted) // the connection before failed
        drop(all, admitted);
    add(all, c);
    bool ok = may_enter(all, c, from);
    if (!ok)
        drop(all, c);
    admitted = ok ? c : NULL;
    pthread_mutex_unlock(&all->lock);
    return ok;
}

struct connection *connection_begin(struct connections *all, int fd) {
    struct connection *c = admitted;
    BUG_ON(!c);
    admitted = NULL;
    c->fd = fd;
    connection_is(all, c, CONNECTION_IDLE);
    return c;
}

void connection_end(struct connections *all, struct connection *c) {
    pthread_mutex_lock(&all->lock);
    drop(all, c);
    pthread_mutex_unlock(&all->lock);
}

const char *connection_peer(const struct connection *c) { return c->peer; }

void connection_is(const struct connections *all, struct connection *c, enum connection_part part) {
    uint64_t ms = all->part_ms[part];
    atomic_store(&c->part, part);
    atomic_store(&c->until_ms, ms == NO_DEADLINE ? ms : deadline_in(ms));
}

void connections_count(struct connections *all, struct connections_counts *out) {
    pthread_mutex_lock(&all->lock);
    *out = all->seen;
    out->open = all->count;
    out->max = all->max;
    pthread_mutex_unlock(&all->lock);
}

// --- life

static uint64_t or_default(uint64_t given, uint64_t fallback) { return given ? given : fallback; }

bool connections_new(struct connections **out, const struct http_limits *limits, struct err *e) {
    uint64_t max = limits->connections;
    if (!promise_files(&max, e))
        return false;
    struct connections *all = xcalloc(1, sizeof *all);
    *all = (struct connections){
        .max = max,
        .max_per_address = or_default(limits->connections_per_address, HTTP_CONNECTIONS_PER_ADDRESS_DEFAULT),
        .part_ms = {[CONNECTION_IDLE] = or_default(limits->idle_s, HTTP_IDLE_S_DEFAULT) * 1000,
                    [CONNECTION_BODY] = or_default(limits->body_s, HTTP_BODY_S_DEFAULT) * 1000,
                    [CONNECTION_WORK] = NO_DEADLINE,
                    [CONNECTION_ANSWER] = or_default(limits->answer_s, HTTP_ANSWER_S_DEFAULT) * 1000},
        .proxies = limits->proxies,
        .table_size = 1};
    while (all->table_size < max)
        all->table_size *= 2;
    all->table = xcalloc(all->table_size, sizeof *all->table);
    BUG_ON(getrandom(&all->key, sizeof all->key, 0) != (ssize_t)sizeof all->key);
    pthread_mutex_init(&all->lock, NULL);
    cond_init(&all->changed);
    BUG_ON(pthread_create(&all->watcher, NULL, watch, all) != 0);
    *out = all;
    return true;
}

void connections_free(struct connections *all) {
    if (!all)
        return;
    pthread_mutex_lock(&all->lock);
    all->stop = true;
    pthread_cond_signal(&all->changed);
    pthread_mutex_unlock(&all->lock);
    pthread_join(all->watcher, NULL);
    while (all->oldest) // that were let in and failed at once
        drop(all, all->oldest);
    return_files(all->max);
    pthread_mutex_destroy(&all->lock);
    pthread_cond_destroy(&all->changed);
    free(all->table);
    free(all);
}

uint64_t connections_max(const struct connections *all) { return all->max + CUT_MAX; }
