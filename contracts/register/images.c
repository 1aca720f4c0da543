// SPDX-License-Identifier: Apache-2.0
// Which images are approved. Approving is always the owner's act.
#include "args.h"
#include "keys.h"
#include "shown.h"

static void answer_id(const struct image *g) {
    put_number(reply(), g->id);
    reply_end();
}

static void approve(struct state *s, struct image *g) {
    uint32_t known;
    for (unsigned i = 0; i < g->shapes; i++) {
        require(!image_find(g, i, &known), "An image with these measurements is approved already");
        for (unsigned k = 0; k < i; k++)
            require(memcmp(g->rtmr0[i], g->rtmr0[k], REGISTER_SIZE) != 0, "rtmr0 has the same value twice");
    }
    g->id = s->next_image++;
    g->active_from = now_s() + (g->role == ROLE_KEYSTORE ? image_delay(s) : 0);
    image_save(g);
    state_save(s);
    log_image(EVENT_IMAGE_ADDED, g);
}

static void forget(const struct image *g) {
    image_remove(g);
    log_image(EVENT_IMAGE_REMOVED, g);
}

#define FORGET_GAS (10 * TGAS)
#define FORGET_LOG 1100
// All but one, of one role or of any.
static void forget_others(uint32_t but, uint8_t role) {
    struct image_ids all;
    struct image g;
    images_load(&all);
    for (uint32_t i = 0; i < all.count; i++) {
        if (all.id[i] == but || !image_load(all.id[i], &g) || (role < ROLES && g.role != role))
            continue;
        require(gas_left() > FORGET_GAS && log_room() > FORGET_LOG,
                "One call cannot remove so many images: remove some with remove_image");
        forget(&g);
    }
}

static struct text checked_name(struct text name) {
    require(name.len <= IMAGE_NAME_MAX && plain(name),
            "name must be at most 64 ASCII characters without quotes and backslashes");
    return name;
}

static struct image exact_of(const struct args *in) {
    struct image g = {.role = in->role, .kind = IMAGE_EXACT, .shapes = 1};
    require(in->rtmr0.count == 1, "measurements have one rtmr0; add_image takes several");
    memcpy(g.mrtd, in->mrtd.b, REGISTER_SIZE);
    memcpy(g.rtmr0[0], in->rtmr0.b[0], REGISTER_SIZE);
    memcpy(g.rtmr1, in->rtmr1.b, REGISTER_SIZE);
    memcpy(g.rtmr2, in->rtmr2.b, REGISTER_SIZE);
    memcpy(g.rtmr3, in->rtmr3.b, REGISTER_SIZE);
    return g;
}

static struct image rtmr3_of(const struct args *in) {
    struct image g = {.role = ROLE_WORKER, .kind = IMAGE_RTMR3, .shapes = 1};
    memcpy(g.rtmr3, in->rtmr3.b, REGISTER_SIZE);
    return g;
}

// The same again changes nothing, except that the others go where that is asked for.
ENTRY(add_approved_measurements) {
    struct state *s = owner_state();
    struct image g = exact_of(in);
    g.name = checked_name(in->name);
    if (!image_find(&g, 0, &g.id))
        approve(s, &g);
    if (in->clear_others)
        forget_others(g.id, g.role);
    answer_id(&g);
}

ENTRY(add_image) {
    struct state *s = owner_state();
    struct image g = {.role = in->role,
                      .kind = IMAGE_COMPOSE,
                      .name = checked_name(in->name),
                      .expires_at = in->expires_at.value,
                      .shapes = in->rtmr0.count,
                      .compose_hash = in->compose_hash.value,
                      .provider = in->key_provider};
    require(!in->expires_at.given || in->expires_at.value > now_s(), "expires_at is in the past");
    memcpy(g.mrtd, in->mrtd.b, REGISTER_SIZE);
    memcpy(g.rtmr0, in->rtmr0.b, sizeof g.rtmr0);
    memcpy(g.rtmr1, in->rtmr1.b, REGISTER_SIZE);
    memcpy(g.rtmr2, in->rtmr2.b, REGISTER_SIZE);
    approve(s, &g);
    answer_id(&g);
}

static void forget_id(uint32_t id, bool remove_keys) {
    struct image g;
    require(image_load(id, &g), "No such image is approved");
    forget(&g);
    if (remove_keys)
        remove_unapproved();
}

ENTRY(remove_approved_measurements) {
    owner_state();
    struct image g = exact_of(in);
    require(image_find(&g, 0, &g.id), "These measurements are not approved");
    forget_id(g.id, in->remove_keys);
}

ENTRY(remove_image) {
    owner_state();
    require(in->image_id.value <= UINT32_MAX, "No such image is approved");
    forget_id((uint32_t)in->image_id.value, in->remove_keys);
}

ENTRY(clear_all_approved_measurements) {
    owner_state();
    forget_others(UINT32_MAX, ROLES);
    if (in->remove_keys)
        remove_unapproved();
}

ENTRY(add_approved_rtmr3) {
    struct state *s = owner_state();
    struct image g = rtmr3_of(in);
    require(s->allow_rtmr3_only,
            "RTMR3 alone says nothing of firmware and kernel; the policy's allow_rtmr3_only allows it");
    if (!image_find(&g, 0, &g.id))
        approve(s, &g);
}

ENTRY(remove_approved_rtmr3) {
    owner_state();
    struct image g = rtmr3_of(in);
    if (image_find(&g, 0, &g.id))
        forget_id(g.id, false);
}

// --- views

#define G(name, member) SHOWN(HEX, name, struct image, member)
static void put_exact(struct out *o, const struct image *g) {
    static const struct shown members[] = {G("mrtd", mrtd), G("rtmr0", rtmr0[0]), G("rtmr1", rtmr1), G("rtmr2", rtmr2),
                                           G("rtmr3", rtmr3)};
    put_open(o, '{');
    SHOW_ALL(o, members, g);
    put_close(o, '}');
}

// Of one kind, or of all. A page counts images before those of other kinds are left out.
enum { ALL_KINDS = IMAGE_RTMR3 + 1 };
static void answer_images(const struct args *in, unsigned kind) {
    struct image_ids all;
    struct image g;
    struct out *o = reply_open('[');
    images_load(&all);
    struct page p = page_of(all.count, in->from_index, in->limit, IMAGES_MAX);
    for (uint32_t i = p.from; i < p.to; i++) {
        if (!image_load(all.id[i], &g))
            continue;
        if (kind == ALL_KINDS)
            put_image(o, &g);
        else if (kind == g.kind && kind == IMAGE_EXACT)
            put_exact(o, &g);
        else if (kind == g.kind)
            put_hex_bytes(o, g.rtmr3, REGISTER_SIZE);
    }
    reply_close(']');
}

ENTRY(get_images) { answer_images(in, ALL_KINDS); }
ENTRY(get_approved_measurements) { answer_images(in, IMAGE_EXACT); }
ENTRY(get_approved_rtmr3) { answer_images(in, IMAGE_RTMR3); }

ENTRY(is_measurements_approved) {
    struct image g = exact_of(in);
    answer_bool(image_find(&g, 0, &g.id));
}

ENTRY(is_rtmr3_approved) {
    struct image g = rtmr3_of(in);
    answer_bool(state_load()->allow_rtmr3_only && image_find(&g, 0, &g.id));
}
