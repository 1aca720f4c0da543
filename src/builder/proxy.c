// SPDX-License-Identifier: Apache-2.0
#include "builder/proxy.h"

#include "base/text.h"
#include "egress/client.h"
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <sys/eventfd.h>

#define CONNECTIONS_MAX 16
#define HEAD_MAX 4096
#define IDLE_MS 60000
#define CONNECT_MS 10000
#define LOOKUP_MS 30000
#define PAUSE_MS 100 // until a descriptor may be free again, which nothing tells us

struct connection {
    struct proxy *proxy;
    pthread_t thread;
    int fd;
    bool used, ended;
};

struct proxy {
    int listener, stop; // stop: becomes readable for all when the proxy ends
    unsigned port;
    struct egress *egress;
    struct egress_way way;
    struct egress_client *client; // NULL: there is no way out
    pthread_t thread;
    pthread_mutex_t lock; // of the fields below
    struct connection connections[CONNECTIONS_MAX];
    char trouble[160];
    bool ours;
};

static void say(struct proxy *p, bool ours, const char *fmt, ...) PRINTF_LIKE(3, 4);
static void say(struct proxy *p, bool ours, const char *fmt, ...) {
    va_list ap;
    pthread_mutex_lock(&p->lock);
    p->ours = ours;
    va_start(ap, fmt);
    vsnprintf(p->trouble, sizeof p->trouble, fmt, ap);
    va_end(ap);
    pthread_mutex_unlock(&p->lock);
}

// Waits until fd is ready; false when the proxy stops, or after `ms`.
static bool await(struct proxy *p, int fd, short events, int ms) {
    struct pollfd f[2] = {{.fd = fd, .events = events}, {.fd = p->stop, .events = POLLIN}};
    return poll(f, 2, ms) > 0 && !f[1].revents;
}

static bool answer(int fd, const char *status) {
    char text[160];
    int n = snprintf(text, sizeof text, "HTTP/1.1 %s\r\n\r\n", status);
    return send(fd, text, (size_t)n, MSG_NOSIGNAL) == n;
}

struct target {
    char host[EGRESS_HOST_MAX];
    uint16_t port;
};

// "CONNECT host:port HTTP/1.1": a name of plain characters, a port of digits.
static bool read_target(struct target *t, const char *head) {
    if (strncmp(head, "CONNECT ", 8) != 0)
        return false;
    const char *host = head + 8, *end = host + strcspn(host, ": \r\n"), *port = end + 1;
    size_t digits = *end == ':' ? strspn(port, "0123456789") : 0;
    uint64_t n;
    if (end == host || (size_t)(end - host) >= sizeof t->host || !text_u64(slice_of(port, digits), &n) || n == 0 ||
        n > UINT16_MAX || strncmp(port + digits, " HTTP/1.", 8) != 0)
        return false;
    for (const char *c = host; c < end; c++)
        if (!isalnum((unsigned char)*c) && !strchr(".-", *c))
            return false;
    *t = (struct target){.port = (uint16_t)n};
    memcpy(t->host, host, (size_t)(end - host));
    return true;
}

// Reads the request's head and answers what is refused.
static bool read_head(struct proxy *p, int fd, struct target *t) {
    char head[HEAD_MAX + 1];
    size_t n = 0;
    do {
        ssize_t got = n < HEAD_MAX && await(p, fd, POLLIN, CONNECT_MS) ? recv(fd, head + n, HEAD_MAX - n, 0) : -1;
        if (got <= 0)
            return false;
        n += (size_t)got;
        head[n] = 0;
    } while (!strstr(head, "\r\n\r\n"));
    if (read_target(t, head))
        return true;
    say(p, false, "only https is served");
    (void)answer(fd, "403 Forbidden");
    return false;
}

// Whether the connect that was started has succeeded.
static bool connected(struct proxy *p, int fd) {
    int error = 0;
    socklen_t n = sizeof error;
    return await(p, fd, POLLOUT, CONNECT_MS) && getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n) == 0 && error == 0;
}

static void say_why(struct proxy *p, const struct target *t, enum egress_end end, bool tried) {
    switch (end) {
    case EGRESS_PORT: say(p, false, "only https on its usual port is served"); return;
    case EGRESS_PROHIBITED: say(p, false, "host %.100s has no public address", t->host); return;
    case EGRESS_UNKNOWN_NAME:
    case EGRESS_NAME_FAILED:
    case EGRESS_NAME_LATE: say(p, false, "host %.100s is unknown", t->host); return;
    case EGRESS_NO_NETWORK: say(p, !tried, "this worker has no network"); return;
    case EGRESS_NO_RESOLVER: say(p, !tried, "this worker's resolver does not answer"); return;
    case EGRESS_TROUBLE: say(p, !tried, "the broker of this worker's connections has failed"); return;
    case EGRESS_TOO_MANY: say(p, false, "too many connections at once"); return;
    case EGRESS_STARTED:
    case EGRESS_REFUSED:
    case EGRESS_UNREACHABLE:
    case EGRESS_ENDS: break;
    }
    say(p, false, "host %.100s does not answer", t->host);
}

// One address after the other until one answers.
static int connect_host(struct proxy *p, const struct target *t) {
    struct egress_question q = {.timeout_ms = LOOKUP_MS, .port = t->port};
    enum egress_end end = EGRESS_STARTED;
    memcpy(q.host, t->host, sizeof q.host);
    while (p->client && end == EGRESS_STARTED && q.tried_count < EGRESS_TRIED_MAX) {
        int fd;
        end = egress_ask(p->client, &q, &q.tried[q.tried_count], &fd);
        if (end != EGRESS_STARTED)
            break;
        if (connected(p, fd))
            return fd;
        close(fd);
        q.tried_count++;
    }
    say_why(p, t, p->client ? end : EGRESS_NO_NETWORK, q.tried_count > 0);
    return -1;
}

// One direction's bytes, as many as are there. False at the end or an error.
static bool pass(struct proxy *p, int from, int to) {
    char piece[65536];
    ssize_t n = recv(from, piece, sizeof piece, MSG_DONTWAIT);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR;
    for (ssize_t done = 0; done < n;) {
        ssize_t sent = send(to, piece + done, (size_t)(n - done), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent > 0)
            done += sent;
        else if (errno != EAGAIN || !await(p, to, POLLOUT, IDLE_MS))
            return false;
    }
    return n > 0;
}

static void relay(struct proxy *p, int inside, int outside) {
    for (bool in = true, out = true; in && out;) {
        struct pollfd f[3] = {
            {.fd = inside, .events = POLLIN}, {.fd = outside, .events = POLLIN}, {.fd = p->stop, .events = POLLIN}};
        if (poll(f, 3, IDLE_MS) <= 0 || f[2].revents)
            return;
        if (f[0].revents)
            in = pass(p, inside, outside);
        if (f[1].revents)
            out = pass(p, outside, inside);
    }
}

static void *serve(void *arg) {
    struct connection *c = arg;
    struct target t;
    int outside = -1;
    if (read_head(c->proxy, c->fd, &t)) {
        outside = connect_host(c->proxy, &t);
        if (outside < 0)
            answer(c->fd, "502 Bad Gateway");
        else if (answer(c->fd, "200 Connection established"))
            relay(c->proxy, c->fd, outside);
    }
    if (outside >= 0)
        close(outside);
    close(c->fd);
    pthread_mutex_lock(&c->proxy->lock);
    c->ended = true;
    pthread_mutex_unlock(&c->proxy->lock);
    return NULL;
}

// A place that is free, or whose thread has ended. NULL: too many at once.
static struct connection *place(struct proxy *p) {
    struct connection *found = NULL;
    pthread_mutex_lock(&p->lock);
    for (size_t i = 0; i < CONNECTIONS_MAX && !found; i++)
        if (!p->connections[i].used || p->connections[i].ended)
            found = &p->connections[i];
    pthread_mutex_unlock(&p->lock);
    if (found && found->used)
        pthread_join(found->thread, NULL);
    return found;
}

static void *accept_all(void *arg) {
    struct proxy *p = arg;
    while (await(p, p->listener, POLLIN, -1)) {
        int fd = accept4(p->listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0) {
            if (errno != EINTR && errno != ECONNABORTED)
                (void)await(p, -1, 0, PAUSE_MS); // no descriptor is free: what waits would wake us at once
            continue;
        }
        struct connection *c = place(p);
        if (!c) {
            close(fd);
            continue;
        }
        *c = (struct connection){.proxy = p, .fd = fd};
        c->used = pthread_create(&c->thread, NULL, serve, c) == 0;
        if (!c->used)
            close(fd);
    }
    return NULL;
}

static void end_way(struct proxy *p) {
    egress_client_free(p->client);
    if (p->egress)
        egress_close(p->egress, &p->way, NULL, NULL);
}

bool proxy_start(struct proxy **out, struct sandbox *box, struct egress *egress, struct err *e) {
    struct proxy *p = xcalloc(1, sizeof *p);
    *out = NULL;
    pthread_mutex_init(&p->lock, NULL);
    p->listener = -1;
    p->egress = egress;
    p->way = EGRESS_NO_WAY;
    p->stop = eventfd(0, EFD_CLOEXEC);
    bool ok = p->stop >= 0 || err_errno(e, "cannot make an eventfd");
    ok = ok && sandbox_listen(box, &p->listener, &p->port, e) &&
         (!egress || egress_open(egress, EGRESS_FETCH, &p->way, e));
    if (ok && egress) {
        p->client = egress_client_new(p->way.fd);
        p->way.fd = -1; // the client's from now on
    }
    if (ok && (errno = pthread_create(&p->thread, NULL, accept_all, p)) != 0)
        ok = err_errno(e, "cannot start a thread");
    if (ok) {
        *out = p;
        return true;
    }
    if (p->listener >= 0)
        close(p->listener);
    if (p->stop >= 0)
        close(p->stop);
    end_way(p);
    free(p);
    return false;
}

void proxy_stop(struct proxy *p) {
    uint64_t one = 1;
    if (!p)
        return;
    (void)!write(p->stop, &one, sizeof one);
    if (p->client)
        egress_client_stop(p->client); // whoever waits for a name server waits no longer
    pthread_join(p->thread, NULL);
    for (size_t i = 0; i < CONNECTIONS_MAX; i++)
        if (p->connections[i].used)
            pthread_join(p->connections[i].thread, NULL);
    close(p->listener);
    close(p->stop);
    end_way(p);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

unsigned proxy_port(const struct proxy *p) { return p->port; }

const char *proxy_trouble(struct proxy *p, struct arena *a) {
    pthread_mutex_lock(&p->lock);
    const char *text = p->trouble[0] ? arena_strdup(a, p->trouble) : NULL;
    pthread_mutex_unlock(&p->lock);
    return text;
}

bool proxy_trouble_is_ours(struct proxy *p) {
    pthread_mutex_lock(&p->lock);
    bool ours = p->trouble[0] && p->ours;
    pthread_mutex_unlock(&p->lock);
    return ours;
}
