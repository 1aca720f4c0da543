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

// "CONNECT host:443 HTTP/1.1" and header lines up to an empty one. A name of plain characters only.
static bool read_head(struct proxy *p, int fd, char host[static 256]) {
    char head[HEAD_MAX + 1];
    size_t n = 0;
    do {
        ssize_t got = n < HEAD_MAX && await(p, fd, POLLIN, CONNECT_MS) ? recv(fd, head + n, HEAD_MAX - n, 0) : -1;
        if (got <= 0)
            return false;
        n += (size_t)got;
        head[n] = 0;
    } while (!strstr(head, "\r\n\r\n"));
    char *at = head + strlen("CONNECT "), *colon = strncmp(head, "CONNECT ", 8) == 0 ? strchr(at, ':') : NULL;
    size_t len = colon ? (size_t)(colon - at) : 0;
    if (!len || len > 253 || strncmp(colon, ":443 HTTP/1.", 12) != 0)
        return say(p, "only https on its usual port is served"), answer(fd, "403 Forbidden"), false;
    for (size_t i = 0; i < len; i++)
        if (!isalnum((unsigned char)at[i]) && !strchr(".-", at[i]))
            return answer(fd, "400 Bad Request"), false;
    memcpy(host, at, len);
    host[len] = 0;
    return true;
}

static bool is_registry(const char *host) {
    for (size_t i = 0; i < ARRAY_LEN(registry_hosts); i++)
        if (strcasecmp(host, registry_hosts[i]) == 0)
            return true;
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

static int connect_host(struct proxy *p, const char *host) {
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM}, *list, *a;
    if (getaddrinfo(host, "443", &hints, &list) != 0) {
        say(p, "host %.100s is unknown", host);
        return -1;
    }
    int fd = -1;
    bool allowed = false;
    for (a = list; a && fd < 0; a = a->ai_next) {
        if (!is_registry(host) && !address_is_public(a->ai_addr, a->ai_addrlen))
            continue;
        allowed = true;
        fd = connect_to(p, a);
    }
    freeaddrinfo(list);
    if (fd < 0)
        say(p, allowed ? "host %.100s does not answer" : "host %.100s has no public address", host);
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
    char host[256];
    int outside = -1;
    if (read_head(c->proxy, c->fd, host)) {
        outside = connect_host(c->proxy, host);
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

bool proxy_start(struct proxy **out, struct sandbox *box, struct err *e) {
    struct proxy *p = xcalloc(1, sizeof *p);
    *out = NULL;
    pthread_mutex_init(&p->lock, NULL);
    p->listener = -1;
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

const char *proxy_trouble(const struct proxy *p) {
    // Asked between commands, when no connection is left that could change it.
    return p->trouble[0] ? p->trouble : NULL;
}
