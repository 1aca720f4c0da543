// SPDX-License-Identifier: Apache-2.0
#include "tee/dstack_answer.h"

#include "codec/hex.h"
#include "codec/json.h"
#include "dcap/quote.h"

#define VERSION_MAX 64

// An agent may answer 200 with an error in it.
static json_t *answer_of(struct arena *a, struct slice body, struct err *e) {
    struct err bad;
    json_t *j = json_parse_big(body, DSTACK_ANSWER_MAX, &bad);
    if (!j || !json_is_object(j)) {
        json_decref(j);
        err_set(e, ERR_CORRUPT, "the guest agent answered no JSON object: %s", j ? "it is another value" : bad.msg);
        return NULL;
    }
    const char *error = json_string_value(json_object_get(j, "error"));
    if (error) {
        err_set(e, ERR_UNAVAILABLE, "the guest agent says: %s", arena_strdup(a, error));
        json_decref(j);
        return NULL;
    }
    return j;
}

static bool wrong(struct err *e) {
    e->code = ERR_CORRUPT;
    return err_wrap(e, "the guest agent's answer");
}

static bool text_of(const json_t *j, const char *key, struct arena *a, const char **out, struct err *e) {
    const char *text = "";
    if (!json_opt_text(j, key, &text, e))
        return wrong(e);
    *out = arena_strdup(a, text);
    return true;
}

static bool no_quote(struct err *e) {
    err_set(e, ERR_UNAVAILABLE, "the guest agent gives no TDX quote: its machine is of another kind");
    return err_hint(e, "this version attests with Intel TDX only: start the guest on a TDX machine");
}

bool dstack_quote_parse(struct dstack_quote *out, struct arena *a, struct slice body, struct err *e) {
    SCOPED_JSON(j) = answer_of(a, body, e);
    struct err bad;
    const char *hex = "";
    *out = (struct dstack_quote){0};
    if (!j)
        return false;
    if (!json_opt_text(j, "quote", &hex, e))
        return wrong(e);
    if (!hex[0])
        return no_quote(e);
    if (strlen(hex) > 2 * DCAP_QUOTE_MAX)
        return err_set(e, ERR_CORRUPT, "the guest agent's quote is longer than %u bytes", DCAP_QUOTE_MAX);
    if (!hex_decode(&out->quote, a, slice_str(hex), &bad))
        return err_set(e, ERR_CORRUPT, "the guest agent's quote: %s", bad.msg);
    return text_of(j, "event_log", a, &out->event_log, e);
}

bool dstack_info_parse(struct dstack_info *out, struct arena *a, struct slice body, struct err *e) {
    SCOPED_JSON(j) = answer_of(a, body, e);
    *out = (struct dstack_info){"", "", ""};
    return j && text_of(j, "app_name", a, &out->app_name, e) && text_of(j, "app_id", a, &out->app_id, e) &&
           text_of(j, "instance_id", a, &out->instance_id, e);
}

bool dstack_version_parse(const char **out, struct arena *a, struct slice body, struct err *e) {
    SCOPED_JSON(j) = answer_of(a, body, e);
    const char *text;
    if (!j)
        return false;
    if (!json_get_text(j, "version", &text, e))
        return wrong(e);
    if (!text[0] || strlen(text) > VERSION_MAX)
        return err_set(e, ERR_CORRUPT, "the guest agent's answer: its version has %zu letters", strlen(text));
    *out = arena_strdup(a, text);
    return true;
}

const char *dstack_error_text(struct arena *a, struct slice body) {
    SCOPED_JSON(j) = json_parse_big(body, DSTACK_ANSWER_MAX, NULL);
    const char *text = json_string_value(json_object_get(j, "error"));
    return text ? arena_strdup(a, text) : "";
}
