// SPDX-License-Identifier: Apache-2.0
#include "queue/local.h"

static void list_add(struct item_list *l, struct item *x, bool front) {
    x->prev = front ? NULL : l->last;
    x->next = front ? l->first : NULL;
    *(x->prev ? &x->prev->next : &l->first) = x;
    *(x->next ? &x->next->prev : &l->last) = x;
}

static void list_remove(struct item_list *l, struct item *x) {
    *(x->prev ? &x->prev->next : &l->first) = x->next;
    *(x->next ? &x->next->prev : &l->last) = x->prev;
    x->prev = x->next = NULL;
}

static struct item_list *list_of(struct local *l, const struct item *x) {
    if (x->state != EXECUTION_QUEUED || x->ending)
        return &l->held;
    return x->deadline_ms ? &l->delayed : &l->queue;
}

static size_t slot_of(const struct execution_key *k) {
    uint64_t h = k->request_id * 0x9e3779b97f4a7c15ull;
    for (const char *c = k->contract_id; *c; c++)
        h = (h ^ (uint8_t)*c) * 0x100000001b3ull;
    return (size_t)(h >> 20) % LOCAL_SLOTS;
}

struct item **item_find(struct local *l, const struct execution_key *k) {
    struct item **at = &l->slots[slot_of(k)];
    while (*at && ((*at)->key.request_id != k->request_id || strcmp((*at)->key.contract_id, k->contract_id) != 0))
        at = &(*at)->next_hash;
    return at;
}

struct item *item_add(struct local *l, const struct queue_stored *t, const char *json, uint64_t created_ms) {
    struct item **at = item_find(l, &t->key), *x;
    if (*at)
        return NULL;
    struct arena *a = arena_new();
    *at = x = arena_calloc(a, 1, sizeof *x);
    *x = (struct item){.arena = a,
                       .key = {arena_strdup(a, t->key.contract_id), t->key.request_id},
                       .build_target = arena_strdup(a, t->build_target),
                       .json = arena_strdup(a, json),
                       .state = EXECUTION_QUEUED,
                       .serve_until_ms = created_ms + l->config.serve_ms};
    l->count++;
    l->counts.by_state[x->state]++;
    list_add(&l->queue, x, false);
    return x;
}

void item_forget(struct local *l, struct item **at) {
    struct item *x = *at;
    *at = x->next_hash;
    list_remove(list_of(l, x), x);
    l->counts.by_state[x->state]--;
    l->count--;
    arena_free(x->arena);
}

void item_move(struct local *l, struct item *x, enum execution_event event) {
    enum execution_state next = x->state;
    BUG_ON(!execution_next(x->state, event, &next));
    list_remove(list_of(l, x), x);
    l->counts.by_state[x->state]--;
    l->counts.by_state[next]++;
    x->state = next;
    x->deadline_ms = 0;
    list_add(list_of(l, x), x, next == EXECUTION_QUEUED);
}

bool item_is_held_by(const struct item *x, const struct hash *token) {
    return execution_is_held(x->state) && !x->ending && secret_eq(hash_slice(&x->token), hash_slice(token));
}

void item_begin_end(struct local *l, struct item *x) {
    list_remove(list_of(l, x), x);
    x->ending = true;
    list_add(list_of(l, x), x, false);
}

void item_delay(struct local *l, struct item *x, uint64_t deadline_ms) {
    list_remove(list_of(l, x), x);
    x->deadline_ms = deadline_ms;
    list_add(list_of(l, x), x, false);
}

void item_ready(struct local *l, struct item *x) {
    list_remove(list_of(l, x), x);
    x->ending = false;
    x->deadline_ms = 0;
    list_add(list_of(l, x), x, true);
}
