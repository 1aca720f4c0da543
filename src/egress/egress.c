// SPDX-License-Identifier: Apache-2.0
#include "egress/egress.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
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

struct egress {
    struct arena *arena;
    const char *program, *allow, *ports;
    int roots;
    uint64_t roots_len;
    pthread_mutex_t lock; // guards what follows: one order and its report at a time
    int pid, control;
    uint64_t generation, last_id;
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

// One report, which belongs to the order that was given last.
static bool take_report(struct egress *g, uint64_t id, int ms, struct egress_report *out) {
    uint64_t deadline = clock_mono_ms() + (uint64_t)ms;
    for (uint64_t now; (now = clock_mono_ms()) < deadline;) {
        struct pollfd f = {g->control, POLLIN, 0};
        size_t len;
        int fd;
        if (poll(&f, 1, (int)(deadline - now)) <= 0)
            continue;
        if (!egress_receive(g->control, out, sizeof *out, &len, &fd) && errno == EAGAIN)
            continue;
        if (fd >= 0)
            close(fd);
        if (len != sizeof *out)
            return false;
        if (out->id == id)
            return true;
    }
    return false;
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
    pthread_mutex_destroy(&g->lock);
    arena_free(g->arena);
}

static void say_missing(bool no_network, bool no_resolver, char *out, size_t size) {
    snprintf(out, size, "%s",
             no_network    ? "this worker has no network: no route leads to public addresses"
             : no_resolver ? "this worker's resolver does not answer: names cannot be looked up"
                           : "");
}

bool egress_state(struct egress *g, struct egress_state *out, struct err *e) {
    struct egress_report r = {0};
    pthread_mutex_lock(&g->lock);
    bool ok = need_broker(g, e);
    if (ok && (!order(g, EGRESS_ORDER_STATE, EGRESS_GUEST, 0, -1) || !take_report(g, 0, STATE_MS, &r))) {
        end_broker(g);
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

void egress_close(struct egress *g, struct egress_way *way, struct egress_facts *out) {
    struct egress_report r = {0};
    struct egress_facts facts = {0};
    if (way->id) {
        pthread_mutex_lock(&g->lock);
        facts.lost = way->generation != g->generation || !is_alive(g);
        if (!facts.lost &&
            (!order(g, EGRESS_ORDER_END, EGRESS_GUEST, way->id, -1) || !take_report(g, way->id, REPORT_MS, &r))) {
            end_broker(g); // the next client has it started anew
            facts.lost = true;
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
