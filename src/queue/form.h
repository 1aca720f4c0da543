// SPDX-License-Identifier: Apache-2.0
// What a form of the queue provides: queue.h says what each is for.
#pragma once
#include "queue/queue.h"

// Whoever has not looked for so long has heard no heartbeat either. Less than a lease lasts that is to be confirmed, so
// that none of those runs out unheard, and more than a tick of either form.
#define OUTAGE_MS (LEASE_CONFIRM_MS * 3 / 4)

struct queue_form {
    void (*create)(struct queue *q, struct queue_create *x);
    void (*replace)(struct queue *q, struct queue_replace *x);
    void (*look)(struct queue *q, struct queue_look *x);
    void (*poll)(struct queue *q, struct queue_poll *x);
    void (*beat)(struct queue *q, struct queue_beat *x);
    void (*give_back)(struct queue *q, struct queue_give_back *x);
    void (*end)(struct queue *q, struct queue_end *x);
    void (*counts)(struct queue *q, struct queue_counts *out);
    bool (*has_room)(struct queue *q, const char *token_name, struct err *e);
    bool (*list)(struct queue *q, struct db *db, const struct queue_filter *f, struct arena *a, struct buf *out,
                 struct err *e);
    bool (*detail)(struct queue *q, struct db *db, const struct execution_key *key, struct arena *a,
                   struct queue_detail *out, struct err *e);
    bool (*changes)(struct queue *q, struct db *db, struct queue_changes *x, struct arena *a, struct buf *out,
                    struct err *e);
    void (*figures)(struct queue *q, struct buf *out);
    bool (*drain)(struct queue *q, uint64_t ms);
    void (*stop)(struct queue *q);
    void (*free)(struct queue *q);
};
struct queue { // a form's own struct begins with it
    const struct queue_form *form;
};

// Whether the poll's worker has this source at hand. 0 nobody has.
static inline bool has_at_hand(const struct queue_poll *p, uint64_t source) {
    for (size_t i = 0; source && i < p->at_hand_count && i < AT_HAND_MAX; i++)
        if (p->at_hand[i] == source)
            return true;
    return false;
}

static inline void call_served(struct queue_call *c) { c->done(c->ctx, NULL); }
