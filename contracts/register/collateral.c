// SPDX-License-Identifier: Apache-2.0
#include "collateral.h"
#include "args.h"

#define KINDS 5 // enum dcap_kind
#define KEPT 2  // sets of a slot
static const struct text platforms_known = {"FMSPCS", 6};

struct dcap_arena *arena(void) {
    static uint64_t memory[(160 << 10) / 8];
    static struct dcap_arena a = {(uint8_t *)memory, sizeof memory, 0};
    return &a;
}

// --- slots: 'e' kind id -> numbers of the kept sets; 'c' kind id number -> a part. Lists have number 0.

struct slot {
    uint8_t kind;
    uint8_t id[6]; // FMSPC, or the authority in the first byte
};
struct part_key {
    uint8_t b[2 + 6 + 4];
};

static struct part_key part_key(const struct slot *s, uint32_t number) {
    struct part_key k;
    k.b[0] = 'c';
    k.b[1] = s->kind;
    memcpy(k.b + 2, s->id, sizeof s->id);
    memcpy(k.b + 8, &number, sizeof number);
    return k;
}

static struct text sets_key(struct part_key *k) {
    k->b[0] = 'e';
    return (struct text){(const char *)k->b, 8};
}

struct sets {
    uint32_t number[KEPT], count;
};

static struct sets sets_load(const struct slot *s) {
    struct sets all;
    struct part_key k = part_key(s, 0);
    size_t len = 0;
    store_get(sets_key(&k), all.number, sizeof all.number, &len);
    all.count = (uint32_t)(len / sizeof all.number[0]);
    return all;
}

static void sets_save(const struct slot *s, const struct sets *all) {
    struct part_key k = part_key(s, 0);
    store_put(sets_key(&k), (struct text){(const char *)all->number, all->count * sizeof all->number[0]});
}

static bool has_sets(uint8_t kind) { return kind >= DCAP_KIND_TCB_INFO; }

static uint32_t minimum(const struct state *s, uint8_t kind) {
    return kind == DCAP_KIND_TCB_INFO ? s->min_tcb_eval : s->min_qe_eval;
}

// false: no kept set is from the minimum on.
static bool in_force(uint32_t *number, const struct slot *slot, const struct state *s) {
    struct sets all = sets_load(slot);
    bool found = false;
    *number = 0;
    if (!has_sets(slot->kind))
        return true;
    for (uint32_t i = 0; i < all.count; i++) {
        if (all.number[i] >= minimum(s, slot->kind) && (!found || all.number[i] < *number)) {
            *number = all.number[i];
            found = true;
        }
    }
    return found;
}

static struct bytes part_load(const struct slot *slot, uint32_t number) {
    struct dcap_arena *a = arena();
    struct part_key k = part_key(slot, number);
    size_t len, at = (a->used + 7) & ~(size_t)7;
    if (!store_get(KEY_TEXT(k), a->base + at, a->size - at, &len))
        return (struct bytes){NULL, 0};
    a->used = at + len;
    return (struct bytes){a->base + at, len};
}

static struct bytes slot_load(const struct slot *slot, const struct state *s) {
    uint32_t number;
    return in_force(&number, slot, s) ? part_load(slot, number) : (struct bytes){NULL, 0};
}

bool parts_load(struct dcap_parts *parts, const struct state *s, const uint8_t fmspc[6], uint8_t ca,
                struct dcap_fault *f) {
    struct slot slot = {DCAP_KIND_ROOT_CRL, {0}};
    struct bytes *const part[] = {&parts->root_crl, &parts->pck_crl, &parts->tcb_info, &parts->qe_identity};
    for (unsigned i = 0; i < 4; i++) {
        slot.kind = (uint8_t)(DCAP_KIND_ROOT_CRL + i);
        memset(slot.id, 0, sizeof slot.id);
        if (slot.kind == DCAP_KIND_PCK_CRL)
            slot.id[0] = ca;
        if (slot.kind == DCAP_KIND_TCB_INFO)
            memcpy(slot.id, fmspc, sizeof slot.id);
        *part[i] = slot_load(&slot, s);
        if (!part[i]->len)
            return dcap_fail(f, DCAP_PART_MISSING, dcap_kind_part((enum dcap_kind)slot.kind));
    }
    return true;
}

// --- what a call brings

static _Noreturn void refuse(const struct dcap_fault *f, const char *more) {
    char buffer[768];
    struct out o = OUT(buffer);
    out_str(&o, "Collateral refused: ");
    out_fault(&o, f);
    out_str(&o, more);
    stop_out(&o);
}

static const char mended[] = "; `outlayer collateral push` brings today's";

_Noreturn void collateral_refuse(const struct dcap_fault *f) {
    refuse(f, f->code == DCAP_COLLATERAL_FORMAT ? ": docs/register.md says what it is" : mended);
}

// An object may have some parts only; those that it has are verified.
static bool verify_one(struct bytes *part, const struct given *g, enum dcap_kind kind, struct bytes root_crl,
                       struct dcap_trust *trust, uint64_t now, struct dcap_fault *f) {
    struct dcap_part_source from = dcap_collateral_source(&g->from, kind);
    return !from.text.len || dcap_part_verify(part, kind, &from, root_crl, trust, now, arena(), f);
}

bool collateral_verify(struct given *g, struct text object, struct dcap_trust *trust, uint64_t now,
                       struct dcap_fault *f) {
    static const struct slot root = {DCAP_KIND_ROOT_CRL, {0}};
    *g = (struct given){0};
    if (!dcap_collateral_read(&g->from, (uint8_t *)(uintptr_t)object.ptr, object.len, f) ||
        !verify_one(&g->parts.root_crl, g, DCAP_KIND_ROOT_CRL, (struct bytes){NULL, 0}, trust, now, f))
        return false;
    struct bytes crl = g->parts.root_crl.len ? g->parts.root_crl : part_load(&root, 0);
    return verify_one(&g->parts.pck_crl, g, DCAP_KIND_PCK_CRL, crl, trust, now, f) &&
           verify_one(&g->parts.tcb_info, g, DCAP_KIND_TCB_INFO, crl, trust, now, f) &&
           verify_one(&g->parts.qe_identity, g, DCAP_KIND_QE_IDENTITY, crl, trust, now, f);
}

// --- keeping it

enum took { TOOK, KNOWN, OLDER, BELOW, ASIDE, FULL };

static enum took compare(const struct slot *slot, uint32_t number, const struct dcap_part_head *h) {
    struct dcap_part_head old;
    struct dcap_fault f;
    struct dcap_arena *a = arena();
    size_t mark = a->used;
    struct bytes part = part_load(slot, number);
    a->used = mark;
    if (!part.len || !dcap_part_open(&old, part, (enum dcap_kind)slot->kind, &f))
        return TOOK;
    if (memcmp(old.text_hash, h->text_hash, sizeof old.text_hash) == 0)
        return KNOWN;
    return h->issued > old.issued && h->number >= old.number ? TOOK : OLDER;
}

static void drop_set(const struct slot *slot, struct sets *all, uint32_t i) {
    struct part_key k = part_key(slot, all->number[i]);
    store_remove(KEY_TEXT(k));
    all->number[i] = all->number[--all->count];
}

// Room for a set beside those that are kept; the lower ones stay.
static enum took make_room(const struct slot *slot, struct sets *all, uint32_t number, uint32_t least) {
    for (uint32_t i = all->count; i-- > 0;)
        if (all->number[i] < least)
            drop_set(slot, all, i);
    if (all->count < KEPT)
        return TOOK;
    uint32_t high = all->number[1] > all->number[0];
    if (number > all->number[high])
        return ASIDE;
    drop_set(slot, all, high);
    return TOOK;
}

static bool remember_platform(const struct slot *slot) {
    uint8_t known[PLATFORM_KINDS_MAX * 6];
    size_t len = 0;
    store_get(platforms_known, known, sizeof known, &len);
    if (len == sizeof known)
        return false;
    memcpy(known + len, slot->id, sizeof slot->id);
    store_put(platforms_known, (struct text){(const char *)known, len + sizeof slot->id});
    return true;
}

static enum took keep_set(const struct slot *slot, const struct dcap_part_head *h, const struct state *s) {
    uint32_t number = (uint32_t)h->number;
    struct sets all = sets_load(slot);
    if (number < minimum(s, slot->kind))
        return BELOW;
    for (uint32_t i = 0; i < all.count; i++)
        if (all.number[i] == number)
            return compare(slot, number, h);
    if (slot->kind == DCAP_KIND_TCB_INFO && !all.count && !remember_platform(slot))
        return FULL;
    enum took took = make_room(slot, &all, number, minimum(s, slot->kind));
    if (took != TOOK)
        return took;
    all.number[all.count++] = number;
    sets_save(slot, &all);
    return TOOK;
}

static const char *part_names[KINDS] = {"", "root_crl", "pck_crl", "tcb_info", "qe_identity"};

static void member_id(struct out *o, const struct slot *slot) {
    if (slot->kind == DCAP_KIND_TCB_INFO)
        member_hex_bytes(o, "id", slot->id, sizeof slot->id);
    else
        member_string(o, "id",
                      slot->kind == DCAP_KIND_ROOT_CRL      ? TEXT("root")
                      : slot->kind == DCAP_KIND_QE_IDENTITY ? TEXT("TD_QE")
                      : slot->id[0] == DCAP_CA_PROCESSOR    ? TEXT("processor")
                                                            : TEXT("platform"));
}

static void put_part(struct out *o, const struct slot *slot, const struct dcap_part_head *h) {
    member_string(o, "part", text_of(part_names[slot->kind]));
    member_id(o, slot);
    member_number(o, "issued", h->issued);
    member_number(o, "next_update", h->next_update);
    member_number(o, "eval", h->number);
    member_hex_bytes(o, "sha256", h->text_hash, sizeof h->text_hash);
}

static struct slot slot_of(const struct dcap_part_head *h, struct bytes part) {
    struct slot slot = {h->kind, {0}};
    uint8_t pceid[2];
    if (h->kind == DCAP_KIND_PCK_CRL)
        slot.id[0] = h->ca;
    if (h->kind == DCAP_KIND_TCB_INFO)
        dcap_tcb_info_platform(slot.id, pceid, part);
    return slot;
}

static void refuse_old(enum took took, const struct dcap_part_head *h) {
    struct dcap_fault f = {.part = dcap_kind_part((enum dcap_kind)h->kind), .detail = h->issued};
    f.code = took == BELOW ? DCAP_TCB_EVAL_TOO_OLD : took == OLDER ? DCAP_ROLLED_BACK : DCAP_TOO_MANY;
    refuse(&f, took == ASIDE  ? ": two sets are kept, and this one is newer than both; the owner raises the minimum"
               : took == FULL ? ": TCB infos of 64 kinds of platforms are kept"
                              : mended);
}

static void keep(struct bytes part, enum dcap_kind kind, const struct state *s, bool strict) {
    struct dcap_part_head h;
    struct dcap_fault f;
    if (!part.len)
        return;
    if (!dcap_part_open(&h, part, kind, &f))
        refuse(&f, "");
    require(!has_sets(h.kind) || h.tee == DCAP_TDX, "Collateral refused: it is of SGX, and this contract takes TDX");
    struct slot slot = slot_of(&h, part);
    enum took took = has_sets(h.kind) ? keep_set(&slot, &h, s) : compare(&slot, 0, &h);
    if (strict && took > KNOWN)
        refuse_old(took, &h);
    if (took != TOOK)
        return;
    struct part_key k = part_key(&slot, has_sets(h.kind) ? (uint32_t)h.number : 0);
    store_put(KEY_TEXT(k), (struct text){(const char *)part.ptr, part.len});
    struct out *o = event_open("collateral_updated");
    put_part(o, &slot, &h);
    event_emit(o);
}

void collateral_keep(const struct given *g, const struct state *s, bool strict) {
    keep(g->parts.root_crl, DCAP_KIND_ROOT_CRL, s, strict);
    keep(g->parts.pck_crl, DCAP_KIND_PCK_CRL, s, strict);
    keep(g->parts.tcb_info, DCAP_KIND_TCB_INFO, s, strict);
    keep(g->parts.qe_identity, DCAP_KIND_QE_IDENTITY, s, strict);
}

// Who is neither owner nor registrar pays for what the storage grows; what is beyond goes back.
static void charge_growth(const struct state *s, uint64_t before) {
    struct account from = caller();
    struct yocto got = deposit_attached(), need = {0};
    uint64_t after = store_usage();
    if (!account_eq(&from, &s->owner) && !is_registrar(s, &from) && after > before)
        need = stake_of(after - before);
    if (yocto_less(got, need))
        stop_filled("Insufficient deposit: what the parts bind costs % yoctoNEAR, got %", (struct yocto[]){need, got});
    if (yocto_less(need, got))
        promise_transfer(&from, yocto_sub(got, need));
}

ENTRY(update_collateral) {
    static struct given g;
    struct state s = state_load();
    struct dcap_trust trust = trust_load(), was = trust;
    uint64_t before = store_usage();
    struct dcap_fault f;
    arena()->used = 0;
    if (!collateral_verify(&g, in->collateral, &trust, now_s(), &f))
        collateral_refuse(&f);
    require(g.parts.root_crl.len || g.parts.pck_crl.len || g.parts.tcb_info.len || g.parts.qe_identity.len,
            "Collateral refused: it has none of root_ca_crl, pck_crl, tcb_info and qe_identity");
    collateral_keep(&g, &s, true);
    if (memcmp(&trust, &was, sizeof was) != 0)
        trust_save(&trust);
    charge_growth(&s, before);
}

// --- views

static void put_kept(struct out *o, const struct slot *slot, uint32_t number, const struct state *s, bool days) {
    struct dcap_part_head h;
    struct dcap_fault f;
    uint32_t forced;
    arena()->used = 0;
    struct bytes part = part_load(slot, number);
    if (!part.len || !dcap_part_open(&h, part, (enum dcap_kind)slot->kind, &f))
        return;
    bool force = in_force(&forced, slot, s) && forced == number;
    if (days && !force)
        return;
    put_open(o, '{');
    put_part(o, slot, &h);
    if (days) {
        uint64_t now = now_s();
        member_number(o, "until", h.until);
        member_number(o, "days_left", h.until > now ? (h.until - now) / 86400 : 0);
        member_bool(o, "expired", h.until < now);
    } else {
        member_bool(o, "in_force", force);
    }
    put_close(o, '}');
}

static void put_slot(struct out *o, const struct slot *slot, const struct state *s, bool days) {
    struct sets all = sets_load(slot);
    if (!has_sets(slot->kind))
        all = (struct sets){{0}, 1};
    for (uint32_t i = 0; i < all.count; i++)
        put_kept(o, slot, all.number[i], s, days);
}

static void answer_parts(struct text fmspc, bool days) {
    uint8_t known[PLATFORM_KINDS_MAX * 6], wanted[6];
    size_t len = 0;
    struct state s = state_load();
    struct out *o = reply_open('[');
    require(!fmspc.ptr || (fmspc.len == 12 && hex_take(wanted, fmspc, sizeof wanted)),
            "fmspc must be 12 hexadecimal digits");
    put_slot(o, &(struct slot){DCAP_KIND_ROOT_CRL, {0}}, &s, days);
    put_slot(o, &(struct slot){DCAP_KIND_PCK_CRL, {DCAP_CA_PROCESSOR}}, &s, days);
    put_slot(o, &(struct slot){DCAP_KIND_PCK_CRL, {DCAP_CA_PLATFORM}}, &s, days);
    put_slot(o, &(struct slot){DCAP_KIND_QE_IDENTITY, {0}}, &s, days);
    store_get(platforms_known, known, sizeof known, &len);
    for (size_t i = 0; i < len; i += 6) {
        struct slot slot = {DCAP_KIND_TCB_INFO, {0}};
        memcpy(slot.id, known + i, 6);
        if (!fmspc.ptr || memcmp(slot.id, wanted, 6) == 0)
            put_slot(o, &slot, &s, days);
    }
    reply_close(']');
}

ENTRY(get_collateral) { answer_parts(in->fmspc, false); }
ENTRY(get_collateral_status) { answer_parts((struct text){0}, true); }
