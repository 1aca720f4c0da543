// SPDX-License-Identifier: Apache-2.0
#include "tee/event_log.h"

#include "codec/hex.h"
#include "codec/json.h"
#include "dcap/replay.h"
#include "protocol/register.h"
#include "tee/dstack_answer.h"

#define RTMR3 3

static bool add(struct event_log *out, struct arena *a, const json_t *one, struct err *e) {
    const char *name, *payload;
    uint64_t register_number, version = 1;
    if (!json_get_u64(one, "imr", &register_number, e) || !json_opt_u64(one, "version", &version, e))
        return false;
    if (register_number != RTMR3)
        return true;
    if (out->count == EVENT_LOG_EVENTS_MAX)
        return err_set(e, ERR_LIMIT, "it has more than %d events of RTMR3", EVENT_LOG_EVENTS_MAX);
    struct boot_event *to = &out->events[out->count];
    if (!json_get_text(one, "event", &name, e) || !json_get_text(one, "event_payload", &payload, e) ||
        !hex_decode(&to->payload, a, slice_str(payload), e))
        return false;
    if (version != 1 && version != 2)
        return err_set(e, ERR_INVALID, "its version is neither 1 nor 2");
    if (out->count && out->version != version)
        return err_set(e, ERR_INVALID, "it has events of two versions");
    out->version = (unsigned)version;
    to->name = arena_strdup(a, name);
    out->count++;
    return true;
}

bool event_log_parse(struct event_log *out, struct arena *a, const char *text, struct err *e) {
    size_t i;
    json_t *one;
    *out = (struct event_log){.version = 1};
    if (!text[0])
        return true;
    SCOPED_JSON(list) = json_parse_big(slice_str(text), DSTACK_ANSWER_MAX, e);
    if (!list)
        return err_wrap(e, "the event log");
    if (!json_is_array(list))
        return err_set(e, ERR_INVALID, "the event log is no list");
    json_array_foreach(list, i, one)
        if (!add(out, a, one, e))
            return err_wrap(e, "the event log");
    return true;
}

json_t *event_log_json(const struct event_log *log, struct arena *a) {
    json_t *j = json_object(), *events = json_array();
    for (size_t i = 0; i < log->count; i++) {
        json_t *one = json_object();
        json_set_text(one, "event", log->events[i].name);
        json_set_text(one, "payload", hex_text(a, log->events[i].payload));
        json_array_append_new(events, one);
    }
    json_set_u64(j, "version", log->version);
    json_object_set_new(j, "events", events);
    return j;
}

// Where the machine's own events end; 0: the log does not say, so none of them is told from what an application added.
static size_t ready_at(const struct event_log *log) {
    for (size_t i = 0; i < log->count; i++)
        if (strcmp(log->events[i].name, "system-ready") == 0)
            return i;
    return 0;
}

struct slice event_log_payload(const struct event_log *log, const char *name) {
    for (size_t i = 0, end = ready_at(log); i < end; i++)
        if (strcmp(log->events[i].name, name) == 0)
            return log->events[i].payload;
    return (struct slice){NULL, 0};
}

bool event_log_holds(const struct event_log *log, const struct td_view *td, struct arena *a, struct err *e) {
    SCOPED_JSON(j) = event_log_json(log, a);
    struct slice text = slice_str(json_text(a, j));
    struct dcap_arena lent = {arena_alloc(a, VERIFIER_BYTES), VERIFIER_BYTES, 0};
    struct dcap_event_log replayed;
    struct dcap_fault f;
    return dcap_replay(&replayed, (struct bytes){text.ptr, text.len}, td->rtmr[0], &lent, &f) ||
           err_set(e, ERR_FORBIDDEN, "%s %s", dcap_part_words(f.part), dcap_code_sentence(f.code));
}
