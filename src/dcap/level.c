// SPDX-License-Identifier: Apache-2.0
#include "dcap/level.h"

// What a level is in a part, followed by its advisories. The numbers are big endian, so that bytes compare as Intel
// orders levels.
struct record {
    uint8_t sgx[16], pce[2], tdx[16], isv[2];
    uint8_t status, unused;
    uint16_t advisories; // how many bytes
    uint64_t date;
};
enum { KEY = 36, MAX_LEVELS = 256 };
_Static_assert(sizeof(struct record) == 48, "a part looks the same on each machine");

static const char status_names[] =
#define X(name, text) text "\0"
    DCAP_STATUSES(X)
#undef X
    ;
const char *dcap_status_name(enum dcap_status s) { return dcap_nth(status_names, s); }

enum dcap_status dcap_status_of(struct bytes text) {
    unsigned s = dcap_index_of(text, status_names, DCAP_STATUS_COUNT);
    return s < DCAP_STATUS_COUNT ? (enum dcap_status)s : DCAP_NONE;
}

enum dcap_status dcap_status_merge(enum dcap_status platform, enum dcap_status component) {
    if (platform == DCAP_REVOKED || component == DCAP_REVOKED)
        return DCAP_REVOKED;
    if (component != DCAP_OUT_OF_DATE)
        return platform;
    if (platform == DCAP_UP_TO_DATE || platform == DCAP_SW_HARDENING)
        return DCAP_OUT_OF_DATE;
    if (platform == DCAP_CONFIGURATION || platform == DCAP_CONFIGURATION_AND_SW_HARDENING)
        return DCAP_OUT_OF_DATE_CONFIGURATION;
    return platform;
}

enum dcap_status dcap_status_relaunch(enum dcap_status launch, enum dcap_status current) {
    if (launch != DCAP_OUT_OF_DATE && launch != DCAP_OUT_OF_DATE_CONFIGURATION)
        return launch;
    if (current < DCAP_UP_TO_DATE || current > DCAP_CONFIGURATION_AND_SW_HARDENING)
        return launch;
    bool configuration = launch == DCAP_OUT_OF_DATE_CONFIGURATION || current >= DCAP_CONFIGURATION;
    return configuration ? DCAP_RELAUNCH_AND_CONFIGURATION : DCAP_RELAUNCH;
}

bool dcap_advisory_next(struct bytes *id, struct bytes *list) {
    if (!list->len || list->ptr[0] >= list->len)
        return false;
    size_t n = list->ptr[0];
    *id = (struct bytes){list->ptr + 1, n};
    *list = (struct bytes){list->ptr + 1 + n, list->len - 1 - n};
    return true;
}

static bool take_advisory(struct dcap_json *j, void *out) {
    struct dcap_writer *w = out;
    struct bytes id;
    if (!dcap_json_text(&id, j))
        return false;
    if (!id.len || id.len > 64)
        return dcap_json_fail(j, DCAP_JSON_VALUE, 0);
    dcap_put_le(w, id.len, 1);
    dcap_put(w, id.ptr, id.len);
    return true;
}

// The JSON array of ids (or nothing) as a list for dcap_advisory_next.
static bool put_advisories(struct dcap_writer *w, uint16_t *len, struct dcap_json *j, struct bytes raw) {
    static const struct dcap_json_each each = {take_advisory};
    struct dcap_json inner = *j;
    const uint8_t *from = w->at;
    inner.at = raw.ptr;
    inner.end = raw.ptr + raw.len;
    if (!dcap_json_array(w, &inner, &each))
        return false;
    *len = (uint16_t)(w->at - from);
    return *len == w->at - from || dcap_json_fail(j, DCAP_TOO_MANY, 0);
}

// --- reading

struct tcb_text {
    uint8_t sgx[16], tdx[16];
    uint16_t pce, isv;
    uint8_t sgx_count, tdx_count;
};
struct text {
    bool isv;
    struct tcb_text tcb;
    uint64_t date;
    struct bytes status, advisories;
};

static bool take_component(uint8_t svn[16], uint8_t *count, struct dcap_json *j) {
    struct component {
        uint8_t svn;
    } c;
    static const struct dcap_json_member members[] = {
        DCAP_JSON_REQUIRED(struct component, svn, "svn", DCAP_JSON_NUMBER, 0)};
    static const struct dcap_json_shape shape = {members, 1, NULL};
    if (*count == 16)
        return dcap_json_fail(j, DCAP_TCB_COMPONENTS, 0);
    if (!dcap_json_object(&c, j, &shape))
        return false;
    svn[(*count)++] = c.svn;
    return true;
}
static bool take_sgx(struct dcap_json *j, void *out) {
    struct tcb_text *t = out;
    return take_component(t->sgx, &t->sgx_count, j);
}
static bool take_tdx(struct dcap_json *j, void *out) {
    struct tcb_text *t = out;
    return take_component(t->tdx, &t->tdx_count, j);
}
static bool take_tcb(struct dcap_json *j, void *out) {
    static const struct dcap_json_each sgx = {take_sgx}, tdx = {take_tdx};
    static const void *const more[] = {&sgx, &tdx};
    static const struct dcap_json_member members[] = {
        DCAP_JSON_REQUIRED(struct tcb_text, sgx, "sgxtcbcomponents", DCAP_JSON_EACH, 0),
        DCAP_JSON_REQUIRED(struct tcb_text, pce, "pcesvn", DCAP_JSON_NUMBER, 0),
        DCAP_JSON_OPTIONAL(struct tcb_text, tdx, "tdxtcbcomponents", DCAP_JSON_EACH, 1),
        DCAP_JSON_REQUIRED(struct tcb_text, isv, "isvsvn", DCAP_JSON_NUMBER, 0)};
    static const struct dcap_json_shape platform = {members, 3, more}, isv = {members + 3, 1, NULL};
    struct text *t = out;
    return dcap_json_object(&t->tcb, j, t->isv ? &isv : &platform);
}

// A quoting enclave and a module are up to date, out of date or revoked: Intel's merge knows no other.
static bool status_allowed(enum dcap_status s, bool isv) {
    uint32_t both = 1u << DCAP_UP_TO_DATE | 1u << DCAP_OUT_OF_DATE | 1u << DCAP_REVOKED;
    uint32_t platform = 1u << DCAP_SW_HARDENING | 1u << DCAP_CONFIGURATION | 1u << DCAP_CONFIGURATION_AND_SW_HARDENING |
                        1u << DCAP_OUT_OF_DATE_CONFIGURATION;
    return (isv ? both : both | platform) >> s & 1;
}

// Takes the next level off; false at the end.
static bool next(struct record *level, struct bytes *advisories, struct dcap_cursor *c) {
    const uint8_t *at = dcap_take(c, sizeof *level);
    if (!at)
        return false;
    memcpy(level, at, sizeof *level);
    *advisories = dcap_take_bytes(c, level->advisories);
    return !c->failed && level->status > DCAP_NONE && level->status < DCAP_STATUS_COUNT;
}

static bool put_level(struct dcap_levels *levels, struct record *level, struct dcap_json *j, struct bytes advisories) {
    struct dcap_writer *w = levels->w;
    const uint8_t *start = w->start + levels->at;
    uint8_t *at = w->at;
    uint16_t behind;
    for (const uint8_t *other = start; other < at; other += sizeof *level + behind) {
        if (memcmp(other, level, KEY) == 0)
            return dcap_json_fail(j, DCAP_TCB_LEVELS, levels->count);
        memcpy(&behind, other + offsetof(struct record, advisories), sizeof behind);
    }
    dcap_put(w, level, sizeof *level);
    if (advisories.len && !put_advisories(w, &level->advisories, j, advisories))
        return false;
    if (!w->failed)
        memcpy(at, level, sizeof *level);
    return ++levels->count <= MAX_LEVELS || dcap_json_fail(j, DCAP_TOO_MANY, 0);
}

bool dcap_level_take(struct dcap_json *j, struct dcap_levels *levels) {
    static const struct dcap_json_each tcb = {take_tcb};
    static const void *const more[] = {&tcb};
    static const struct dcap_json_member members[] = {
        DCAP_JSON_REQUIRED(struct text, tcb, "tcb", DCAP_JSON_BY, 0),
        DCAP_JSON_REQUIRED(struct text, date, "tcbDate", DCAP_JSON_DATE, 0),
        DCAP_JSON_REQUIRED(struct text, status, "tcbStatus", DCAP_JSON_TEXT, 0),
        DCAP_JSON_OPTIONAL(struct text, advisories, "advisoryIDs", DCAP_JSON_RAW, 0)};
    static const struct dcap_json_shape shape = {members, 4, more};
    struct text t = {.isv = levels->isv};
    if (levels->w->failed)
        return dcap_json_fail(j, DCAP_NO_MEMORY, 0);
    if (!dcap_json_object(&t, j, &shape))
        return false;
    // Whether TDX components must be there is known when the TCB info's id has been read; here a list is whole or
    // missing.
    if (!t.isv && (t.tcb.sgx_count != 16 || t.tcb.tdx_count % 16))
        return dcap_json_fail(j, DCAP_TCB_COMPONENTS, levels->count);
    levels->with_tdx += t.tcb.tdx_count == 16;
    enum dcap_status s = dcap_status_of(t.status);
    if (!status_allowed(s, t.isv))
        return dcap_json_fail(j, DCAP_TCB_STATUS, 0);
    struct record level = {.pce = {(uint8_t)(t.tcb.pce >> 8), (uint8_t)t.tcb.pce},
                           .isv = {(uint8_t)(t.tcb.isv >> 8), (uint8_t)t.tcb.isv},
                           .status = (uint8_t)s,
                           .date = t.date};
    memcpy(level.sgx, t.tcb.sgx, 16);
    memcpy(level.tdx, t.tcb.tdx, 16);
    return put_level(levels, &level, j, t.advisories);
}

// --- matching

// Whether a number is enough; if it is not, it is added to the list.
static bool enough(struct dcap_shorts *to, unsigned of, unsigned index, uint16_t has, uint16_t needs) {
    if (to && has < needs && to->count < DCAP_SHORTS)
        to->s[to->count++] = (struct dcap_short){(uint8_t)of, (uint8_t)index, has, needs};
    return has >= needs;
}

static uint16_t number(const uint8_t b[2]) { return (uint16_t)(b[0] << 8 | b[1]); }

// What is lacking for the level; true when that is nothing.
static bool reaches(struct dcap_shorts *shorts, const struct record *l, const struct dcap_svns *s) {
    bool all = enough(shorts, DCAP_SHORT_PCE, 0, s->pce, number(l->pce));
    all &= enough(shorts, s->isv_of, s->isv_index, s->isv, number(l->isv));
    for (unsigned i = 0; i < 16; i++) {
        all &= enough(shorts, DCAP_SHORT_SGX, i, s->sgx[i], l->sgx[i]);
        if (i >= 2 || !s->tdx[1])
            all &= enough(shorts, DCAP_SHORT_TDX, i, s->tdx[i], l->tdx[i]);
    }
    return all;
}

bool dcap_levels_match(struct dcap_level *out, struct dcap_shorts *shorts, struct bytes levels,
                       const struct dcap_svns *has) {
    struct record l, found = {.status = DCAP_NONE}, best = {.status = DCAP_STATUS_COUNT};
    struct dcap_cursor c = dcap_cursor_over(levels);
    for (struct bytes advisories; next(&l, &advisories, &c);) {
        // The best status; of several levels with it the one that asks for least.
        if (l.status < best.status || (l.status == best.status && memcmp(&l, &best, KEY) < 0))
            best = l;
        // The levels' order is not relied on: of those that are reached the highest counts.
        if (!reaches(NULL, &l, has) || (found.status != DCAP_NONE && memcmp(&l, &found, KEY) < 0))
            continue;
        found = l;
        *out = (struct dcap_level){(enum dcap_status)l.status, l.date, advisories};
    }
    if (shorts && best.status != DCAP_STATUS_COUNT)
        (void)reaches(shorts, &best, has);
    return found.status != DCAP_NONE;
}
