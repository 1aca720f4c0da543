// SPDX-License-Identifier: Apache-2.0
#include "tee/key_walk.h"

#include "protocol/register.h"
#include <inttypes.h>

#define WALK_GAS (300 * TGAS) // how many keys a call gets through is up to its gas
#define PAGE 100              // of a view
#define KEYS_MAX 1000000u     // more is no list that a chain could have shown

bool key_walk_take(struct key_walk *w, const json_t *answer, struct err *e) {
    uint64_t checked, removed, next = KEY_WALK_END;
    if (!json_get_u64(answer, "checked", &checked, e) || !json_get_u64(answer, "removed", &removed, e) ||
        !json_opt_u64(answer, "next", &next, e))
        return false;
    bool moved = next > w->next || removed > 0;
    w->checked += checked;
    w->removed += removed;
    w->next = next;
    return moved || err_set(e, ERR_CHAIN, "a call looked at no key and is not at the end");
}

static bool call(struct key_walk *w, const struct registry *r, struct arena *a, const char *method, struct err *e) {
    SCOPED_JSON(args) = json_object();
    SCOPED_JSON(value) = NULL;
    json_set_u64(args, "from_index", w->next);
    const struct registry_call c = {.method = method, .args = args, .gas = {WALK_GAS}};
    return registry_send(r, a, &c, &w->transaction, &value, e) && key_walk_take(w, value, e);
}

bool key_walk_run(struct key_walk *out, const struct registry *r, struct arena *a, const char *method,
                  const atomic_bool *cancel, struct err *e) {
    bool ok = true;
    *out = (struct key_walk){0};
    while (ok && out->next != KEY_WALK_END)
        ok = cancel && *cancel ? err_set(e, ERR_UNAVAILABLE, "it was stopped") : call(out, r, a, method, e);
    return ok || err_wrap(e, "not all keys were looked at, but %" PRIu64 ", of which %" PRIu64 " were removed",
                          out->checked, out->removed);
}

// --- the census

static void count(struct key_census *out, const json_t *key) {
    const char *state = json_string_value(json_object_get(key, "state"));
    out->all++;
    out->expired += state && strcmp(state, "expired") == 0;
    out->failing += state && strcmp(state, "failing") == 0;
    out->unapproved += state && strcmp(state, "unapproved") == 0;
}

static bool count_all(struct key_census *out, const struct registry *r, struct arena *a, const char *view,
                      struct err *e) {
    size_t got = PAGE;
    for (uint64_t from = 0; got == PAGE; from += PAGE) {
        SCOPED_JSON(args) = json_object();
        json_set_u64(args, "from_index", from);
        json_set_u64(args, "limit", PAGE);
        SCOPED_JSON(page) = registry_view(r, a, view, args, e);
        const json_t *one;
        size_t i;
        if (!page)
            return false;
        got = json_array_size(page);
        if (!json_is_array(page) || got > PAGE || from > KEYS_MAX)
            return err_set(e, ERR_CHAIN, "what %s answers is no list of keys, or has no end", view);
        json_array_foreach(page, i, one)
            count(out, one);
    }
    return true;
}

bool key_census_take(struct key_census *out, const struct registry *r, struct arena *a, struct err *e) {
    *out = (struct key_census){0};
    return count_all(out, r, a, VIEW_WORKERS, e) && count_all(out, r, a, VIEW_KEYSTORES, e);
}
