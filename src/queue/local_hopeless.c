// SPDX-License-Identifier: Apache-2.0
// What waits behind so many that no worker can begin it in its time is told so at once, instead of when its time is
// over. Of those that wait only the ones that the same workers would take before it count: turns of others may put more
// before it, and never fewer.
#include "base/clock.h"
#include "base/log.h"
#include "base/sync.h"
#include "queue/local.h"

void hopeless_note_end(struct local *l, const struct item *x) {
    uint64_t now = clock_mono_ms();
    if (!x->too_late && x->leased_ms)
        service_note(&l->service, now, now - x->leased_ms, items_held(l));
}

uint64_t hopeless_next_ms(const struct local *l) {
    return l->counts.by_state[EXECUTION_QUEUED] && l->service.count ? l->judge_ms : NO_DEADLINE;
}

static int by_turn(const void *a, const void *b) {
    const struct item *x = *(struct item *const *)a, *y = *(struct item *const *)b;
    if (x->turn != y->turn)
        return x->turn < y->turn ? -1 : 1;
    return x->execution_id < y->execution_id ? -1 : x->execution_id > y->execution_id;
}

struct judging {
    struct local *l;
    uint64_t each_us, wall_ms;
    struct item **hopeless;
    size_t count, room;
};

static void remember(struct judging *j, struct item *x) {
    if (j->count == j->room) {
        j->room = j->room ? 2 * j->room : 64;
        j->hopeless = xrealloc(j->hopeless, j->room * sizeof(struct item *));
    }
    j->hopeless[j->count++] = x;
}

static void judge_lane(struct judging *j, const struct lane *lane) {
    size_t n = lane->items.count;
    struct item **items = xcalloc(n, sizeof(struct item *));
    for (size_t i = 0; i < n; i++)
        items[i] = heap_at(&lane->items, i);
    qsort(items, n, sizeof(struct item *), by_turn);
    for (size_t i = 0; i < n; i++) {
        uint64_t late_at = item_late_at(items[i]);
        bool waited = items[i]->created_ms + HOPELESS_WAITED_MS <= j->wall_ms;
        if (waited && late_at > j->wall_ms && i * j->each_us > (late_at - j->wall_ms) * 1000)
            remember(j, items[i]);
    }
    free(items);
}

// What the one has left that has the least.
static uint64_t least_left_ms(const struct local *l, uint64_t wall_ms) {
    const struct item *x = heap_first(&l->deaths);
    return x && x->in_deaths.first > wall_ms ? x->in_deaths.first - wall_ms : 0;
}

static void judge_all(struct judging *j) {
    uint64_t left_us = least_left_ms(j->l, j->wall_ms) * 1000;
    for (size_t i = 0; i < LANE_SLOTS; i++)
        for (const struct lane *at = j->l->lanes[i]; at; at = at->next)
            if (at->kind == LANE_TARGET && at->items.count * j->each_us > left_us)
                judge_lane(j, at);
}

void hopeless_judge(struct local *l, uint64_t now, struct queue_call **answers) {
    if (now < l->judge_ms)
        return;
    l->judge_ms = now + HOPELESS_MS;
    struct judging j = {
        .l = l, .each_us = service_each_us(&l->service, now, items_held(l)), .wall_ms = clock_wall_ms()};
    if (j.each_us)
        judge_all(&j);
    for (size_t i = 0; i < j.count; i++) { // lanes come and go with this
        struct item *x = j.hopeless[i];
        x->too_late = x->hopeless = true;
        item_place(l, x);
        item_offer(l, x, answers);
    }
    l->hopeless_count += j.count;
    if (j.count)
        log_warn("%zu executions are hopeless: too many wait before them", j.count);
    free(j.hopeless);
}
