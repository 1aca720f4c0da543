// SPDX-License-Identifier: Apache-2.0
#include "near/events.h"

#include "base/text.h"

#define PREFIX "EVENT_JSON:"

// Bytes of the yield's handle: an array of 32 numbers.
static bool read_data_id(const json_t *data, struct hash *out, struct err *e) {
    json_t *list;
    if (!json_get_array(data, "data_id", &list, e))
        return false;
    if (json_array_size(list) != sizeof out->b)
        return err_set(e, ERR_INVALID, "field 'data_id' has %zu numbers, not 32", json_array_size(list));
    for (size_t i = 0; i < sizeof out->b; i++) {
        const json_t *n = json_array_get(list, i);
        json_int_t v = json_is_integer(n) ? json_integer_value(n) : -1;
        if (v < 0 || v > 255)
            return err_set(e, ERR_INVALID, "field 'data_id' holds something that is no byte");
        out->b[i] = (uint8_t)v;
    }
    return true;
}

static bool copy(struct arena *a, const json_t *o, const char *key, const char **out, struct err *e) {
    const char *text;
    if (!json_get_text(o, key, &text, e))
        return false;
    *out = arena_strdup(a, text);
    return true;
}

static bool read_source(struct arena *a, const json_t *o, struct event_request *r, struct err *e) {
    json_t *source;
    return json_get_object(o, "code_source", &source, e) && copy(a, source, "repo", &r->repo, e) &&
           copy(a, source, "commit", &r->commit, e) && copy(a, source, "build_target", &r->build_target, e);
}

static bool read_limits(const json_t *o, struct event_request *r, struct err *e) {
    json_t *limits;
    return json_get_object(o, "resource_limits", &limits, e) &&
           json_get_u64(limits, "max_instructions", &r->max_instructions, e) &&
           json_get_u64(limits, "max_memory_mb", &r->max_memory_mb, e) &&
           json_get_u64(limits, "max_execution_seconds", &r->max_execution_seconds, e);
}

static bool read_rest(struct arena *a, const json_t *o, struct event_request *r, struct err *e) {
    const json_t *secrets = json_object_get(o, "secrets_ref");
    r->response_format = "Text";
    if (!copy(a, o, "sender_id", &r->sender_id, e) || !copy(a, o, "input_data", &r->input_data, e) ||
        !json_opt_text(o, "response_format", &r->response_format, e) || !json_get_u128(o, "payment", &r->payment, e) ||
        !json_get_u64(o, "timestamp", &r->timestamp, e))
        return false;
    r->response_format = arena_strdup(a, r->response_format);
    if (secrets && !json_is_null(secrets))
        r->secrets_ref = json_text(a, secrets);
    return account_id_valid(slice_str(r->sender_id)) ||
           err_set(e, ERR_INVALID, "field 'sender_id' is not an account: '%.80s'", r->sender_id);
}

static bool read_requested(struct arena *a, const json_t *data, struct event *out, struct err *e) {
    const char *text;
    if (!json_get_text(data, "request_data", &text, e))
        return false;
    SCOPED_JSON(o) = json_parse_big(slice_str(text), EVENT_LOG_MAX, e);
    if (!o || !json_get_u64(o, "request_id", &out->request_id, e))
        return err_wrap(e, "request_data");
    out->has_request_id = true;
    if (!read_source(a, o, &out->request, e) || !read_limits(o, &out->request, e) || !read_rest(a, o, &out->request, e))
        return err_wrap(e, "request_data");
    return read_data_id(data, &out->request.data_id, e);
}

static bool read_completed(const json_t *data, struct event *out, struct err *e) {
    if (!json_get_u64(data, "request_id", &out->request_id, e))
        return false;
    out->has_request_id = true;
    return true;
}

// The event's first data element, or NULL when it is not one of ours.
static const json_t *ours(const json_t *j, const char **name) {
    const char *standard = json_string_value(json_object_get(j, "standard"));
    const char *version = json_string_value(json_object_get(j, "version"));
    *name = json_string_value(json_object_get(j, "event"));
    if (!standard || !version || !*name || strcmp(standard, "near-outlayer") != 0 || strncmp(version, "1.", 2) != 0)
        return NULL;
    return json_array_get(json_object_get(j, "data"), 0);
}

bool event_parse(struct arena *a, struct slice log, struct event *out, struct err *e) {
    const char *name;
    *out = (struct event){.kind = EVENT_OTHER};
    if (!slice_starts(log, SLICE_LIT(PREFIX)))
        return true;
    SCOPED_JSON(j) = json_parse_big(slice_skip(log, sizeof PREFIX - 1), EVENT_LOG_MAX, NULL);
    const json_t *data = ours(j, &name);
    if (!data)
        return true; // another contract's words, or of another kind
    if (strcmp(name, "execution_requested") == 0) {
        out->kind = EVENT_REQUESTED;
        return read_requested(a, data, out, e);
    }
    if (strcmp(name, "execution_completed") == 0) {
        out->kind = EVENT_COMPLETED;
        out->text = json_text(a, j);
        return read_completed(data, out, e);
    }
    return true;
}

void event_request_put(json_t *o, const struct event_request *r) {
    json_t *limits = json_object();
    json_set_u64(limits, "max_instructions", r->max_instructions);
    json_set_u64(limits, "max_memory_mb", r->max_memory_mb);
    json_set_u64(limits, "max_execution_seconds", r->max_execution_seconds);
    json_set_text(o, "sender_id", r->sender_id);
    json_object_set_new(
        o, "code_source",
        json_pack("{s:s, s:s, s:s}", "repo", r->repo, "commit", r->commit, "build_target", r->build_target));
    json_object_set_new(o, "resource_limits", limits);
    json_set_text(o, "input_data", r->input_data);
    json_object_set_new(o, "secrets_ref",
                        r->secrets_ref ? json_loads(r->secrets_ref, JSON_DECODE_ANY, NULL) : json_null());
    json_set_text(o, "response_format", r->response_format);
    json_set_u128(o, "payment", r->payment);
    json_set_u64(o, "timestamp", r->timestamp);
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
    json_set_u64(data, "timestamp", r->timestamp);
    SCOPED_JSON(event) = json_pack("{s:s, s:s, s:s, s:[o]}", "standard", "near-outlayer", "version", "1.0.0", "event",
                                   "execution_requested", "data", data);
    return arena_printf(a, PREFIX "%s", json_text(a, event));
}
