// SPDX-License-Identifier: Apache-2.0
#include "cli/answer.h"

#include "near/rpc.h"
#include "protocol/events.h"

// What was asked: id and payment stand in the request_data text of the first event.
static bool read_requested(struct chain_answer *w, const json_t *outcome, const char *contract, struct err *e) {
    SCOPED_JSON(data) = event_find_named(outcome, contract, "execution_requested", NULL);
    if (!data)
        return true;
    const char *text;
    if (!json_get_text(data, "request_data", &text, e))
        return false;
    SCOPED_JSON(request) = json_parse_big(slice_str(text), EVENT_LOG_MAX, e);
    if (!request || !json_get_u64(request, "request_id", &w->request_id, e) ||
        !json_get_u128(request, "payment", &w->payment.v, e))
        return false;
    w->known = true;
    return true;
}

// For people to read: what a text has behind a U+0000 is not shown.
static bool copy_text(struct arena *a, const json_t *data, const char *key, const char **out, struct err *e) {
    const json_t *text = json_object_get(data, key);
    *out = json_is_string(text) ? arena_strdup(a, json_string_value(text)) : NULL;
    return *out || !text || json_is_null(text) || err_set(e, ERR_INVALID, "field '%s' must be a text", key);
}

static bool read_completed(struct chain_answer *w, struct arena *a, const json_t *data, struct err *e) {
    json_t *used;
    w->settled = true;
    return json_get_bool(data, "success", &w->success, e) && copy_text(a, data, "error_message", &w->error, e) &&
           copy_text(a, data, "failure", &w->failure, e) && copy_text(a, data, "wasm_hash", &w->wasm_hash, e) &&
           copy_text(a, data, "compilation_note", &w->note, e) &&
           json_get_u128(data, "payment_charged", &w->charged.v, e) &&
           json_get_u128(data, "payment_refunded", &w->refunded.v, e) &&
           json_get_object(data, "resources_used", &used, e) &&
           json_get_u64(used, "instructions", &w->instructions, e) && json_get_u64(used, "time_ms", &w->time_ms, e) &&
           json_opt_u64(used, "compile_time_ms", &w->compile_time_ms, e);
}

// Ended without an answer: nothing is charged.
static void read_unanswered(struct chain_answer *w, const json_t *outcome, const char *contract) {
    static const struct {
        const char *event, *words;
    } ends[] = {{"execution_timed_out", "no worker answered in time; everything was refunded"},
                {"execution_cancelled", "the request was cancelled; everything was refunded"}};
    for (size_t i = 0; i < ARRAY_LEN(ends) && !w->settled; i++) {
        SCOPED_JSON(data) = event_find_named(outcome, contract, ends[i].event, &w->request_id);
        if (!data)
            continue;
        w->settled = true;
        w->error = ends[i].words;
        w->failure = "platform";
        w->refunded = w->payment;
    }
}

bool answer_read(struct chain_answer *out, struct arena *a, const json_t *outcome, const char *contract,
                 struct err *e) {
    *out = (struct chain_answer){0};
    if (!read_requested(out, outcome, contract, e))
        return err_wrap(e, "the request's event");
    if (!out->known)
        return true;
    SCOPED_JSON(data) = event_find_named(outcome, contract, "execution_completed", &out->request_id);
    if (data && !read_completed(out, a, data, e))
        return err_wrap(e, "the completion's event");
    if (!data)
        read_unanswered(out, outcome, contract);
    struct slice value = {NULL, 0};
    if (rpc_success_value(a, outcome, &value) && value.len)
        out->output = json_parse(value, JSON_MAX_BYTES, NULL);
    if (value.len && !out->output)
        out->output = json_parse_big(value, JSON_MAX_BYTES, NULL); // with U+0000 in a text, or a number like 1e400
    return true;
}

void answer_release(struct chain_answer *w) {
    json_decref(w->output);
    w->output = NULL;
}
