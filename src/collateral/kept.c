// SPDX-License-Identifier: Apache-2.0
#include "collateral/kept.h"

#include "base/text.h"
#include "collateral/moment.h"
#include "protocol/register.h"

static bool has_sets(enum collateral_part p) { return p == COLLATERAL_TCB_INFO || p == COLLATERAL_QE_IDENTITY; }

static bool part_of(const char *name, enum collateral_part *out) {
    for (enum collateral_part p = 0; p < COLLATERAL_PARTS; p++) {
        *out = p;
        if (strcmp(collateral_part_name(p), name) == 0)
            return true;
    }
    return false;
}

// An FMSPC, "TD_QE", "platform" and the like: people see it as it is.
static bool is_name(const char *id) {
    size_t n = 0;
    while (isalnum((uint8_t)id[n]) || id[n] == '_')
        n++;
    return n && !id[n];
}

static bool row_read(struct kept_part *out, const json_t *j, struct err *e) {
    const char *part, *id;
    *out = (struct kept_part){0};
    if (!json_get_text(j, "part", &part, e) || !json_get_text(j, "id", &id, e) ||
        !json_get_u64(j, "issued", &out->issued, e) || !json_get_u64(j, "next_update", &out->next_update, e) ||
        !json_get_u64(j, "eval", &out->number, e))
        return false;
    if (!part_of(part, &out->part))
        return err_set(e, ERR_CHAIN, "a part of an unknown kind ('%.32s')", part);
    if (!is_name(id) || !text_copy(out->id, sizeof out->id, slice_str(id)))
        return err_set(e, ERR_CHAIN, "a part whose id is none ('%.32s')", id);
    if (!has_sets(out->part))
        out->number = 0; // a list's own number
    return true;
}

// Where the part of this set is; k->count: nowhere.
static size_t find(const struct kept_parts *k, enum collateral_part p, const char *id, uint64_t number) {
    size_t i = 0;
    while (i < k->count && (k->at[i].part != p || strcmp(k->at[i].id, id) != 0 || k->at[i].number != number))
        i++;
    return i;
}

bool kept_read(struct kept_parts *out, const json_t *all, const json_t *in_force, struct err *e) {
    const json_t *one;
    size_t i;
    out->count = 0;
    if (!json_is_array(all) || !json_is_array(in_force) || json_array_size(all) > KEPT_MAX)
        return err_set(e, ERR_CHAIN, "the register contract's list of collateral is none, or too long");
    json_array_foreach(all, i, one)
        if (!row_read(&out->at[out->count++], one, e))
            return err_wrap(e, "get_collateral");
    json_array_foreach(in_force, i, one) {
        struct kept_part row;
        uint64_t until;
        if (!row_read(&row, one, e) || !json_get_u64(one, "until", &until, e))
            return err_wrap(e, "get_collateral_status");
        size_t same = find(out, row.part, row.id, row.number);
        if (same < out->count) // else it came between the two questions
            out->at[same].until = until;
    }
    return true;
}

const struct kept_part *kept_in_force(const struct kept_parts *k, enum collateral_part p, const char *id) {
    for (size_t i = 0; i < k->count; i++)
        if (k->at[i].part == p && strcmp(k->at[i].id, id) == 0 && k->at[i].until)
            return &k->at[i];
    return NULL;
}

static const struct kept_part *same_set(const struct kept_parts *k, enum collateral_part p,
                                        const struct collateral_facts *f) {
    size_t i = find(k, p, f->id, f->number);
    return i < k->count ? &k->at[i] : NULL;
}

enum kept_answer kept_compare(const struct kept_parts *k, enum collateral_part p, const struct collateral_facts *f) {
    const struct kept_part *same = same_set(k, p, f);
    size_t older = 0;
    if (same)
        return f->issued > same->issued ? KEPT_WANTED : f->issued == same->issued ? KEPT_KNOWN : KEPT_NEWER;
    for (size_t i = 0; i < k->count; i++) // a set that has expired makes room
        older += k->at[i].part == p && strcmp(k->at[i].id, f->id) == 0 && k->at[i].number < f->number &&
                 k->at[i].next_update >= f->issued;
    return older < SETS_KEPT ? KEPT_WANTED : KEPT_ASIDE;
}

bool kept_is_due(const struct kept_parts *k, enum collateral_part p, const struct collateral_facts *f, uint64_t now,
                 unsigned days, unsigned left) {
    const struct kept_part *same = same_set(k, p, f);
    if (kept_compare(k, p, f) != KEPT_WANTED)
        return false;
    if (!same)
        return true;
    uint64_t until = same->until ? same->until : same->next_update;
    return f->issued >= same->issued + (uint64_t)days * DAY_S || until < now + (uint64_t)left * DAY_S;
}
