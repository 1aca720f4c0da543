// SPDX-License-Identifier: Apache-2.0
#include "coordinator/examples.h"

#include "base/buf.h"
#include "base/file.h"
#include "base/text.h"
#include "codec/json.h"
#include "near/types.h"

enum kind {
    KIND_SLUG,
    KIND_TEXT,
    KIND_INPUT,
    KIND_JSON,
    KIND_FORMAT,
    KIND_ACCOUNT,
    KIND_AMOUNT,
    KIND_NUMBER,
    KIND_OBJECT
};
struct member {
    const char *name;
    enum kind kind;
    bool must;
    const struct member *of; // of a KIND_OBJECT
};

static const struct member secrets[] = {
    {"profile", KIND_TEXT, true, NULL}, {"account_id", KIND_ACCOUNT, true, NULL}, {0}};
static const struct member limits[] = {{"max_instructions", KIND_NUMBER, true, NULL},
                                       {"max_memory_mb", KIND_NUMBER, true, NULL},
                                       {"max_execution_seconds", KIND_NUMBER, true, NULL},
                                       {0}};
static const struct member request[] = {{"repo", KIND_TEXT, true, NULL},
                                        {"commit", KIND_TEXT, true, NULL},
                                        {"build_target", KIND_TEXT, true, NULL},
                                        {"input", KIND_INPUT, true, NULL},
                                        {"response_format", KIND_FORMAT, true, NULL},
                                        {"secrets_ref", KIND_OBJECT, false, secrets},
                                        {"resource_limits", KIND_OBJECT, false, limits},
                                        {0}};
static const struct member call[] = {{"contract_id", KIND_ACCOUNT, true, NULL}, {"method_name", KIND_TEXT, true, NULL},
                                     {"args", KIND_JSON, true, NULL},           {"deposit", KIND_AMOUNT, true, NULL},
                                     {"gas", KIND_NUMBER, true, NULL},          {0}};
static const struct member example[] = {{"id", KIND_SLUG, true, NULL},      {"title", KIND_TEXT, true, NULL},
                                        {"what", KIND_TEXT, false, NULL},   {"request", KIND_OBJECT, false, request},
                                        {"call", KIND_OBJECT, false, call}, {0}};

static bool is_slug(const char *text) {
    size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-");
    return n && n <= 64 && !text[n];
}

static bool check_text(const struct member *m, const char *text, struct err *e) {
    size_t most = m->kind == KIND_INPUT || m->kind == KIND_JSON ? EXAMPLE_INPUT_MAX : EXAMPLE_TEXT_MAX;
    if (strlen(text) > most)
        return err_set(e, ERR_INVALID, "'%s' is longer than %zu bytes", m->name, most);
    if (m->kind == KIND_SLUG && !is_slug(text))
        return err_set(e, ERR_INVALID, "'%s' is 1 to 64 of a-z, 0-9 and -, not '%.80s'", m->name, text);
    if (m->kind == KIND_ACCOUNT && !account_id_valid(slice_str(text)))
        return err_set(e, ERR_INVALID, "'%s' is not a NEAR account: '%.80s'", m->name, text);
    if (m->kind == KIND_FORMAT && strcmp(text, "Bytes") != 0 && strcmp(text, "Text") != 0 && strcmp(text, "Json") != 0)
        return err_set(e, ERR_INVALID, "'%s' is Bytes, Text or Json, not '%.80s'", m->name, text);
    return m->kind != KIND_JSON || json_check(slice_str(text), 64, e) || err_wrap(e, "'%s'", m->name);
}

static json_t *object_of(const json_t *from, const struct member *members, struct err *e);

// As it is shown: null where it is left out.
static json_t *shown(const struct member *m, const json_t *from, struct err *e) {
    const json_t *value = json_object_get(from, m->name);
    SCOPED_JSON(o) = json_object();
    const char *text;
    uint64_t number;
    u128 amount;
    bool ok = false;
    if (!value || json_is_null(value)) {
        if (!m->must)
            return json_null();
        err_set(e, ERR_INVALID, "'%s' is missing", m->name);
        return NULL;
    }
    switch (m->kind) {
    case KIND_OBJECT: return object_of(value, m->of, e);
    case KIND_NUMBER:
        if ((ok = json_get_u64(from, m->name, &number, e)))
            json_set_u64(o, m->name, number);
        break;
    case KIND_AMOUNT:
        if ((ok = json_get_u128(from, m->name, &amount, e)))
            json_set_u128(o, m->name, amount);
        break;
    case KIND_SLUG:
    case KIND_TEXT:
    case KIND_INPUT:
    case KIND_JSON:
    case KIND_FORMAT:
    case KIND_ACCOUNT:
        if ((ok = json_get_text(from, m->name, &text, e) && check_text(m, text, e)))
            json_set_text(o, m->name, text);
        break;
    }
    return ok ? json_incref(json_object_get(o, m->name)) : NULL;
}

static json_t *object_of(const json_t *from, const struct member *members, struct err *e) {
    const char *keys[16];
    size_t n = 0;
    for (; members[n].name; n++)
        keys[n] = members[n].name;
    keys[n] = NULL;
    if (!json_is_object(from)) {
        err_set(e, ERR_INVALID, "it is not an object");
        return NULL;
    }
    json_t *out = json_object();
    bool ok = json_only_keys(from, keys, e);
    for (size_t i = 0; ok && i < n; i++) {
        json_t *one = shown(&members[i], from, e);
        ok = one && json_object_set_new(out, members[i].name, one) == 0;
    }
    if (ok)
        return out;
    json_decref(out);
    return NULL;
}

static bool is_new(const json_t *list, const json_t *one, struct err *e) {
    size_t i;
    json_t *other;
    const char *id = json_string_value(json_object_get(one, "id"));
    json_array_foreach((json_t *)(uintptr_t)list, i, other)
        if (strcmp(json_string_value(json_object_get(other, "id")), id) == 0)
            return err_set(e, ERR_INVALID, "'id' is that of another one, too: '%s'", id);
    return true;
}

static json_t *one_of(const json_t *list, const json_t *from, struct err *e) {
    json_t *one = object_of(from, example, e);
    if (!one)
        return NULL;
    bool asks = json_is_object(json_object_get(one, "request")), calls = json_is_object(json_object_get(one, "call"));
    if (asks == calls)
        err_set(e, ERR_INVALID, "it has either 'request' or 'call'");
    if (asks != calls && is_new(list, one, e))
        return one;
    json_decref(one);
    return NULL;
}

static bool read_all(json_t *list, const json_t *from, struct err *e) {
    size_t i;
    json_t *one;
    if (!json_is_array(from) || json_array_size(from) > EXAMPLES_MAX)
        return err_set(e, ERR_INVALID, "it is not an array of at most %d examples", EXAMPLES_MAX);
    json_array_foreach((json_t *)(uintptr_t)from, i, one) {
        json_t *example_shown = one_of(list, one, e);
        if (!example_shown)
            return err_wrap(e, "example %zu", i + 1);
        json_array_append_new(list, example_shown);
    }
    return true;
}

bool examples_read(char **out, const char *path, struct err *e) {
    SCOPED_ARENA(a);
    struct slice text = SLICE_LIT("[]");
    if (path && !file_read(a, path, EXAMPLES_BYTES_MAX, &text, e))
        return false;
    SCOPED_JSON(from) = json_parse_big(text, EXAMPLES_BYTES_MAX, e);
    json_t *list = json_array();
    SCOPED_JSON(o) = json_pack("{s:o}", "examples", list);
    if (!from || !read_all(list, from, e))
        return err_wrap(e, "'%s'", path);
    *out = xstrdup(json_text(a, o));
    return true;
}
