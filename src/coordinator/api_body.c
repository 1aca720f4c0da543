// SPDX-License-Identifier: Apache-2.0
#include "coordinator/api.h"

#include "crypto/hash.h"
#include "near/types.h"
#include <inttypes.h>

static bool must_be(const struct api_field *f, const char *want, struct err *e) {
    return err_set(e, ERR_INVALID, "field '%s' must be %s", f->name, want);
}

// --- values --------------------------------------------------------------------------------------------------------

static bool check_text(const struct api_field *f, const json_t *v, struct err *e) {
    if (!json_is_string(v))
        return must_be(f, "a text", e);
    size_t n = json_string_length(v), max = f->max ? f->max : SIZE_MAX;
    if (!(f->flags & API_NUL) && strlen(json_string_value(v)) != n)
        return must_be(f, "a text without the character U+0000", e);
    if (n > max)
        return err_set(e, ERR_INVALID, "field '%s' is longer than %zu bytes", f->name, max);
    return n >= f->min || err_set(e, ERR_INVALID, "field '%s' has at least %" PRIu64 " bytes", f->name, f->min);
}

static bool check_number(const struct api_field *f, const json_t *o, struct err *e) {
    uint64_t n, max = f->max ? f->max : INT64_MAX;
    if (!json_get_u64(o, f->name, &n, e))
        return false;
    if (n > max)
        return err_set(e, ERR_INVALID, "field '%s' is too large: at most %" PRIu64, f->name, max);
    return n >= f->min || err_set(e, ERR_INVALID, "field '%s' is too small: at least %" PRIu64, f->name, f->min);
}

static bool check_known(const struct api_field *f, const json_t *v, struct err *e) {
    struct hash hash;
    if (!check_text(f, v, e))
        return false;
    const char *text = json_string_value(v);
    if (f->kind == API_HASH)
        return hash_from_hex(&hash, slice_str(text), NULL) ||
               err_set(e, ERR_INVALID, "field '%s' is not 64 hex digits", f->name);
    if (f->kind == API_ACCOUNT)
        return account_id_valid(slice_str(text)) ||
               err_set(e, ERR_INVALID, "field '%s' is not a NEAR account: '%.80s'", f->name, text);
    return api_is_word(f->words, text) ||
           err_set(e, ERR_INVALID, "field '%s' is one of %s, not '%.40s'", f->name, f->words, text);
}

static bool check_texts(const struct api_field *f, const json_t *v, struct err *e) {
    const json_t *one;
    size_t i;
    if (!json_is_array(v))
        return must_be(f, "a list of texts", e);
    json_array_foreach(v, i, one)
        if (!json_is_string(one) || strlen(json_string_value(one)) != json_string_length(one))
            return must_be(f, "a list of texts", e);
    return true;
}

static bool check_inner(const struct api_field *f, const json_t *v, struct err *e) {
    if (!json_is_object(v))
        return must_be(f, "an object", e);
    return !f->of || api_check_object(v, f->of, e) || err_wrap(e, "%s", f->name);
}

static bool check_list(const struct api_field *f, const json_t *v, struct err *e) {
    const json_t *one;
    size_t i;
    if (!json_is_array(v))
        return must_be(f, "a list", e);
    json_array_foreach(v, i, one) {
        if (!json_is_object(one))
            return must_be(f, "a list of objects", e);
        if (f->of && !api_check_object(one, f->of, e))
            return err_wrap(e, "%s[%zu]", f->name, i);
    }
    return true;
}

static bool check_member(const struct api_field *f, const json_t *o, const json_t *v, struct err *e) {
    uint64_t number;
    u128 amount;
    bool yes;
    switch (f->kind) {
    case API_TEXT: return check_text(f, v, e);
    case API_NUMBER: return check_number(f, o, e);
    case API_AMOUNT: return json_get_u128(o, f->name, &amount, e);
    case API_NANOS: return json_get_u64(o, f->name, &number, e);
    case API_HASH:
    case API_ACCOUNT:
    case API_WORD: return check_known(f, v, e);
    case API_BOOL: return json_get_bool(o, f->name, &yes, e);
    case API_TEXTS: return check_texts(f, v, e);
    case API_OBJECT: return check_inner(f, v, e);
    case API_LIST: return check_list(f, v, e);
    case API_ANY: return true;
    }
    return false;
}

// --- objects -------------------------------------------------------------------------------------------------------

static const struct api_field *field_of(const struct api_schema *s, const char *name) {
    for (size_t i = 0; i < s->count; i++)
        if (strcmp(s->fields[i].name, name) == 0)
            return &s->fields[i];
    return NULL;
}

static bool is_unknown(const struct api_schema *s, const char *name, struct err *e) {
    char names[sizeof e->hint - 16] = "";
    size_t n = 0;
    for (size_t i = 0; i < s->count && n < sizeof names; i++)
        n += (size_t)snprintf(names + n, sizeof names - n, "%s%s", n ? ", " : "", s->fields[i].name);
    return err_set(e, ERR_INVALID, "unknown field '%.64s'", name) || err_hint(e, "there are %s", names);
}

static bool is_plain(const json_t *v) {
    const json_t *one;
    size_t i;
    json_array_foreach(v, i, one)
        if (json_is_object(one) || json_is_array(one))
            return false;
    return !json_is_object(v);
}

static bool check_rest(const struct api_schema *s, const char *name, const json_t *v, struct err *e) {
    switch (s->rest) {
    case API_CLOSED: return is_unknown(s, name, e);
    case API_OPEN: return true;
    case API_PLAIN: return is_plain(v) || err_set(e, ERR_INVALID, "field '%.80s' is not a plain value", name);
    }
    return false;
}

static bool check_missing(const struct api_field *f, const json_t *o, struct err *e) {
    const json_t *v = json_object_get(o, f->name);
    if (!(f->flags & API_MUST) || (v && !json_is_null(v)))
        return true;
    return err_set(e, ERR_INVALID, "field '%s' is missing", f->name) || err_hint(e, "%s: %s", f->name, f->what);
}

bool api_check_object(const json_t *o, const struct api_schema *s, struct err *e) {
    const char *name;
    json_t *v;
    json_object_foreach((json_t *)(uintptr_t)o, name, v) {
        const struct api_field *f = field_of(s, name);
        if (f ? !json_is_null(v) && !check_member(f, o, v, e) : !check_rest(s, name, v, e))
            return false;
    }
    for (size_t i = 0; i < s->count; i++)
        if (!check_missing(&s->fields[i], o, e))
            return false;
    return true;
}

void api_settle_object(json_t *o, const struct api_schema *s) {
    for (size_t i = 0; i < s->count; i++) {
        const char *name = s->fields[i].name;
        const json_t *v = json_object_get(o, name);
        if (json_is_null(v))
            json_object_del(o, name);
        else if (v && s->fields[i].kind == API_NUMBER)
            json_set_u64(o, name, api_u64(o, name, 0));
    }
}

// A number of 19 digits or more is a text in the document, but none in a member that is to be a text. Of a body that is
// good otherwise: a member that takes a larger number takes the one that stands there instead.
static bool texts_are_texts(struct slice body, const struct api_schema *s, struct err *e) {
    if (!json_has_big(body))
        return true;
    SCOPED_JSON(j) = json_parse_capped(body, body.len, e);
    return j && api_check_object(j, s, e);
}

bool api_check_body(struct http_request *r, const struct api_about *about, struct err *e) {
    if (!about->body || about->passed_on)
        return true;
    json_t *j = json_parse_big(http_body(r), http_body(r).len, e);
    http_set_json(r, j);
    if (!j)
        return false;
    if (!json_is_object(j))
        return err_set(e, ERR_INVALID, "the body is not a JSON object");
    const struct api_schema *s = about->or_with && api_text(j, about->or_with) ? about->or_body : about->body;
    return api_check_object(j, s, e) && texts_are_texts(http_body(r), s, e);
}

const char *api_text(const json_t *o, const char *name) { return json_string_value(json_object_get(o, name)); }

uint64_t api_u64(const json_t *o, const char *name, uint64_t otherwise) {
    return json_opt_u64(o, name, &otherwise, NULL) ? otherwise : 0;
}
