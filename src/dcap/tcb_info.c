// SPDX-License-Identifier: Apache-2.0
#include "dcap/tcb_info.h"

// --- the part: head, tcb_part, then modules (module_part, its levels) and levels (level_part, advisories) in the order
// of the text

struct tcb_part {
    uint8_t fmspc[6], pceid[2];
    uint8_t mrsigner[48], attributes[8], mask[8]; // tdxModule
    uint16_t has_module, modules, levels, tdx_levels;
    uint32_t modules_at, modules_len, levels_at, levels_len; // from the part's start
};
struct module_part {
    uint8_t mrsigner[48], attributes[8], mask[8];
    uint8_t version, unused[3];
    uint32_t levels_len;
};
struct level_part {
    uint8_t sgx[16], pce[2], tdx[16]; // pce big endian: bytes compare as Intel orders levels
    uint8_t status, unused;
    uint16_t advisories, more_unused;
    uint64_t date;
};
enum { LEVEL_KEY = 34, MAX_LEVELS = 256 };
_Static_assert(sizeof(struct tcb_part) == 96 && sizeof(struct module_part) == 72 && sizeof(struct level_part) == 48,
               "a part looks the same on each machine");

// --- reading the text

struct text {
    struct dcap_part_head head;
    struct bytes id;
    uint8_t version, type;
    uint32_t number;
    struct dcap_writer *w;
    struct tcb_part part;
};
struct components {
    uint8_t sgx[16], tdx[16];
    uint16_t pce;
    uint8_t sgx_count, tdx_count;
};

static bool take_component(uint8_t svn[16], uint8_t *count, struct dcap_json *j) {
    struct component {
        uint8_t svn;
    } c;
    static const struct dcap_json_member members[] = {
        DCAP_JSON_REQUIRED(struct component, svn, "svn", DCAP_JSON_NUMBER, NULL)};
    static const struct dcap_json_shape shape = {members, 1};
    if (*count == 16)
        return dcap_json_fail(j, DCAP_TCB_COMPONENTS, 0);
    if (!dcap_json_object(&c, j, &shape))
        return false;
    svn[(*count)++] = c.svn;
    return true;
}
static bool take_sgx(struct dcap_json *j, void *out) {
    struct components *c = out;
    return take_component(c->sgx, &c->sgx_count, j);
}
static bool take_tdx(struct dcap_json *j, void *out) {
    struct components *c = out;
    return take_component(c->tdx, &c->tdx_count, j);
}

// The level at *at of the levels of a part, and its advisories.
static bool next_level(struct level_part *level, struct bytes *advisories, struct dcap_cursor *c) {
    const uint8_t *at = dcap_take(c, sizeof *level);
    if (!at)
        return false;
    memcpy(level, at, sizeof *level);
    *advisories = dcap_take_bytes(c, level->advisories);
    return !c->failed && level->status > DCAP_NONE && level->status < DCAP_STATUS_COUNT;
}

static bool put_level(struct text *t, struct dcap_json *j, struct level_part *level, struct bytes raw_advisories) {
    struct dcap_writer *w = t->w;
    struct level_part other;
    const uint8_t *start = w->start + t->part.levels_at;
    struct dcap_cursor c = dcap_cursor_over((struct bytes){start, (size_t)(w->at - start)});
    for (struct bytes a; next_level(&other, &a, &c);) {
        if (memcmp(&other, level, LEVEL_KEY) == 0)
            return dcap_json_fail(j, DCAP_TCB_LEVELS, t->part.levels);
    }
    uint8_t *at = w->at;
    dcap_put(w, level, sizeof *level);
    if (!dcap_advisories_put(w, &level->advisories, j, raw_advisories))
        return false;
    if (!w->failed)
        memcpy(at, level, sizeof *level);
    return ++t->part.levels <= MAX_LEVELS || dcap_json_fail(j, DCAP_TOO_MANY, 0);
}

static bool take_level(struct dcap_json *j, void *out) {
    struct text *t = out;
    struct level_text {
        struct components tcb;
        uint64_t date;
        struct bytes status, advisories;
    } l = {.date = 0};
    static const struct dcap_json_each sgx = {take_sgx}, tdx = {take_tdx};
    static const struct dcap_json_member tcb[] = {
        DCAP_JSON_REQUIRED(struct components, sgx, "sgxtcbcomponents", DCAP_JSON_EACH, &sgx),
        DCAP_JSON_REQUIRED(struct components, pce, "pcesvn", DCAP_JSON_NUMBER, NULL),
        DCAP_JSON_OPTIONAL(struct components, tdx, "tdxtcbcomponents", DCAP_JSON_EACH, &tdx)};
    static const struct dcap_json_shape tcb_shape = {tcb, 3};
    static const struct dcap_json_member members[] = {
        DCAP_JSON_REQUIRED(struct level_text, tcb, "tcb", DCAP_JSON_OBJECT, &tcb_shape),
        DCAP_JSON_REQUIRED(struct level_text, date, "tcbDate", DCAP_JSON_DATE, NULL),
        DCAP_JSON_REQUIRED(struct level_text, status, "tcbStatus", DCAP_JSON_TEXT, NULL),
        DCAP_JSON_OPTIONAL(struct level_text, advisories, "advisoryIDs", DCAP_JSON_RAW, NULL)};
    static const struct dcap_json_shape shape = {members, 4};
    if (t->w->failed)
        return dcap_json_fail(j, DCAP_NO_MEMORY, 0);
    if (!dcap_json_object(&l, j, &shape))
        return false;
    // Which of them a TCB info must have is known when its id has been read; here a list is whole or missing.
    if (l.tcb.sgx_count != 16 || (l.tcb.tdx_count != 16 && l.tcb.tdx_count != 0))
        return dcap_json_fail(j, DCAP_TCB_COMPONENTS, t->part.levels);
    if (l.tcb.tdx_count == 16)
        t->part.tdx_levels++;
    struct level_part level = {.pce = {(uint8_t)(l.tcb.pce >> 8), (uint8_t)l.tcb.pce}, .date = l.date};
    memcpy(level.sgx, l.tcb.sgx, 16);
    memcpy(level.tdx, l.tcb.tdx, 16);
    return dcap_status_read(&level.status, j, l.status) && put_level(t, j, &level, l.advisories);
}

// "TDX_03" is version 3; 0 for what is named otherwise, which no TDX module asks for.
static uint8_t version_of(struct bytes id) {
    uint8_t version = 0;
    if (id.len != 6 || (id.ptr[0] | 0x20) != 't' || (id.ptr[1] | 0x20) != 'd' || (id.ptr[2] | 0x20) != 'x' ||
        id.ptr[3] != '_' || !dcap_hex_decode(&version, (struct bytes){id.ptr + 4, 2}, 1))
        return 0;
    return version;
}

struct module_text {
    struct module_part part;
    struct bytes id;
    struct dcap_svn_levels levels;
};
static bool take_module_level(struct dcap_json *j, void *out) {
    return dcap_svn_level_take(j, &((struct module_text *)out)->levels);
}

#define MODULE_MEMBERS(type, m)                                                                                        \
    DCAP_JSON_REQUIRED(type, m mrsigner, "mrsigner", DCAP_JSON_HEX, NULL),                                             \
        DCAP_JSON_REQUIRED(type, m attributes, "attributes", DCAP_JSON_HEX, NULL),                                     \
        DCAP_JSON_REQUIRED(type, m mask, "attributesMask", DCAP_JSON_HEX, NULL)

// The module of this version among those of a part.
static bool find_module(struct module_part *m, struct bytes *levels, struct bytes modules, uint8_t version) {
    struct dcap_cursor c = dcap_cursor_over(modules);
    for (const uint8_t *at; (at = dcap_take(&c, sizeof *m));) {
        memcpy(m, at, sizeof *m);
        *levels = dcap_take_bytes(&c, m->levels_len);
        if (!c.failed && m->version == version)
            return true;
    }
    return false;
}

static bool take_module(struct dcap_json *j, void *out) {
    struct text *t = out;
    static const struct dcap_json_each level = {take_module_level};
    static const struct dcap_json_member members[] = {
        DCAP_JSON_REQUIRED(struct module_text, id, "id", DCAP_JSON_TEXT, NULL),
        MODULE_MEMBERS(struct module_text, part.),
        DCAP_JSON_REQUIRED(struct module_text, levels, "tcbLevels", DCAP_JSON_EACH, &level)};
    static const struct dcap_json_shape shape = {members, 5};
    struct module_text m = {.levels = {.w = t->w}};
    struct module_part other;
    struct bytes unused;
    struct dcap_writer *w = t->w;
    uint8_t *at = w->at;
    struct bytes before = {w->start + t->part.modules_at, (size_t)(at - w->start) - t->part.modules_at};
    dcap_put(w, &m.part, sizeof m.part);
    m.levels.at = (size_t)(w->at - w->start);
    if (w->failed)
        return dcap_json_fail(j, DCAP_NO_MEMORY, 0);
    if (!dcap_json_object(&m, j, &shape))
        return false;
    m.part.version = version_of(m.id);
    if (!m.levels.count || find_module(&other, &unused, before, m.part.version))
        return dcap_json_fail(j, DCAP_TCB_LEVELS, t->part.modules);
    m.part.levels_len = (uint32_t)((size_t)(w->at - w->start) - m.levels.at);
    if (!w->failed)
        memcpy(at, &m.part, sizeof m.part);
    return ++t->part.modules <= MAX_LEVELS || dcap_json_fail(j, DCAP_TOO_MANY, 0);
}

// Where an array's records begin is known when its first one comes.
static uint32_t here(const struct text *t) { return (uint32_t)(t->w->at - t->w->start); }
static bool take_first_level(struct dcap_json *j, void *out) {
    struct text *t = out;
    if (!t->part.levels)
        t->part.levels_at = here(t);
    bool ok = take_level(j, t);
    t->part.levels_len = here(t) - t->part.levels_at;
    return ok;
}
static bool take_first_module(struct dcap_json *j, void *out) {
    struct text *t = out;
    if (!t->part.modules)
        t->part.modules_at = here(t);
    bool ok = take_module(j, t);
    t->part.modules_len = here(t) - t->part.modules_at;
    return ok;
}

static bool take_tdx_module(struct dcap_json *j, void *out) {
    static const struct dcap_json_member members[] = {MODULE_MEMBERS(struct tcb_part, )};
    static const struct dcap_json_shape shape = {members, 3};
    struct text *t = out;
    t->part.has_module = 1;
    return dcap_json_object(&t->part, j, &shape);
}

static bool check(struct text *t, struct dcap_fault *f) {
    if (t->version != 3)
        return dcap_fail_with(f, DCAP_TCB_INFO_VERSION, DCAP_PART_TCB_INFO, t->version);
    if (t->type != 0)
        return dcap_fail_with(f, DCAP_TCB_INFO_TYPE, DCAP_PART_TCB_INFO, t->type);
    bool tdx = dcap_bytes_eq(t->id, DCAP_LIT("TDX"));
    if (!tdx && !dcap_bytes_eq(t->id, DCAP_LIT("SGX")))
        return dcap_fail(f, DCAP_TCB_INFO_TEE, DCAP_PART_TCB_INFO);
    if (tdx && t->part.tdx_levels != t->part.levels)
        return dcap_fail(f, DCAP_TCB_COMPONENTS, DCAP_PART_TCB_INFO);
    if (tdx && !t->part.has_module)
        return dcap_fail(f, DCAP_JSON_MEMBER, DCAP_PART_TCB_INFO);
    if (!t->part.levels)
        return dcap_fail(f, DCAP_TCB_LEVELS, DCAP_PART_TCB_INFO);
    t->head.tee = tdx ? DCAP_TDX : DCAP_SGX;
    t->head.kind = DCAP_KIND_TCB_INFO;
    t->head.number = t->number;
    return true;
}

bool dcap_tcb_info_put(struct dcap_writer *w, struct bytes text, struct dcap_fault *f) {
    static const struct dcap_json_each levels = {take_first_level}, modules = {take_first_module},
                                       module = {take_tdx_module};
    static const struct dcap_json_member members[] = {
        DCAP_JSON_REQUIRED(struct text, id, "id", DCAP_JSON_TEXT, NULL),
        DCAP_JSON_REQUIRED(struct text, version, "version", DCAP_JSON_NUMBER, NULL),
        DCAP_JSON_REQUIRED(struct text, head.issued, "issueDate", DCAP_JSON_DATE, NULL),
        DCAP_JSON_REQUIRED(struct text, head.next_update, "nextUpdate", DCAP_JSON_DATE, NULL),
        DCAP_JSON_REQUIRED(struct text, part.fmspc, "fmspc", DCAP_JSON_HEX, NULL),
        DCAP_JSON_REQUIRED(struct text, part.pceid, "pceId", DCAP_JSON_HEX, NULL),
        DCAP_JSON_REQUIRED(struct text, type, "tcbType", DCAP_JSON_NUMBER, NULL),
        DCAP_JSON_REQUIRED(struct text, number, "tcbEvaluationDataNumber", DCAP_JSON_NUMBER, NULL),
        DCAP_JSON_OPTIONAL(struct text, w, "tdxModule", DCAP_JSON_BY, &module),
        DCAP_JSON_OPTIONAL(struct text, w, "tdxModuleIdentities", DCAP_JSON_EACH, &modules),
        DCAP_JSON_REQUIRED(struct text, w, "tcbLevels", DCAP_JSON_EACH, &levels)};
    static const struct dcap_json_shape shape = {members, 11};
    struct text t = {.w = w};
    dcap_put(w, &t.head, sizeof t.head);
    dcap_put(w, &t.part, sizeof t.part);
    if (!dcap_json_document(&t, text, &shape, DCAP_PART_TCB_INFO, f) || !check(&t, f))
        return false;
    if (w->failed)
        return dcap_fail(f, DCAP_NO_MEMORY, DCAP_PART_TCB_INFO);
    memcpy(w->start, &t.head, sizeof t.head);
    memcpy(w->start + sizeof t.head, &t.part, sizeof t.part);
    return true;
}

// --- matching with the part

// The description behind the head; its ranges are within the part, or empty.
static struct tcb_part open(struct bytes *modules, struct bytes *levels, struct bytes part) {
    struct tcb_part p = {.levels = 0};
    struct bytes body = dcap_part_body(part);
    *modules = *levels = (struct bytes){NULL, 0};
    if (body.len < sizeof p)
        return p;
    memcpy(&p, body.ptr, sizeof p);
    if (p.modules_at <= part.len && p.modules_len <= part.len - p.modules_at)
        *modules = (struct bytes){part.ptr + p.modules_at, p.modules_len};
    if (p.levels_at <= part.len && p.levels_len <= part.len - p.levels_at)
        *levels = (struct bytes){part.ptr + p.levels_at, p.levels_len};
    return p;
}

void dcap_tcb_info_platform(uint8_t fmspc[6], uint8_t pceid[2], struct bytes part) {
    struct bytes modules, levels;
    struct tcb_part p = open(&modules, &levels, part);
    memcpy(fmspc, p.fmspc, 6);
    memcpy(pceid, p.pceid, 2);
}

void dcap_tcb_info_module(struct dcap_module *out, struct bytes part, uint8_t version) {
    struct bytes modules, levels;
    struct module_part m;
    struct tcb_part p = open(&modules, &levels, part);
    *out = (struct dcap_module){.version = version};
    if (version == 0) {
        out->known = p.has_module;
        memcpy(out->mrsigner, p.mrsigner, 48);
        memcpy(out->attributes, p.attributes, 8);
    } else if (find_module(&m, &out->levels, modules, version)) {
        out->known = true;
        memcpy(out->mrsigner, m.mrsigner, 48);
        memcpy(out->attributes, m.attributes, 8);
    }
}

void dcap_short_add(struct dcap_shorts *to, enum dcap_short_of of, unsigned index, uint16_t has, uint16_t needs) {
    if (to && has < needs && to->count < DCAP_SHORTS)
        to->s[to->count++] = (struct dcap_short){(uint8_t)of, (uint8_t)index, has, needs};
}

static uint16_t pce_of(const struct level_part *l) { return (uint16_t)(l->pce[0] << 8 | l->pce[1]); }

// What the platform lacks for the level; true when that is nothing.
static bool reaches(struct dcap_shorts *shorts, const struct level_part *l, const struct dcap_svns *s, unsigned first) {
    bool all = s->pce >= pce_of(l);
    dcap_short_add(shorts, DCAP_SHORT_PCE, 0, s->pce, pce_of(l));
    for (unsigned i = 0; i < 16; i++) {
        all &= s->sgx[i] >= l->sgx[i] && (i < first || s->tdx[i] >= l->tdx[i]);
        dcap_short_add(shorts, DCAP_SHORT_SGX, i, s->sgx[i], l->sgx[i]);
        if (i >= first)
            dcap_short_add(shorts, DCAP_SHORT_TDX, i, s->tdx[i], l->tdx[i]);
    }
    return all;
}

bool dcap_tcb_info_match(struct dcap_level *out, struct dcap_shorts *shorts, struct bytes part,
                         const struct dcap_svns *svns) {
    struct bytes modules, levels, advisories;
    struct level_part l, found = {.status = DCAP_NONE}, best = {.status = DCAP_STATUS_COUNT};
    open(&modules, &levels, part);
    unsigned first = svns->tdx[1] ? 2 : 0;
    struct dcap_cursor c = dcap_cursor_over(levels);
    while (next_level(&l, &advisories, &c)) {
        // The best status; of several levels with it the one that asks for least.
        if (l.status < best.status || (l.status == best.status && memcmp(&l, &best, LEVEL_KEY) < 0))
            best = l;
        // The levels' order is not relied on: of those that are reached the highest counts.
        if (!reaches(NULL, &l, svns, first) || (found.status != DCAP_NONE && memcmp(&l, &found, LEVEL_KEY) < 0))
            continue;
        found = l;
        *out = (struct dcap_level){(enum dcap_status)l.status, l.date, advisories};
    }
    if (shorts && best.status != DCAP_STATUS_COUNT)
        (void)reaches(shorts, &best, svns, first);
    return found.status != DCAP_NONE;
}
