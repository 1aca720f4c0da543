// SPDX-License-Identifier: Apache-2.0
#include "collateral/sets.h"

#include "codec/json.h"
#include "dcap/bytes.h"

#define TEXT_MAX (64u << 10)

static bool get_time(const json_t *o, const char *key, uint64_t *out, struct err *e) {
    const char *text;
    if (!json_get_text(o, key, &text, e))
        return false;
    return dcap_time_of_iso(out, (struct bytes){(const uint8_t *)text, strlen(text)}) ||
           err_set(e, ERR_INVALID, "field '%s' is no date", key);
}

// Twelve months later; a 29th of February becomes a 1st of March.
static uint64_t year_later(uint64_t t) {
    time_t s = (time_t)t;
    struct tm tm;
    gmtime_r(&s, &tm);
    tm.tm_year++;
    return (uint64_t)timegm(&tm);
}

static bool add_set(struct tcb_sets *out, const json_t *j, struct err *e) {
    struct tcb_set s;
    if (out->count == TCB_SETS_MAX)
        return err_set(e, ERR_LIMIT, "more than %d TCB sets", TCB_SETS_MAX);
    if (!json_get_u64(j, "tcbEvaluationDataNumber", &s.number, e) ||
        !get_time(j, "tcbRecoveryEventDate", &s.event, e) || !get_time(j, "tcbDate", &s.date, e))
        return false;
    size_t i = out->count++;
    for (; i > 0 && out->at[i - 1].number < s.number; i--)
        out->at[i] = out->at[i - 1];
    out->at[i] = s;
    return i == 0 || out->at[i - 1].number != s.number || err_set(e, ERR_INVALID, "a TCB set's number is there twice");
}

static bool read_list(struct tcb_sets *out, const json_t *j, bool tdx, struct err *e) {
    const char *id;
    uint64_t version;
    json_t *list, *one;
    size_t i;
    if (!json_get_text(j, "id", &id, e) || !json_get_u64(j, "version", &version, e) ||
        !get_time(j, "issueDate", &out->issued, e) || !get_time(j, "nextUpdate", &out->next_update, e) ||
        !json_get_array(j, "tcbEvalNumbers", &list, e))
        return false;
    if (strcmp(id, tdx ? "TDX" : "SGX") != 0 || version != 1)
        return err_set(e, ERR_INVALID, "it is of another kind (id '%.16s')", id);
    json_array_foreach(list, i, one)
        if (!add_set(out, one, e))
            return false;
    return out->count || err_set(e, ERR_INVALID, "it lists no set");
}

bool tcb_sets_read(struct tcb_sets *out, struct slice text, bool tdx, struct err *e) {
    *out = (struct tcb_sets){0};
    SCOPED_JSON(j) = json_parse(text, TEXT_MAX, e);
    return (j && read_list(out, j, tdx, e)) || err_wrap(e, "the list of TCB sets");
}

const struct tcb_set *tcb_sets_standard(const struct tcb_sets *s, uint64_t now) {
    for (size_t i = 0; i < s->count; i++)
        if (year_later(s->at[i].event) <= now)
            return &s->at[i];
    return NULL;
}

const struct tcb_set *tcb_sets_early(const struct tcb_sets *s) { return s->count ? &s->at[0] : NULL; }

uint64_t tcb_sets_standard_until(const struct tcb_sets *s, uint64_t number) {
    uint64_t until = 0;
    for (size_t i = 0; i < s->count && s->at[i].number > number; i++)
        until = year_later(s->at[i].event);
    return until;
}
