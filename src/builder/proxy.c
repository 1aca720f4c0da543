// SPDX-License-Identifier: Apache-2.0
#include "builder/proxy.h"

#include "sandbox/address.h"
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <sys/eventfd.h>

#define CONNECTIONS_MAX 16
#define HEAD_MAX 4096
#define IDLE_MS 60000
#define CONNECT_MS 10000

struct connection {
    struct proxy *proxy;
    pthread_t thread;
    int fd;
    bool used, ended;
};

struct proxy {
    int listener, stop; // stop: becomes readable for all when the proxy ends
    unsigned port;
    const char *allow;
    pthread_t thread;
    pthread_mutex_t lock; // of the fields below
    struct connection connections[CONNECTIONS_MAX];
    char trouble[160];
};

static const char *const registry_hosts[] = {"index.crates.io", "static.crates.io", "crates.io"};

static void say(struct proxy *p, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void say(struct proxy *p, const char *fmt, ...) {
    va_list ap;
    pthread_mutex_lock(&p->lock);
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
    char host[256], port[6];
    bool trusted; // connected wherever its name leads
};

// "CONNECT host:port HTTP/1.1": a name of plain characters, a port of digits.
static bool read_target(struct target *t, const char *head) {
    if (strncmp(head, "CONNECT ", 8) != 0)
        return false;
    const char *host = head + 8, *end = host + strcspn(host, ": \r\n"), *port = end + 1;
    size_t digits = *end == ':' ? strspn(port, "0123456789") : 0;
    if (end == host || (size_t)(end - host) >= sizeof t->host || !digits || digits >= sizeof t->port ||
        strncmp(port + digits, " HTTP/1.", 8) != 0)
        return false;
    for (const char *c = host; c < end; c++)
        if (!isalnum((unsigned char)*c) && !strchr(".-", *c))
            return false;
    *t = (struct target){0};
    memcpy(t->host, host, (size_t)(end - host));
    memcpy(t->port, port, digits);
    return true;
}

static bool in_list(const char *list, const char *item) {
    size_t n = strlen(item);
    for (const char *p = list; (p = strcasestr(p, item)); p += n)
        if ((p == list || p[-1] == ',') && (!p[n] || p[n] == ','))
            return true;
    return false;
}

// Whether the way may be gone; says why not.
static bool judge(struct proxy *p, struct target *t) {
    char both[sizeof t->host + sizeof t->port + 1];
    snprintf(both, sizeof both, "%s:%s", t->host, t->port);
    bool https = strcmp(t->port, "443") == 0;
    t->trusted = in_list(p->allow, both);
    for (size_t i = 0; https && i < ARRAY_LEN(registry_hosts); i++)
        t->trusted = t->trusted || strcasecmp(t->host, registry_hosts[i]) == 0;
    if (!https && !t->trusted)
        say(p, "only https on its usual port is served");
    return https || t->trusted;
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
    if (!read_target(t, head))
        say(p, "only https is served");
    else if (judge(p, t))
        return true;
    (void)answer(fd, "403 Forbidden");
    return false;
}

static int connect_to(struct proxy *p, const struct addrinfo *a) {
    int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), error = 0;
    socklen_t n = sizeof error;
    if (fd < 0)
        return -1;
    if ((connect(fd, a->ai_addr, a->ai_addrlen) == 0 || errno == EINPROGRESS) && await(p, fd, POLLOUT, CONNECT_MS) &&
        getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n) == 0 && error == 0)
        return fd;
    close(fd);
    return -1;
}

static int connect_host(struct proxy *p, const struct target *t) {
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM}, *list, *a;
    if (getaddrinfo(t->host, t->port, &hints, &list) != 0) {
        say(p, "host %.100s is unknown", t->host);
        return -1;
    }
    int fd = -1;
    bool allowed = false;
    for (a = list; a && fd < 0; a = a->ai_next) {
        if (!t->trusted && !address_is_public(a->ai_addr, a->ai_addrlen))
            continue;
        allowed = true;
        fd = connect_to(p, a);
    }
    freeaddrinfo(list);
    if (fd < 0)
        say(p, allowed ? "host %.100s does not answer" : "host %.100s has no public address", t->host);
    return fd;
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
        if (fd < 0)
            continue;
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

bool proxy_start(struct proxy **out, struct sandbox *box, const char *allow, struct err *e) {
    struct proxy *p = xcalloc(1, sizeof *p);
    *out = NULL;
    pthread_mutex_init(&p->lock, NULL);
    p->listener = -1;
    p->allow = allow;
    p->stop = eventfd(0, EFD_CLOEXEC);
    bool ok = p->stop >= 0 || err_errno(e, "cannot make an eventfd");
    ok = ok && sandbox_listen(box, &p->listener, &p->port, e);
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
    free(p);
    return false;
}

void proxy_stop(struct proxy *p) {
    uint64_t one = 1;
    if (!p)
        return;
    (void)!write(p->stop, &one, sizeof one);
    pthread_join(p->thread, NULL);
    for (size_t i = 0; i < CONNECTIONS_MAX; i++)
        if (p->connections[i].used)
            pthread_join(p->connections[i].thread, NULL);
    close(p->listener);
    close(p->stop);
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
