// SPDX-License-Identifier: Apache-2.0
// A word is CONTRACT SPACE TARGET, "*" for any: a coordinator whose polls want something else does not ask the
// database. What is understood as nothing else counts as "any": it only means "look now".
#include "queue/scaled.h"

#include <pthread.h>

struct word {
    struct slice contract, target; // ptr NULL: any
};

// --- telling

void scaled_ring(struct scaled *s, const char *contract_id, const char *build_target) {
    char text[BELL_TEXT_MAX + 1];
    if (!s->bell)
        return;
    int n = snprintf(text, sizeof text, "%s %s", contract_id ? contract_id : "*", build_target ? build_target : "*");
    if (n >= (int)sizeof text)
        n = snprintf(text, sizeof text, "* *");
    bell_ring(s->bell, slice_of(text, (size_t)n));
}

// One word for all that are alike.
void scaled_ring_creates(struct scaled *s, struct queue_create *const *x, size_t n) {
    const struct queue_create *told = NULL;
    for (size_t i = 0; i < n; i++) {
        if (!x[i]->created || (told && strcmp(told->key.contract_id, x[i]->key.contract_id) == 0 &&
                               strcmp(told->build_target, x[i]->build_target) == 0))
            continue;
        scaled_ring(s, x[i]->key.contract_id, x[i]->build_target);
        told = x[i];
    }
}

// --- hearing

static struct slice unless_any(struct slice s) { return slice_eq_str(s, "*") ? slice_of(NULL, 0) : s; }

static struct word word_of(struct slice text) {
    const uint8_t *space = text.len ? memchr(text.ptr, ' ', text.len) : NULL;
    if (!space)
        return (struct word){0};
    size_t n = (size_t)(space - text.ptr);
    return (struct word){unless_any(slice_of(text.ptr, n)), unless_any(slice_skip(text, n + 1))};
}

static bool is_listed(const char *list, struct slice one) {
    while (*list) {
        size_t n = strcspn(list, ",");
        if (slice_eq(slice_of(list, n), one))
            return true;
        list += n + (list[n] == ',');
    }
    return false;
}

static bool poll_wants(const struct queue_poll *p, const struct word *w) {
    return (!p->contract_id || !w->contract.ptr || slice_eq_str(w->contract, p->contract_id)) &&
           (!p->capabilities || !w->target.ptr || is_listed(p->capabilities, w->target));
}

// Those that are being looked at now may want it, too, and may have been looked at too early.
static bool somebody_wants(const struct scaled *s, const struct word *w) {
    bool found = s->polls > s->parked.count + s->fresh.count;
    for (const struct queue_call *c = s->parked.first; c && !found; c = c->next)
        found = poll_wants((const struct queue_poll *)c, w);
    return found;
}

bool scaled_wants(struct scaled *s, struct slice text) {
    struct word w = word_of(text);
    pthread_mutex_lock(&s->mutex);
    bool wants_it = somebody_wants(s, &w);
    pthread_mutex_unlock(&s->mutex);
    return wants_it;
}

// What is looked for already is not looked for once more.
void scaled_heard(void *ctx, struct slice text) {
    struct scaled *s = ctx;
    bool changed = slice_eq_str(text, CHANGED_WORD);
    if (s->config.changed && (changed || !text.ptr))
        s->config.changed(s->config.ctx);
    if (changed)
        return;
    struct word w = word_of(text);
    pthread_mutex_lock(&s->mutex);
    if (!s->claim && somebody_wants(s, &w)) {
        s->claim = true;
        pthread_cond_signal(&s->asked);
    }
    pthread_mutex_unlock(&s->mutex);
}
