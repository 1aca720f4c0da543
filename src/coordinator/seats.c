// SPDX-License-Identifier: Apache-2.0
#include "coordinator/seats.h"

#include "base/sync.h"
#include "crypto/hash.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define TABLE 1024

struct asker { // that has places
    struct asker *next;
    char name[CLIENT_MAX];
    unsigned count;
};
struct seats {
    pthread_mutex_t mutex; // for the rest
    uint64_t max, count, strangers;
    struct asker *table[TABLE];
};

struct seats *seats_new(uint64_t max) {
    struct seats *p = xcalloc(1, sizeof *p);
    pthread_mutex_init(&p->mutex, NULL);
    p->max = max;
    return p;
}

void seats_free(struct seats *p) {
    if (!p)
        return;
    BUG_ON(p->count);
    pthread_mutex_destroy(&p->mutex);
    free(p);
}

void seats_lower(struct seats *p, uint64_t max) {
    pthread_mutex_lock(&p->mutex);
    p->max = max < p->max ? max : p->max;
    pthread_mutex_unlock(&p->mutex);
}

uint64_t seats_taken(struct seats *p) {
    pthread_mutex_lock(&p->mutex);
    uint64_t n = p->count;
    pthread_mutex_unlock(&p->mutex);
    return n;
}

// --- with the lock held

static struct asker **find(struct seats *p, const char *name) {
    struct asker **at = &p->table[table_hash(slice_str(name), 0) % TABLE];
    while (*at && strcmp((*at)->name, name) != 0)
        at = &(*at)->next;
    return at;
}

static bool has_room(struct seats *p, const char *name, unsigned share) {
    const struct asker *x = *find(p, name);
    return !x || x->count < share;
}

static void count_one(struct seats *p, const char *name) {
    struct asker **at = find(p, name);
    if (!*at) {
        *at = xcalloc(1, sizeof **at);
        memcpy((*at)->name, name, strlen(name) + 1);
    }
    (*at)->count++;
}

static void uncount_one(struct seats *p, const char *name) {
    struct asker **at = find(p, name), *x = *at;
    if (--x->count)
        return;
    *at = x->next;
    free(x);
}

static bool may_enter(struct seats *p, const char *name, const char *wide, struct err *e) {
    if (name && (!has_room(p, name, SEATS_OF_ONE) || (wide && !has_room(p, wide, SEATS_OF_WIDE)))) {
        err_set(e, ERR_TOO_MANY, "too many questions wait from one asker: %s", name); // likewise in limiter.c
        return err_hint(e, "%d may wait for changes at a time", SEATS_OF_ONE);
    }
    if (p->count < p->max && (!name || p->strangers < p->max - p->max / SEATS_KEPT))
        return true;
    err_set(e, ERR_UNAVAILABLE, "too many wait for changes already");
    return err_hint(e, "ask again in a few seconds, or ask for what is shown itself");
}

// --- coming and going

bool seats_enter(struct seats *p, const char *name, struct seat *out, struct err *e) {
    char network[CLIENT_MAX];
    const char *wide = name && client_wide(name, network) ? network : NULL;
    snprintf(out->name, sizeof out->name, "%s", name ? name : "");
    pthread_mutex_lock(&p->mutex);
    bool ok = may_enter(p, name, wide, e);
    if (ok) {
        p->count++;
        p->strangers += name != NULL;
    }
    if (ok && name)
        count_one(p, name);
    if (ok && wide)
        count_one(p, wide);
    pthread_mutex_unlock(&p->mutex);
    return ok;
}

void seats_leave(struct seats *p, const struct seat *x) {
    char wide[CLIENT_MAX];
    bool known = !x->name[0];
    pthread_mutex_lock(&p->mutex);
    p->count--;
    p->strangers -= !known;
    if (!known)
        uncount_one(p, x->name);
    if (!known && client_wide(x->name, wide))
        uncount_one(p, wide);
    pthread_mutex_unlock(&p->mutex);
}
