// SPDX-License-Identifier: Apache-2.0
#include "egress/egress.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/patience.h"
#include "base/sync.h"
#include "egress/wire.h"
#include "sandbox/confine.h"
#include <errno.h>
#include <fcntl.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define CONTROL_FD 3
#define CA_FILE_MAX (1u << 20)
#define REPORT_MS 5000 // the broker answers at once: one that does not has gone wrong
#define STATE_MS 20000 // but for its resolver, which may be silent
#define FIRST_ID 1000  // smaller numbers are the broker's own
#define LOOK_MS 100

struct egress {
    struct arena *arena;
    const char *program, *allow, *ports;
    int roots;
    uint64_t roots_len;
    pthread_mutex_t lock; // guards what follows
    pthread_cond_t changed;
    int pid, control;
    uint64_t generation, last_id; // generation: of the broker
    struct awaited *awaited;
    bool reading; // one of those who wait looks for all
};
// Who waits for a report.
struct awaited {
    uint64_t id, generation;
    bool done;
    struct egress_report report;
    struct awaited *next;
};

// --- the process ----------------------------------------------------------------------------------------------------

static bool spawn(struct egress *g, int theirs, struct err *e) {
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t kept_off;
    confine_group_signals(&kept_off);
    posix_spawn_file_actions_init(&files);
    // dup2 onto itself clears close-on-exec as well, so the number may happen to be right already.
    posix_spawn_file_actions_adddup2(&files, theirs, CONTROL_FD);
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addclosefrom_np(&files, CONTROL_FD + 1);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    posix_spawnattr_setsigmask(&attributes, &kept_off);
    char *argv[] = {(char *)(uintptr_t)g->program, (char[]){'0' + CONTROL_FD, 0}, (char *)(uintptr_t)g->allow,
                    (char *)(uintptr_t)g->ports, NULL};
    char *environment[] = {NULL};
    int rc = posix_spawn(&g->pid, g->program, &files, &attributes, argv, environment);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    if (rc == 0)
        return true;
    g->pid = 0;
    err_set(e, ERR_UNAVAILABLE, "cannot start '%s': %s", g->program, strerror(rc));
    return err_hint(e, "outlayer-broker belongs beside the other programs");
}

static void end_broker(struct egress *g) {
    if (g->control >= 0)
        close(g->control);
    g->control = -1;
    if (g->pid > 0) {
        kill(g->pid, SIGKILL); // it keeps nothing
        while (waitpid(g->pid, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    g->pid = 0;
}

static bool start_broker(struct egress *g, struct err *e) {
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        return err_errno(e, "cannot make a socket pair");
    bool ok = spawn(g, pair[1], e);
    close(pair[1]);
    g->control = pair[0];
    g->generation++;
    if (!ok)
        end_broker(g);
    return ok;
}

static bool is_alive(const struct egress *g) {
    struct pollfd f = {g->control, 0, 0};
    return g->control >= 0 && poll(&f, 1, 0) == 0; // its end shows as a hang-up, asked for or not
}

// A broker that is there, started anew where it has died.
static bool need_broker(struct egress *g, struct err *e) {
    if (is_alive(g))
        return true;
    if (g->control >= 0)
        log_warn("the broker has died and is started anew");
    end_broker(g);
    return start_broker(g, e);
}

// Gives a report to the first who waits for one of its name; what nobody waits for any more is dropped.
static void deliver(struct egress *g, const struct egress_report *r) {
    for (struct awaited *w = g->awaited; w; w = w->next)
        if (w->id == r->id && w->generation == g->generation && !w->done) {
            w->report = *r;
            w->done = true;
            return;
        }
}

// Takes what is there. False: the broker is gone, or says what no broker says.
static bool take_reports(struct egress *g) {
    struct egress_report r;
    size_t len;
    int fd;
    while (egress_receive(g->control, &r, sizeof r, &len, &fd)) {
        if (fd >= 0)
            close(fd);
        if (len != sizeof r)
            return false;
        deliver(g, &r);
    }
    return errno == EAGAIN;
}

// Looks for all who wait, without the lock; the broker may be another one afterwards, so it looks at a descriptor of
// its own.
static void read_for_all(struct egress *g, const struct patience *p) {
    uint64_t left = patience_left(p), generation = g->generation;
    int own = fcntl(g->control, F_DUPFD_CLOEXEC, CONTROL_FD + 1);
    struct pollfd f = {own, POLLIN, 0};
    g->reading = true;
    pthread_mutex_unlock(&g->lock);
    (void)poll(&f, 1, own < 0 || left > LOOK_MS ? LOOK_MS : (int)left);
    if (own >= 0)
        close(own);
    pthread_mutex_lock(&g->lock);
    g->reading = false;
    if (g->generation == generation && g->control >= 0 && !take_reports(g))
        end_broker(g); // the next client has it started anew
    pthread_cond_broadcast(&g->changed);
}

// The report about an order that was given. With the lock held, and when it returns, but not meanwhile.
static bool await_report(struct egress *g, uint64_t id, const struct patience *p, struct egress_report *out) {
    struct awaited w = {.id = id, .generation = g->generation, .next = g->awaited}, **at = &g->awaited;
    g->awaited = &w;
    while (!w.done && g->generation == w.generation && g->control >= 0 && !patience_over(p)) {
        if (g->reading)
            (void)patience_wait(p, &g->changed, &g->lock);
        else
            read_for_all(g, p);
    }
    while (*at != &w)
        at = &(*at)->next;
    *at = w.next;
    *out = w.report;
    return w.done;
}

// The broker that was asked does not answer: unless it is another one by now, it is ended.
static void give_up(struct egress *g, uint64_t generation, const struct patience *p) {
    if (!patience_cancelled(p) && g->generation == generation)
        end_broker(g);
}

static bool order(struct egress *g, enum egress_order_kind kind, enum egress_kind client, uint64_t id, int fd) {
    struct egress_order o = {.kind = (uint32_t)kind, .client_kind = (uint32_t)client, .id = id};
    return egress_send(g->control, &o, sizeof o, fd);
}

// --- the certificates -----------------------------------------------------------------------------------------------

static bool has_certificate(struct slice pem) {
    BIO *b = BIO_new_mem_buf(pem.ptr, (int)pem.len);
    X509 *x = b ? PEM_read_bio_X509(b, NULL, NULL, NULL) : NULL;
    BIO_free(b);
    X509_free(x);
    return x != NULL;
}

static bool read_roots(struct egress *g, const char *path, struct err *e) {
    struct slice pem = {NULL, 0};
    if (path && path[0]) {
        if (!file_read(g->arena, path, CA_FILE_MAX, &pem, e))
            return err_wrap(e, "EGRESS_CA_FILE");
        if (!has_certificate(pem)) {
            err_set(e, ERR_SETTINGS, "EGRESS_CA_FILE: there is no certificate in '%s'", path);
            return err_hint(e, "it holds certificates in PEM: -----BEGIN CERTIFICATE-----");
        }
    }
    g->roots = memfd_create("roots", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    g->roots_len = pem.len;
    return (g->roots >= 0 && file_write_all(g->roots, pem, NULL) &&
            fcntl(g->roots, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) == 0) ||
           err_errno(e, "cannot make a memory file");
}

int egress_roots(const struct egress *g, uint64_t *len) {
    *len = g->roots_len;
    return g->roots;
}

// --- its users' side ------------------------------------------------------------------------------------------------

static const char *find_program(struct arena *a, const char *given) {
    const char *dir = file_program_dir(a), *beside = arena_printf(a, "%s/outlayer-broker", dir);
    if (given)
        return arena_strdup(a, given);
    return access(beside, X_OK) == 0 ? beside : arena_printf(a, "%s/../bin/outlayer-broker", dir);
}

bool egress_new(struct egress **out, const struct egress_settings *s, struct err *e) {
    struct arena *a = arena_new();
    struct egress *g = arena_calloc(a, 1, sizeof *g);
    struct egress_rules *rules;
    g->arena = a;
    g->program = find_program(a, s->program);
    g->allow = arena_strdup(a, s->allow ? s->allow : "");
    g->ports = arena_strdup(a, s->ports ? s->ports : "");
    g->control = g->roots = -1;
    g->last_id = FIRST_ID;
    pthread_mutex_init(&g->lock, NULL);
    cond_init(&g->changed);
    *out = NULL;
    bool ok = egress_rules_new(&rules, g->allow, g->ports, e);
    if (ok)
        egress_rules_free(rules);
    if (!ok || !read_roots(g, s->ca_file, e) || !start_broker(g, e)) {
        egress_free(g);
        return false;
    }
    *out = g;
    return true;
}

void egress_free(struct egress *g) {
    if (!g)
        return;
    end_broker(g);
    if (g->roots >= 0)
        close(g->roots);
    pthread_cond_destroy(&g->changed);
    pthread_mutex_destroy(&g->lock);
    arena_free(g->arena);
}

static void say_missing(bool no_network, bool no_resolver, char *out, size_t size) {
    snprintf(out, size, "%s",
             no_network    ? "this worker has no network: no route leads to public addresses"
             : no_resolver ? "this worker's resolver does not answer: names cannot be looked up"
                           : "");
}

bool egress_state(struct egress *g, const atomic_bool *cancel, struct egress_state *out, struct err *e) {
    struct egress_report r = {0};
    const struct patience p = {clock_mono_ms() + STATE_MS, cancel};
    pthread_mutex_lock(&g->lock);
    bool ok = need_broker(g, e);
    uint64_t generation = g->generation;
    if (ok && (!order(g, EGRESS_ORDER_STATE, EGRESS_GUEST, 0, -1) || !await_report(g, 0, &p, &r))) {
        give_up(g, generation, &p);
        ok = err_set(e, ERR_UNAVAILABLE, "the broker does not answer");
    }
    pthread_mutex_unlock(&g->lock);
    *out = (struct egress_state){.network = ok && !r.no_network, .resolver = ok && !r.no_resolver};
    say_missing(r.no_network, r.no_resolver, out->text, sizeof out->text);
    return ok;
}

bool egress_open(struct egress *g, enum egress_kind kind, struct egress_way *out, struct err *e) {
    int pair[2];
    *out = EGRESS_NO_WAY;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        return err_errno(e, "cannot make a socket pair");
    pthread_mutex_lock(&g->lock);
    uint64_t id = ++g->last_id;
    bool ok = need_broker(g, e);
    if (ok && !order(g, EGRESS_ORDER_CLIENT, kind, id, pair[1])) { // died between the look and the order
        end_broker(g);
        ok = start_broker(g, e) && (order(g, EGRESS_ORDER_CLIENT, kind, id, pair[1]) ||
                                    err_set(e, ERR_UNAVAILABLE, "the broker does not answer"));
    }
    *out = (struct egress_way){ok ? pair[0] : -1, id, g->generation};
    pthread_mutex_unlock(&g->lock);
    close(pair[1]);
    if (!ok)
        close(pair[0]);
    return ok;
}

void egress_close(struct egress *g, struct egress_way *way, const atomic_bool *cancel, struct egress_facts *out) {
    struct egress_report r = {0};
    struct egress_facts facts = {0};
    const struct patience p = {clock_mono_ms() + REPORT_MS, cancel};
    if (way->id) {
        pthread_mutex_lock(&g->lock);
        facts.lost = way->generation != g->generation || !is_alive(g);
        bool told = !facts.lost && order(g, EGRESS_ORDER_END, EGRESS_GUEST, way->id, -1);
        if (!facts.lost && (!told || (out && !await_report(g, way->id, &p, &r)))) {
            give_up(g, way->generation, &p);
            facts.lost = !patience_cancelled(&p);
        }
        pthread_mutex_unlock(&g->lock);
        facts.no_way = r.no_network || r.no_resolver;
        say_missing(r.no_network, r.no_resolver, facts.text, sizeof facts.text);
        if (facts.lost)
            snprintf(facts.text, sizeof facts.text, "the broker died");
    }
    if (way->fd >= 0)
        close(way->fd);
    *way = EGRESS_NO_WAY;
    if (out)
        *out = facts;
}
