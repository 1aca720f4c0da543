// SPDX-License-Identifier: Apache-2.0
#include "egress/lookup.h"

#include "base/sync.h"

#include <arpa/nameser.h>
#include <netdb.h>
#include <pthread.h>
#include <resolv.h>
#include <sys/eventfd.h>

#define THREADS_MAX 32
#define OWNER_MAX 4 // at once; the others of the same owner wait
#define QUEUE_MAX 1024
#define STACK_BYTES (1u << 20)

struct lookup {
    struct lookup_result result;
    uint64_t owner;
    char host[EGRESS_HOST_MAX]; // "": the probe
    struct lookup *next;
};

struct lookups {
    int event;
    pthread_mutex_t lock; // guards what follows
    pthread_cond_t work;
    struct lookup *waiting, *done;
    uint64_t owners[THREADS_MAX]; // of those at work
    bool busy[THREADS_MAX];
    unsigned threads, idle;
    size_t queued;
    bool answers;
};

bool lookups_new(struct lookups **out, struct err *e) {
    struct lookups *l = xcalloc(1, sizeof *l);
    pthread_mutex_init(&l->lock, NULL);
    cond_init(&l->work);
    l->answers = true;
    l->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    *out = l;
    return l->event >= 0 || err_errno(e, "cannot make an eventfd");
}

int lookups_fd(const struct lookups *l) { return l->event; }

bool lookups_resolver_answers(struct lookups *l) {
    pthread_mutex_lock(&l->lock);
    bool answers = l->answers;
    pthread_mutex_unlock(&l->lock);
    return answers;
}

// Asks for the root's name servers, which every resolver knows: whether one answers does not depend on anybody's name.
static bool probe(void) {
    struct __res_state state = {0};
    uint8_t answer[4096];
    if (res_ninit(&state) != 0)
        return false;
    state.retrans = 2, state.retry = 2;
    int n = res_nquery(&state, ".", ns_c_in, ns_t_ns, answer, sizeof answer);
    bool answers = n > 0 || state.res_h_errno == HOST_NOT_FOUND || state.res_h_errno == NO_DATA;
    res_nclose(&state);
    return answers;
}

static void take_addresses(struct lookup_result *r, const struct addrinfo *list) {
    for (const struct addrinfo *i = list; i && r->count < LOOKUP_FOUND_MAX; i = i->ai_next)
        if (address_from_socket(&r->found[r->count], i->ai_addr, i->ai_addrlen))
            r->count++;
    r->end = r->count ? EGRESS_STARTED : EGRESS_UNKNOWN_NAME;
}

static void look_up(struct lookup *x) {
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM}, *list;
    if (!x->host[0]) {
        x->result.end = probe() ? EGRESS_STARTED : EGRESS_NO_RESOLVER;
        return;
    }
    switch (getaddrinfo(x->host, NULL, &hints, &list)) {
    case 0:
        take_addresses(&x->result, list);
        freeaddrinfo(list);
        return;
    case EAI_NONAME:
    case EAI_NODATA:
    case EAI_ADDRFAMILY: x->result.end = EGRESS_UNKNOWN_NAME; return;
    // A name's own servers may be silent, or our resolver: asked about another name it tells.
    case EAI_AGAIN:
    case EAI_FAIL: x->result.end = probe() ? EGRESS_NAME_FAILED : EGRESS_NO_RESOLVER; return;
    default: x->result.end = EGRESS_TROUBLE;
    }
}

static bool may_start(const struct lookups *l, uint64_t owner) {
    unsigned n = 0, strangers = 0;
    for (unsigned i = 0; i < l->threads; i++) {
        n += l->busy[i] && l->owners[i] == owner;
        strangers += l->busy[i] && l->owners[i] != LOOKUP_WORKER;
    }
    return owner == LOOKUP_WORKER || (n < OWNER_MAX && strangers < THREADS_MAX - 1);
}

// The first that may start, taken out of the queue.
static struct lookup *pick(struct lookups *l) {
    for (struct lookup **at = &l->waiting; *at; at = &(*at)->next) {
        struct lookup *x = *at;
        if (!may_start(l, x->owner))
            continue;
        *at = x->next;
        l->queued--;
        return x;
    }
    return NULL;
}

struct seat {
    struct lookups *l;
    unsigned i;
};

static void *serve(void *arg) {
    struct seat seat = *(struct seat *)arg;
    struct lookups *l = seat.l;
    free(arg);
    pthread_mutex_lock(&l->lock);
    for (;;) {
        struct lookup *x = pick(l);
        if (!x) {
            l->idle++;
            pthread_cond_wait(&l->work, &l->lock);
            l->idle--;
            continue;
        }
        l->busy[seat.i] = true, l->owners[seat.i] = x->owner;
        pthread_mutex_unlock(&l->lock);
        look_up(x);
        pthread_mutex_lock(&l->lock);
        l->busy[seat.i] = false;
        if (x->result.end != EGRESS_TROUBLE)
            l->answers = x->result.end != EGRESS_NO_RESOLVER;
        x->next = l->done;
        l->done = x;
        uint64_t one = 1;
        (void)!write(l->event, &one, sizeof one);
        pthread_cond_signal(&l->work); // one of this owner's may start now
    }
    return NULL;
}

static void add_thread(struct lookups *l) {
    pthread_t thread;
    pthread_attr_t attributes;
    struct seat *seat = xmalloc(sizeof *seat);
    *seat = (struct seat){l, l->threads};
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    if (pthread_create(&thread, &attributes, serve, seat) == 0)
        l->threads++;
    else
        free(seat);
    pthread_attr_destroy(&attributes);
}

bool lookups_start(struct lookups *l, uint64_t key, uint64_t owner, const char *host) {
    pthread_mutex_lock(&l->lock);
    bool room = l->queued < QUEUE_MAX;
    if (room) {
        struct lookup *x = xcalloc(1, sizeof *x), **at = &l->waiting;
        x->result.key = key;
        x->owner = owner;
        if (host)
            snprintf(x->host, sizeof x->host, "%s", host);
        while (*at)
            at = &(*at)->next;
        *at = x;
        l->queued++;
        if (l->idle < l->queued && l->threads < THREADS_MAX)
            add_thread(l);
        room = l->threads > 0; // else nobody would ever take it
        pthread_cond_signal(&l->work);
    }
    pthread_mutex_unlock(&l->lock);
    return room;
}

void lookups_forget(struct lookups *l, uint64_t key) {
    pthread_mutex_lock(&l->lock);
    struct lookup **at = &l->waiting, *x;
    while ((x = *at) && x->result.key != key)
        at = &x->next;
    if (x) {
        *at = x->next;
        l->queued--;
        free(x);
    }
    pthread_mutex_unlock(&l->lock);
}

bool lookups_take(struct lookups *l, struct lookup_result *out) {
    uint64_t count;
    pthread_mutex_lock(&l->lock);
    struct lookup *x = l->done;
    if (x) {
        l->done = x->next;
        *out = x->result;
        free(x);
    } else {
        (void)!read(l->event, &count, sizeof count); // under the lock: none can come in between
    }
    pthread_mutex_unlock(&l->lock);
    return x != NULL;
}
