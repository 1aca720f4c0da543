// SPDX-License-Identifier: Apache-2.0
#include "dcap/tcb_info.h"

// --- the part: head, tcb_part, then modules (module_part, its levels) and the platforms' levels in the order of the
// text

struct tcb_part {
    uint8_t fmspc[6], pceid[2];
    uint8_t mrsigner[48], attributes[8], mask[8]; // tdxModule
    uint16_t has_module, modules, unused[2];
    uint32_t modules_at, modules_len, levels_at, levels_len; // from the part's start
};
struct module_part {
    uint8_t mrsigner[48], attributes[8], mask[8];
    uint8_t version, unused[3];
    uint32_t levels_len;
};
enum { MAX_MODULES = 255 };
_Static_assert(sizeof(struct tcb_part) == 96 && sizeof(struct module_part) == 72,
               "a part looks the same on each machine");

// --- reading the text

struct text {
    struct dcap_part_head head;
    struct tcb_part part;
    struct bytes id;
    uint8_t version, type;
    struct dcap_writer *w;
    struct dcap_levels levels;
};
enum { PUT_FIRST = offsetof(struct text, id) }; // the part but for its levels
_Static_assert(PUT_FIRST == sizeof(struct dcap_part_head) + sizeof(struct tcb_part), "nothing stands between");
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
    struct dcap_levels levels;
};
static bool take_module_level(struct dcap_json *j, void *out) {
    return dcap_level_take(j, &((struct module_text *)out)->levels);
}

#define MODULE_MEMBERS(type, m)                                                                                        \
    DCAP_JSON_REQUIRED(type, m mrsigner, "mrsigner", DCAP_JSON_HEX, 0),                                                \
        DCAP_JSON_REQUIRED(type, m attributes, "attributes", DCAP_JSON_HEX, 0),                                        \
        DCAP_JSON_REQUIRED(type, m mask, "attributesMask", DCAP_JSON_HEX, 0)

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
    static const void *const more[] = {&level};
    static const struct dcap_json_member members[] = {
        DCAP_JSON_REQUIRED(struct module_text, id, "id", DCAP_JSON_TEXT, 0), MODULE_MEMBERS(struct module_text, part.),
        DCAP_JSON_REQUIRED(struct module_text, levels, "tcbLevels", DCAP_JSON_EACH, 0)};
    static const struct dcap_json_shape shape = {members, 5, more};
    struct module_text m = {.levels = {.w = t->w, .isv = true}};
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
    return ++t->part.modules <= MAX_MODULES || dcap_json_fail(j, DCAP_TOO_MANY, 0);
}

// Where an array's records begin is known when its first one comes.
static uint32_t here(const struct text *t) { return (uint32_t)(t->w->at - t->w->start); }
static bool take_first_level(struct dcap_json *j, void *out) {
    struct text *t = out;
    if (!t->levels.count)
        t->levels.at = t->part.levels_at = here(t);
    bool ok = dcap_level_take(j, &t->levels);
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
    static const struct dcap_json_shape shape = {members, 3, NULL};
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
    if (tdx && t->levels.with_tdx != t->levels.count)
        return dcap_fail(f, DCAP_TCB_COMPONENTS, DCAP_PART_TCB_INFO);
    if (tdx && !t->part.has_module)
        return dcap_fail(f, DCAP_JSON_MEMBER, DCAP_PART_TCB_INFO);
    if (!t->levels.count)
        return dcap_fail(f, DCAP_TCB_LEVELS, DCAP_PART_TCB_INFO);
    t->head.tee = tdx ? DCAP_TDX : DCAP_SGX;
    t->head.kind = DCAP_KIND_TCB_INFO;
    return true;
}

bool dcap_tcb_info_put(struct dcap_writer *w, struct bytes text, struct dcap_fault *f) {
    static const struct dcap_json_each levels = {take_first_level}, modules = {take_first_module},
                                       module = {take_tdx_module};
    static const void *const more[] = {&levels, &modules, &module};
    static const struct dcap_json_member members[] = {
        DCAP_JSON_REQUIRED(struct text, id, "id", DCAP_JSON_TEXT, 0),
        DCAP_JSON_REQUIRED(struct text, version, "version", DCAP_JSON_NUMBER, 0),
        DCAP_JSON_REQUIRED(struct text, head.issued, "issueDate", DCAP_JSON_DATE, 0),
        DCAP_JSON_REQUIRED(struct text, head.next_update, "nextUpdate", DCAP_JSON_DATE, 0),
        DCAP_JSON_REQUIRED(struct text, part.fmspc, "fmspc", DCAP_JSON_HEX, 0),
        DCAP_JSON_REQUIRED(struct text, part.pceid, "pceId", DCAP_JSON_HEX, 0),
        DCAP_JSON_REQUIRED(struct text, type, "tcbType", DCAP_JSON_NUMBER, 0),
        DCAP_LEVELS_NUMBER(struct text, head.number),
        DCAP_JSON_OPTIONAL(struct text, w, "tdxModule", DCAP_JSON_BY, 2),
        DCAP_JSON_OPTIONAL(struct text, w, "tdxModuleIdentities", DCAP_JSON_EACH, 1),
        DCAP_JSON_REQUIRED(struct text, w, "tcbLevels", DCAP_JSON_EACH, 0)};
    static const struct dcap_json_shape shape = {members, 11, more};
    struct text t = {.w = w, .levels = {.w = w}};
    dcap_put(w, &t, PUT_FIRST);
    if (!dcap_json_document(&t, text, &shape, DCAP_PART_TCB_INFO, f) || !check(&t, f))
        return false;
    if (w->failed)
        return dcap_fail(f, DCAP_NO_MEMORY, DCAP_PART_TCB_INFO);
    memcpy(w->start, &t, PUT_FIRST);
    return true;
}

// --- matching with the part

// The description behind the head; its ranges are within the part, or empty.
static struct tcb_part open(struct bytes *modules, struct bytes *levels, struct bytes part) {
    struct tcb_part p = {.modules = 0};
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
    struct module_part m = {.version = 0};
    struct tcb_part p = open(&modules, &levels, part);
    *out = (struct dcap_module){.known = p.has_module};
    if (version)
        out->known = find_module(&m, &out->levels, modules, version);
    memcpy(out->mrsigner, version ? m.mrsigner : p.mrsigner, 48);
    memcpy(out->attributes, version ? m.attributes : p.attributes, 8);
}

struct bytes dcap_tcb_info_levels(struct bytes part) {
    struct bytes modules, levels;
    open(&modules, &levels, part);
    return levels;
}
