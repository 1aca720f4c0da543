// SPDX-License-Identifier: Apache-2.0
#include "queue/queue.h"

#include "queue/form.h"

void queue_create(struct queue *q, struct queue_create *x) { q->form->create(q, x); }
void queue_replace(struct queue *q, struct queue_replace *x) { q->form->replace(q, x); }
void queue_look(struct queue *q, struct queue_look *x) { q->form->look(q, x); }
void queue_poll(struct queue *q, struct queue_poll *x) { q->form->poll(q, x); }
void queue_beat(struct queue *q, struct queue_beat *x) { q->form->beat(q, x); }
void queue_give_back(struct queue *q, struct queue_give_back *x) { q->form->give_back(q, x); }
void queue_end(struct queue *q, struct queue_end *x) { q->form->end(q, x); }
void queue_counts(struct queue *q, struct queue_counts *out) { q->form->counts(q, out); }
bool queue_has_room(struct queue *q, const char *token_name, struct err *e) {
    return q->form->has_room(q, token_name, e);
}
bool queue_list(struct queue *q, struct db *db, const struct queue_filter *f, struct arena *a, struct buf *out,
                struct err *e) {
    return q->form->list(q, db, f, a, out, e);
}
bool queue_detail(struct queue *q, struct db *db, const struct execution_key *key, struct arena *a,
                  struct queue_detail *out, struct err *e) {
    return q->form->detail(q, db, key, a, out, e);
}
bool queue_changes(struct queue *q, struct db *db, struct queue_changes *x, struct arena *a, struct buf *out,
                   struct err *e) {
    buf_clear(out);
    x->unknown = x->more = false;
    x->count = 0;
    return q->form->changes(q, db, x, a, out, e);
}
void queue_figures(struct queue *q, struct buf *out) { q->form->figures(q, out); }
bool queue_drain(struct queue *q, uint64_t ms) { return q->form->drain(q, ms); }
void queue_stop(struct queue *q) {
    if (q)
        q->form->stop(q);
}
void queue_free(struct queue *q) {
    if (q)
        q->form->free(q);
}
