// SPDX-License-Identifier: Apache-2.0
#include "dcap/level.h"

// What a level is in a part, followed by its advisories.
struct svn_level {
    uint64_t date;
    uint16_t svn, advisories; // advisories: how many bytes
    uint8_t status, unused[3];
};
_Static_assert(sizeof(struct svn_level) == 16, "a part looks the same on each machine");

const char *dcap_status_name(enum dcap_status s) {
    static const char *const names[] = {
#define X(name, text) text,
        DCAP_STATUSES(X)
#undef X
    };
    return names[s];
}

enum dcap_status dcap_status_of(struct bytes text) {
    for (unsigned s = DCAP_UP_TO_DATE; s < DCAP_STATUS_COUNT; s++) {
        const char *name = dcap_status_name((enum dcap_status)s);
        size_t n = 0;
        while (n < text.len && name[n] && (uint8_t)name[n] == text.ptr[n])
            n++;
        if (n == text.len && !name[n])
            return (enum dcap_status)s;
    }
    return DCAP_NONE;
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

struct advisories {
    struct dcap_writer *w;
    struct bytes raw;
};

static bool take_advisory(struct dcap_json *j, void *out) {
    struct advisories *a = out;
    struct bytes id;
    if (!dcap_json_text(&id, j))
        return false;
    if (!id.len || id.len > 64)
        return dcap_json_fail(j, DCAP_JSON_VALUE, 0);
    dcap_put_le(a->w, id.len, 1);
    dcap_put(a->w, id.ptr, id.len);
    return true;
}

bool dcap_advisories_put(struct dcap_writer *w, uint16_t *len, struct dcap_json *j, struct bytes raw) {
    static const struct dcap_json_each each = {take_advisory};
    struct advisories a = {w, raw};
    struct dcap_json inner = {raw.ptr, raw.len ? raw.ptr + raw.len : raw.ptr, j->fault, j->part};
    const uint8_t *from = w->at;
    *len = 0;
    if (!raw.len)
        return true;
    if (!dcap_json_array(&a, &inner, &each))
        return false;
    if ((size_t)(w->at - from) > UINT16_MAX)
        return dcap_json_fail(j, DCAP_TOO_MANY, 0);
    *len = (uint16_t)(w->at - from);
    return true;
}

bool dcap_status_read(uint8_t *out, struct dcap_json *j, struct bytes text) {
    enum dcap_status s = dcap_status_of(text);
    if (s == DCAP_NONE || s == DCAP_RELAUNCH || s == DCAP_RELAUNCH_AND_CONFIGURATION)
        return dcap_json_fail(j, DCAP_TCB_STATUS, 0);
    *out = (uint8_t)s;
    return true;
}

// Takes the next level off; false at the end.
static bool next(struct svn_level *level, struct bytes *advisories, struct dcap_cursor *c) {
    const uint8_t *at = dcap_take(c, sizeof *level);
    if (!at)
        return false;
    memcpy(level, at, sizeof *level);
    *advisories = dcap_take_bytes(c, level->advisories);
    return !c->failed && level->status > DCAP_NONE && level->status < DCAP_STATUS_COUNT;
}

static struct bytes so_far(const struct dcap_svn_levels *levels) {
    const uint8_t *start = levels->w->start + levels->at;
    return (struct bytes){start, (size_t)(levels->w->at - start)};
}

bool dcap_svn_level_take(struct dcap_json *j, struct dcap_svn_levels *levels) {
    struct text {
        uint16_t svn;
        uint64_t date;
        struct bytes status, advisories;
    } t = {.svn = 0};
    static const struct dcap_json_member tcb[] = {
        DCAP_JSON_REQUIRED(struct text, svn, "isvsvn", DCAP_JSON_NUMBER, NULL)};
    static const struct dcap_json_shape tcb_shape = {tcb, 1};
    static const struct dcap_json_member members[] = {
        {"tcb", 3, DCAP_JSON_OBJECT, 0, true, 0, &tcb_shape},
        DCAP_JSON_REQUIRED(struct text, date, "tcbDate", DCAP_JSON_DATE, NULL),
        DCAP_JSON_REQUIRED(struct text, status, "tcbStatus", DCAP_JSON_TEXT, NULL),
        DCAP_JSON_OPTIONAL(struct text, advisories, "advisoryIDs", DCAP_JSON_RAW, NULL)};
    static const struct dcap_json_shape shape = {members, 4};
    if (levels->w->failed)
        return dcap_json_fail(j, DCAP_NO_MEMORY, 0);
    if (!dcap_json_object(&t, j, &shape))
        return false;
    struct svn_level level = {.date = t.date, .svn = t.svn}, other;
    // A quoting enclave and a module are up to date, out of date or revoked: Intel's merge knows no other.
    if (!dcap_status_read(&level.status, j, t.status))
        return false;
    if (level.status != DCAP_UP_TO_DATE && level.status < DCAP_OUT_OF_DATE)
        return dcap_json_fail(j, DCAP_TCB_STATUS, 0);
    if (level.status == DCAP_OUT_OF_DATE_CONFIGURATION)
        return dcap_json_fail(j, DCAP_TCB_STATUS, 0);
    struct dcap_cursor c = dcap_cursor_over(so_far(levels));
    for (struct bytes a; next(&other, &a, &c);) {
        if (other.svn == level.svn)
            return dcap_json_fail(j, DCAP_TCB_LEVELS, level.svn);
    }
    size_t at = (size_t)(levels->w->at - levels->w->start);
    dcap_put(levels->w, &level, sizeof level);
    if (!dcap_advisories_put(levels->w, &level.advisories, j, t.advisories))
        return false;
    if (!levels->w->failed)
        memcpy(levels->w->start + at, &level, sizeof level);
    levels->count++;
    return true;
}

bool dcap_svn_match(struct dcap_level *out, uint16_t *best, struct bytes levels, uint16_t svn) {
    struct dcap_cursor c = dcap_cursor_over(levels);
    struct svn_level level;
    int highest = -1;
    unsigned best_status = DCAP_STATUS_COUNT;
    for (struct bytes advisories; next(&level, &advisories, &c);) {
        // What the best level asks for; of several that are as good the one that asks for least.
        if (level.status < best_status || (level.status == best_status && level.svn < *best)) {
            best_status = level.status;
            *best = level.svn;
        }
        if (svn < level.svn || level.svn <= highest)
            continue;
        highest = level.svn;
        *out = (struct dcap_level){(enum dcap_status)level.status, level.date, advisories};
    }
    return highest >= 0;
}
