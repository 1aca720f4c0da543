// SPDX-License-Identifier: Apache-2.0
#include "collateral.h"
#include "args.h"
#include "shown.h"

static const struct text platforms_known = {"FMSPCS", 6};

struct dcap_fault fault;
struct given given;

struct dcap_arena *arena(void) {
    static uint64_t memory[VERIFIER_BYTES / 8];
    static struct dcap_arena a = {(uint8_t *)memory, sizeof memory, 0};
    return &a;
}

// --- slots: 'c' kind id -> a list's part, or up to two parts of sets, each after its length and 4 bytes of nothing and
// filled up to a multiple of 8

struct part_key {
    uint8_t b[2 + 6];
};

static struct part_key part_key(const struct slot *s) {
    struct part_key k;
    k.b[0] = 'c';
    k.b[1] = s->kind;
    memcpy(k.b + 2, s->id, sizeof s->id);
    return k;
}

struct kept {
    struct bytes part[SETS_KEPT];
    uint32_t count;
};

static bool has_sets(uint8_t kind) { return kind >= DCAP_KIND_TCB_INFO; }

static const struct slot root = {DCAP_KIND_ROOT_CRL, {0}};

static struct bytes record_load(const struct slot *slot) {
    struct dcap_arena *a = arena();
    struct part_key k = part_key(slot);
    size_t len, at = (a->used + 7) & ~(size_t)7;
    if (!store_get(KEY_TEXT(k), a->base + at, a->size - at, &len))
        return (struct bytes){NULL, 0};
    a->used = at + len;
    return (struct bytes){a->base + at, len};
}

static struct kept kept_load(const struct slot *slot) {
    struct kept all = {{record_load(slot)}, 0};
    struct dcap_cursor c = dcap_cursor_over(all.part[0]);
    if (!has_sets(slot->kind)) {
        all.count = all.part[0].len > 0;
        return all;
    }
    while (dcap_cursor_left(&c) && all.count < SETS_KEPT) {
        size_t len = (size_t)dcap_take_le(&c, 8);
        all.part[all.count++] = dcap_take_bytes(&c, len);
        dcap_take(&c, -len & 7);
    }
    return all;
}

static void kept_save(const struct slot *slot, const struct kept *all) {
    static const uint8_t zeros[8];
    struct part_key k = part_key(slot);
    struct bytes whole = all->part[0];
    if (has_sets(slot->kind)) {
        struct dcap_writer w = dcap_write_into(arena());
        for (uint32_t i = 0; i < all->count; i++) {
            dcap_put_le(&w, all->part[i].len, 8);
            dcap_put(&w, all->part[i].ptr, all->part[i].len);
            dcap_put(&w, zeros, -all->part[i].len & 7);
        }
        whole = dcap_written(&w);
    }
    require(whole.len, "Longer than this contract can take");
    store_put(KEY_TEXT(k), (struct text){(const char *)whole.ptr, whole.len});
}

static struct dcap_part_head head_of(struct bytes part) {
    struct dcap_part_head h;
    require(part.len >= sizeof h, "A stored record is damaged");
    memcpy(&h, part.ptr, sizeof h);
    return h;
}

static uint32_t minimum(const struct state *s, uint8_t kind) {
    return kind == DCAP_KIND_TCB_INFO ? s->min_tcb_eval : kind == DCAP_KIND_QE_IDENTITY ? s->min_qe_eval : 0;
}

static bool has_expired(const struct dcap_part_head *h) { return now_s() > h->until; }

// {NULL, 0}: no kept set is from the minimum on. One that has expired goes before none: its date is the reason.
static struct bytes in_force(const struct kept *all, const struct slot *slot, const struct state *s) {
    struct bytes best = {NULL, 0};
    uint64_t lowest = UINT64_MAX;
    for (uint32_t i = 0; i < all->count; i++) {
        struct dcap_part_head h = head_of(all->part[i]);
        uint64_t rank = h.number | (uint64_t)has_expired(&h) << 63;
        if (h.number >= minimum(s, slot->kind) && rank < lowest) {
            lowest = rank;
            best = all->part[i];
        }
    }
    return best;
}

static struct bytes slot_load(const struct slot *slot, const struct state *s) {
    struct kept all = kept_load(slot);
    return in_force(&all, slot, s);
}

bool parts_load(struct dcap_parts *parts, const struct state *s, const uint8_t fmspc[6], uint8_t ca) {
    struct bytes *const part[] = {&parts->root_crl, &parts->pck_crl, &parts->tcb_info, &parts->qe_identity};
    for (unsigned i = 0; i < PARTS; i++) {
        struct slot slot = {(uint8_t)(DCAP_KIND_ROOT_CRL + i), {0}};
        if (slot.kind == DCAP_KIND_PCK_CRL)
            slot.id[0] = ca;
        if (slot.kind == DCAP_KIND_TCB_INFO)
            memcpy(slot.id, fmspc, sizeof slot.id);
        *part[i] = given.part[i].len ? given.part[i] : slot_load(&slot, s);
        if (!part[i]->len)
            return dcap_fail(&fault, DCAP_PART_MISSING, dcap_kind_part((enum dcap_kind)slot.kind));
    }
    return true;
}

// --- what a call brings

static _Noreturn void refuse(const char *more) {
    struct out *o = sentence();
    out_str(o, "Collateral refused: ");
    out_fault(o);
    out_str(o, more);
    stop_out(o);
}

static const char mended[] = "; `outlayer collateral push` brings today's";

_Noreturn void collateral_refuse(void) {
    refuse(fault.code == DCAP_COLLATERAL_FORMAT ? ": docs/register.md says what it is" : mended);
}

// An object may have some parts only; those that it has are verified.
bool collateral_verify(struct text object, struct dcap_trust *trust, uint64_t now) {
    struct dcap_part_source from[PARTS];
    arena()->used = 0;
    given = (struct given){0};
    if (!object.ptr)
        return true;
    if (!dcap_collateral_read(&given.from, (uint8_t *)(uintptr_t)object.ptr, object.len, &fault))
        return false;
    for (unsigned i = 0; i < PARTS; i++)
        from[i] = dcap_collateral_source(&given.from, (enum dcap_kind)(DCAP_KIND_ROOT_CRL + i));
    bool has_root = from[0].text.len > 0;
    if (!has_root)
        given.part[0] = record_load(&root);
    if (!dcap_parts_verify(given.part, from, trust, now, arena(), &fault))
        return false;
    if (!has_root)
        given.part[0] = (struct bytes){NULL, 0};
    return true;
}

// --- keeping it

enum took { TOOK, KNOWN, OLDER, BELOW, ASIDE, FULL };

static enum took compare(struct bytes known, const struct dcap_part_head *h) {
    struct dcap_part_head old = head_of(known);
    if (memcmp(old.text_hash, h->text_hash, sizeof old.text_hash) == 0)
        return KNOWN;
    return h->issued > old.issued && h->number >= old.number ? TOOK : OLDER;
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

// The place for a set beside those that are kept and have not expired, of which the lower ones stay.
static enum took make_room(struct kept *all, uint32_t *place, uint64_t number, uint64_t least) {
    for (uint32_t i = all->count; i-- > 0;) {
        struct dcap_part_head h = head_of(all->part[i]);
        if (h.number < least || has_expired(&h))
            all->part[i] = all->part[--all->count];
    }
    *place = all->count;
    if (all->count < SETS_KEPT) {
        all->count++;
        return TOOK;
    }
    uint64_t first = head_of(all->part[0]).number, second = head_of(all->part[1]).number;
    *place = second > first;
    return number > (second > first ? second : first) ? ASIDE : TOOK;
}

static enum took find_place(struct kept *all, uint32_t *place, const struct slot *slot, const struct dcap_part_head *h,
                            const struct state *s) {
    uint32_t least = minimum(s, slot->kind);
    if (h->number < least)
        return BELOW;
    for (*place = 0; *place < all->count; ++*place)
        if (!has_sets(slot->kind) || head_of(all->part[*place]).number == h->number)
            return compare(all->part[*place], h);
    if (slot->kind == DCAP_KIND_TCB_INFO && !all->count && !remember_platform(slot))
        return FULL;
    return make_room(all, place, h->number, least);
}

static const char part_names[] = "\0root_crl\0pck_crl\0tcb_info\0qe_identity"; // by enum dcap_kind

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
    static const struct shown members[] = {SHOWN(NUMBER, "issued", struct dcap_part_head, issued),
                                           SHOWN(NUMBER, "next_update", struct dcap_part_head, next_update),
                                           SHOWN(NUMBER, "eval", struct dcap_part_head, number),
                                           SHOWN(HEX, "sha256", struct dcap_part_head, text_hash)};
    member_word(o, "part", dcap_nth(part_names, slot->kind));
    member_id(o, slot);
    SHOW_ALL(o, members, h);
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
    enum dcap_code code = took == BELOW ? DCAP_TCB_EVAL_TOO_OLD : took == OLDER ? DCAP_ROLLED_BACK : DCAP_TOO_MANY;
    dcap_fail_with(&fault, code, dcap_kind_part((enum dcap_kind)h->kind), h->issued);
    refuse(took == ASIDE  ? ": two sets are kept, and this one is newer than both; the owner raises the minimum"
           : took == FULL ? ": TCB infos of 64 kinds of platforms are kept"
                          : mended);
}

// revoked: serial numbers of signers, whose parts are passed over.
static void keep(struct bytes part, struct bytes revoked, const struct state *s, bool strict) {
    struct dcap_part_head h = head_of(part);
    uint32_t place = 0;
    if (dcap_serials_have(revoked, (struct bytes){h.signer, sizeof h.signer}))
        return;
    require(!has_sets(h.kind) || h.tee == DCAP_TDX, "Collateral refused: it is of SGX, and this contract takes TDX");
    struct slot slot = slot_of(&h, part);
    struct kept all = kept_load(&slot);
    enum took took = find_place(&all, &place, &slot, &h, s);
    if (strict && took > KNOWN)
        refuse_old(took, &h);
    if (took == TOOK) {
        all.part[place] = part;
        kept_save(&slot, &all);
        struct out *o = event_open(EVENT_COLLATERAL_UPDATED);
        put_part(o, &slot, &h);
        event_emit(o);
    }
}

// A registration, which is not strict, may have brought an older root CRL than the one that is kept: its other parts
// were verified by that.
void collateral_keep(const struct state *s, bool strict) {
    struct bytes revoked = {NULL, 0};
    for (unsigned i = 0; i < PARTS; i++) {
        if (!given.part[i].len)
            continue;
        if (i && !strict && !revoked.ptr)
            revoked = dcap_part_serials(record_load(&root));
        keep(given.part[i], revoked, s, strict);
        given.part[i].len = 0;
    }
}

void charge(uint64_t bytes, const char *what) {
    struct account from = caller();
    struct yocto need = stake_of(bytes), got = deposit_attached();
    if (yocto_less(got, need)) {
        struct out *o = sentence();
        out_str(o, "Insufficient deposit: what ");
        out_str(o, what);
        out_str(o, " costs ");
        out_amount(o, need);
        out_str(o, " yoctoNEAR, got ");
        out_amount(o, got);
        stop_out(o);
    }
    if (yocto_less(need, got))
        promise_transfer(&from, yocto_sub(got, need));
}

uint64_t grown(uint64_t before) {
    uint64_t now = store_usage();
    return now > before ? now - before : 0;
}

// Who is neither owner nor registrar pays for what the storage grows.
static void charge_growth(const struct state *s, uint64_t before) {
    struct account from = caller();
    bool free = account_eq(&from, &s->owner) || is_registrar(s, &from);
    charge(free ? 0 : grown(before), "the parts bind");
}

ENTRY(update_collateral) {
    struct state *s = state_load();
    struct dcap_trust was = s->trust;
    uint64_t before = store_usage();
    if (!collateral_verify(in->collateral, &s->trust, now_s()))
        collateral_refuse();
    require(given.part[0].len || given.part[1].len || given.part[2].len || given.part[3].len,
            "Collateral refused: it has none of root_ca_crl, pck_crl, tcb_info and qe_identity");
    collateral_keep(s, true);
    if (memcmp(&s->trust, &was, sizeof was) != 0)
        state_save(s);
    charge_growth(s, before);
}

// --- views

static void put_kept(struct out *o, const struct slot *slot, struct bytes part, bool force, bool days) {
    struct dcap_part_head h = head_of(part);
    put_open(o, '{');
    put_part(o, slot, &h);
    if (days) {
        uint64_t now = now_s();
        member_number(o, "until", h.until);
        member_number(o, "days_left", h.until > now ? (h.until - now) / 86400 : 0);
        member_bool(o, "expired", has_expired(&h));
    } else {
        member_bool(o, "in_force", force);
    }
    put_close(o, '}');
}

static void put_slot(struct out *o, const struct slot *slot, const struct state *s, bool days) {
    arena()->used = 0;
    struct kept all = kept_load(slot);
    struct bytes force = in_force(&all, slot, s);
    for (uint32_t i = 0; i < all.count; i++)
        if (!days || all.part[i].ptr == force.ptr)
            put_kept(o, slot, all.part[i], all.part[i].ptr == force.ptr, days);
}

static void answer_parts(struct text fmspc, bool days) {
    uint8_t known[PLATFORM_KINDS_MAX * 6], wanted[6];
    size_t len = 0;
    struct state *s = state_load();
    struct out *o = reply_open('[');
    require(!fmspc.ptr || (fmspc.len == 12 && hex_take(wanted, fmspc, sizeof wanted)),
            "fmspc must be 12 hexadecimal digits");
    put_slot(o, &root, s, days);
    put_slot(o, &(struct slot){DCAP_KIND_PCK_CRL, {DCAP_CA_PROCESSOR}}, s, days);
    put_slot(o, &(struct slot){DCAP_KIND_PCK_CRL, {DCAP_CA_PLATFORM}}, s, days);
    put_slot(o, &(struct slot){DCAP_KIND_QE_IDENTITY, {0}}, s, days);
    store_get(platforms_known, known, sizeof known, &len);
    for (size_t i = 0; i < len; i += 6) {
        struct slot slot = {DCAP_KIND_TCB_INFO, {0}};
        memcpy(slot.id, known + i, 6);
        if (!fmspc.ptr || memcmp(slot.id, wanted, 6) == 0)
            put_slot(o, &slot, s, days);
    }
    reply_close(']');
}

ENTRY(get_collateral) { answer_parts(in->fmspc, false); }
ENTRY(get_collateral_status) { answer_parts((struct text){0}, true); }
