// SPDX-License-Identifier: Apache-2.0
#include "protocol/events.h"

#include "base/text.h"

static bool read_requested(struct arena *a, const json_t *data, struct event *out, struct err *e) {
    const char *text;
    if (!json_get_text(data, "request_data", &text, e))
        return false;
    SCOPED_JSON(o) = json_parse_big(slice_str(text), EVENT_LOG_MAX, e);
    if (!o || !json_get_u64(o, "request_id", &out->request_id, e))
        return err_wrap(e, "request_data");
    out->has_request_id = true;
    if (!request_terms_read(&out->request.terms, a, o, e) || !request_input_read(&out->request.input, a, o, e))
        return err_wrap(e, "request_data");
    return request_data_id_read(&out->request.data_id, data, e);
}

static bool read_completed(const json_t *data, struct event *out, struct err *e) {
    out->has_request_id = json_object_get(data, "request_id");
    return json_opt_u64(data, "request_id", &out->request_id, e);
}

// The event's first data element, with *name; NULL with *name NULL: it is none of ours. false: it is ours, and of a
// kind that is not known here.
static bool ours(const json_t *j, const json_t **data, const char **name, struct err *e) {
    const char *standard = json_string_value(json_object_get(j, "standard"));
    const char *version = json_string_value(json_object_get(j, "version"));
    *name = NULL;
    *data = NULL;
    if (!standard || strcmp(standard, EVENT_STANDARD) != 0)
        return true;
    *name = json_string_value(json_object_get(j, "event"));
    *data = json_array_get(json_object_get(j, "data"), 0);
    if (!version || strncmp(version, "1.", 2) != 0)
        return err_set(e, ERR_INVALID, "an event of version '%.20s', and 1.x is known here", version ? version : "");
    return (*name && *data) || err_set(e, ERR_INVALID, "an event without a name or data");
}

bool event_parse(struct event *out, struct arena *a, struct slice log, struct err *e) {
    const char *name;
    const json_t *data;
    *out = (struct event){.kind = EVENT_OTHER};
    if (!slice_starts(log, SLICE_LIT(EVENT_PREFIX)))
        return true;
    SCOPED_JSON(j) = json_parse_big(slice_skip(log, sizeof EVENT_PREFIX - 1), EVENT_LOG_MAX, e);
    if (!j)
        return err_wrap(e, "an event");
    if (!ours(j, &data, &name, e))
        return false;
    if (!name)
        return true; // another standard's
    if (strcmp(name, EVENT_NAME_REQUESTED) == 0) {
        out->kind = EVENT_REQUESTED;
        return read_requested(a, data, out, e);
    }
    if (strcmp(name, EVENT_NAME_COMPLETED) == 0) {
        out->kind = EVENT_COMPLETED;
        out->text = json_text(a, j);
        return read_completed(data, out, e);
    }
    return true;
}

static bool has_happened(const json_t *outcome, const char *contract_id) {
    const char *executor = json_string_value(json_object_get(outcome, "executor_id"));
    return executor && strcmp(executor, contract_id) == 0 &&
           !json_object_get(json_object_get(outcome, "status"), "Failure");
}

bool event_find(const json_t *outcome, const char *contract_id, bool (*take)(void *ctx, const char *log), void *ctx) {
    size_t i, k;
    json_t *receipt, *log;
    json_array_foreach(json_object_get(outcome, "receipts_outcome"), i, receipt) {
        const json_t *o = json_object_get(receipt, "outcome");
        if (!has_happened(o, contract_id))
            continue;
        json_array_foreach(json_object_get(o, "logs"), k, log) {
            if (json_is_string(log) && take(ctx, json_string_value(log)))
                return true;
        }
    }
    return false;
}

struct named {
    const char *name;
    const uint64_t *request_id;
    json_t *data;
};

static bool take_named(void *ctx, const char *log) {
    struct named *n = ctx;
    const json_t *data;
    const char *name;
    uint64_t id;
    if (strncmp(log, EVENT_PREFIX, sizeof EVENT_PREFIX - 1) != 0)
        return false;
    SCOPED_JSON(j) = json_parse_big(slice_str(log + sizeof EVENT_PREFIX - 1), EVENT_LOG_MAX, NULL);
    if (!j || !ours(j, &data, &name, NULL) || !name || strcmp(name, n->name) != 0)
        return false;
    if (n->request_id && (!json_get_u64(data, "request_id", &id, NULL) || id != *n->request_id))
        return false;
    n->data = json_incref((json_t *)(uintptr_t)data);
    return true;
}

json_t *event_find_named(const json_t *outcome, const char *contract_id, const char *name, const uint64_t *request_id) {
    struct named n = {name, request_id, NULL};
    (void)event_find(outcome, contract_id, take_named, &n);
    return n.data;
}

void event_request_put(json_t *o, const struct event_request *r) {
    request_terms_put(o, &r->terms);
    json_object_set_new(o, "input_data", json_stringn((const char *)r->input.ptr, r->input.len));
}

const char *event_request_text(struct arena *a, uint64_t request_id, const struct event_request *r) {
    SCOPED_JSON(o) = json_object();
    json_set_u64(o, "request_id", request_id);
    event_request_put(o, r);
    json_t *id = json_array(), *data = json_object();
    for (size_t i = 0; i < sizeof r->data_id.b; i++)
        json_array_append_new(id, json_integer(r->data_id.b[i]));
    json_set_text(data, "request_data", json_text(a, o));
    json_object_set_new(data, "data_id", id);
    json_set_u64(data, "timestamp", r->terms.timestamp_ns);
    SCOPED_JSON(event) = json_pack("{s:s, s:s, s:s, s:[o]}", "standard", EVENT_STANDARD, "version", EVENT_VERSION,
                                   "event", EVENT_NAME_REQUESTED, "data", data);
    return arena_printf(a, EVENT_PREFIX "%s", json_text(a, event));
}
