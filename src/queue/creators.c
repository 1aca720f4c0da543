// SPDX-License-Identifier: Apache-2.0
#include "queue/creators.h"

#include "queue/queue.h"
#include <inttypes.h>

struct creator {
    struct creator *next;
    uint64_t open; // never 0
    char name[];
};

static struct creator **find(struct creators *c, const char *name) {
    struct creator **at = &c->first;
    while (*at && strcmp((*at)->name, name) != 0)
        at = &(*at)->next;
    return at;
}

void creators_add(struct creators *c, const char *name, uint64_t n) {
    if (!name || !name[0] || !n)
        return;
    struct creator **at = find(c, name);
    if (!*at) {
        size_t size = strlen(name) + 1;
        *at = xcalloc(1, sizeof **at + size);
        memcpy((*at)->name, name, size);
    }
    (*at)->open += n;
}

void creators_less(struct creators *c, const char *name) {
    struct creator **at = find(c, name ? name : ""), *x = *at;
    if (!x || --x->open)
        return;
    *at = x->next;
    free(x);
}

void creators_clear(struct creators *c) {
    for (struct creator *x = c->first, *next; x; x = next) {
        next = x->next;
        free(x);
    }
    c->first = NULL;
}

static uint64_t open_of(const struct creators *c, const char *name) {
    for (const struct creator *x = c->first; name && x; x = x->next)
        if (strcmp(x->name, name) == 0)
            return x->open;
    return 0;
}

bool creators_have_room(const struct creators *c, const char *name, uint64_t open, struct err *e) {
    uint64_t own = open_of(c, name);
    if (open >= QUEUE_OPEN_MAX) {
        err_set(e, ERR_UNAVAILABLE, "%d executions are waiting already", QUEUE_OPEN_MAX);
        return err_hint(e, "try again when workers have done some");
    }
    if (own < QUEUE_OPEN_MAX - open)
        return true;
    err_set(e, ERR_UNAVAILABLE,
            "what is left of the queue is for other tokens: %" PRIu64 " that are not over are of '%s'", own, name);
    return err_hint(e, "try again when workers have done some; if they are not true requests, revoke the token");
}
