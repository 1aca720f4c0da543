// SPDX-License-Identifier: Apache-2.0
#include "egress/lookup.h"

#include "base/clock.h"
#include "base/sync.h"

#include <arpa/nameser.h>
#include <netdb.h>
#include <pthread.h>
#include <resolv.h>
#include <sys/eventfd.h>

#define THREADS_MAX 32
#define OWNER_MAX 4     // at once; the others of the same owner wait
#define FETCH_THREADS 8 // which no guest's name ever holds
#define QUEUE_MAX 1024
#define STACK_BYTES (1u << 20)

struct lookup {
    struct lookup_result result;
    uint64_t owner;
    enum egress_kind kind;
    char host[EGRESS_HOST_MAX]; // "": the probe
    struct lookup *next;
};

struct lookups {
    int event;
    pthread_mutex_t lock; // guards what follows
    pthread_cond_t work;
    struct lookup *waiting, *done;
    const struct lookup *at_work[THREADS_MAX]; // NULL: nothing
    unsigned threads, idle;
    size_t queued;
    bool answers;
};

bool lookups_new(struct lookups **out, struct err *e) {
    struct lookups *l = xcalloc(1, sizeof *l);
    // As glibc reads it. What has begun cannot be ended: with its usual 5 s for each of several servers, twice, names
    // whose servers are silent would hold all threads for half a minute.
    setenv("RES_OPTIONS", "timeout:2 attempts:2", 1);
    setenv("LOCALDOMAIN", ".", 1);
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

// pfcode: the first server's refusal is an answer (glibc tries the next one otherwise, and then knows of no answer).
static bool ask_for_root(unsigned long pfcode) {
    struct __res_state state = {0};
    uint8_t answer[4096];
    if (res_ninit(&state) != 0)
        return false;
    state.retrans = 2, state.retry = 2, state.pfcode = pfcode;
    int n = res_nquery(&state, ".", ns_c_in, ns_t_ns, answer, sizeof answer);
    int error = state.res_h_errno;
    bool answers = n > 0 || error == HOST_NOT_FOUND || error == NO_DATA || (pfcode && error == NO_RECOVERY);
    res_nclose(&state);
    return answers;
}

// Asks for the root's name servers, which every resolver knows: whether one answers does not depend on anybody's name.
// One that does not tell its clients says so, and at once.
static bool probe(void) {
    uint64_t start = clock_mono_ms();
    return ask_for_root(0) || (clock_mono_ms() - start < 1000 && ask_for_root(RES_PRF_REPLY));
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

static bool may_start(const struct lookups *l, const struct lookup *x) {
    unsigned n = 0, guests = 0, strangers = 0;
    for (unsigned i = 0; i < l->threads; i++) {
        const struct lookup *y = l->at_work[i];
        if (!y || y->owner == LOOKUP_WORKER)
            continue;
        n += y->owner == x->owner;
        guests += y->kind == EGRESS_GUEST;
        strangers++;
    }
    bool room = x->kind == EGRESS_FETCH || guests < THREADS_MAX - 1 - FETCH_THREADS;
    return x->owner == LOOKUP_WORKER || (n < OWNER_MAX && strangers < THREADS_MAX - 1 && room);
}

// The first that may start, taken out of the queue.
static struct lookup *pick(struct lookups *l) {
    for (struct lookup **at = &l->waiting; *at; at = &(*at)->next) {
        struct lookup *x = *at;
        if (!may_start(l, x))
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
        l->at_work[seat.i] = x;
        pthread_mutex_unlock(&l->lock);
        look_up(x);
        pthread_mutex_lock(&l->lock);
        l->at_work[seat.i] = NULL;
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

bool lookups_start(struct lookups *l, uint64_t key, uint64_t owner, enum egress_kind kind, const char *host) {
    pthread_mutex_lock(&l->lock);
    bool room = l->queued < QUEUE_MAX;
    if (room) {
        struct lookup *x = xcalloc(1, sizeof *x), **at = &l->waiting;
        x->result.key = key;
        x->owner = owner, x->kind = kind;
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
