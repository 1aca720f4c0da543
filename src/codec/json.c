// SPDX-License-Identifier: Apache-2.0
#include "codec/json.h"

#include "base/buf.h"
#include "base/text.h"
#include <inttypes.h>
#include <malloc.h>

json_t *json_parse(struct slice text, size_t max, struct err *e) {
    if (text.len > max) {
        err_set(e, ERR_TOO_LARGE, "JSON of %zu bytes is larger than %zu", text.len, max);
        return NULL;
    }
    json_error_t error;
    json_t *j =
        json_loadb(text.len ? (const char *)text.ptr : "", text.len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (!j)
        err_set(e, ERR_INVALID, "not valid JSON: %s at line %d, column %d", error.text, error.line, error.column);
    return j;
}

// From `at`: how many bytes stand as they are, up to the next number outside of strings.
static size_t plain_length(struct slice text, size_t at) {
    size_t i = at;
    while (i < text.len && text.ptr[i] != '-' && (text.ptr[i] < '0' || text.ptr[i] > '9')) {
        if (text.ptr[i++] != '"')
            continue;
        while (i < text.len && text.ptr[i] != '"')
            i += text.ptr[i] == '\\' ? 2 : 1;
        i++; // the closing one
    }
    return (i < text.len ? i : text.len) - at;
}

// Copies the text and puts whole numbers of more than 18 digits, outside strings, in quotes.
static void quote_big_numbers(struct buf *out, struct slice text) {
    for (size_t i = 0; i < text.len;) {
        size_t n = plain_length(text, i);
        buf_add(out, text.ptr + i, n);
        i += n;
        n = 0;
        bool whole = true;
        while (i + n < text.len && strchr("0123456789.eE+-", text.ptr[i + n]) && text.ptr[i + n]) {
            whole &= (text.ptr[i + n] >= '0' && text.ptr[i + n] <= '9') || (!n && text.ptr[i] == '-');
            n++;
        }
        bool big = whole && n > 18;
        if (big)
            buf_add_byte(out, '"');
        buf_add(out, text.ptr + i, n);
        if (big)
            buf_add_byte(out, '"');
        i += n;
    }
}

json_t *json_parse_big(struct slice text, size_t max, struct err *e) {
    if (text.len > max)
        return json_parse(text, max, e);
    SCOPED_BUF(quoted, text.len + text.len / 8 + 16); // a quoted number has 19 characters or more: 2 in 19 at most
    (void)buf_room(&quoted, text.len);
    quote_big_numbers(&quoted, text);
    return json_parse(buf_slice(&quoted), quoted.cap, e);
}

static void free_wiped(void *p) {
    if (p)
        explicit_bzero(p, malloc_usable_size(p));
    free(p);
}

void json_wipe_memory(void) { json_set_alloc_funcs(malloc, free_wiped); }

// Text under way, in the arena: nothing of it is left in memory that nobody wipes.
struct text {
    struct arena *arena;
    char *at;
    size_t len, room;
};

static int add_text(const char *piece, size_t n, void *ctx) {
    struct text *t = ctx;
    if (t->len + n >= t->room) {
        size_t room = 2 * (t->len + n) + 1;
        char *more = arena_alloc(t->arena, room);
        memcpy(more, t->at, t->len);
        t->at = more;
        t->room = room;
    }
    memcpy(t->at + t->len, piece, n);
    t->len += n;
    return 0;
}

char *json_text(struct arena *a, const json_t *j) {
    struct text t = {a, arena_alloc(a, 256), 0, 256};
    json_dump_callback(j, add_text, &t, JSON_COMPACT | JSON_ENCODE_ANY);
    t.at[t.len] = 0;
    return t.at;
}

static bool missing(const char *key, struct err *e) { return err_set(e, ERR_INVALID, "field '%s' is missing", key); }
static bool wrong(const char *key, const char *want, struct err *e) {
    return err_set(e, ERR_INVALID, "field '%s' must be %s", key, want);
}

// The value, NULL when absent or null.
static json_t *value(const json_t *o, const char *key) {
    json_t *v = json_object_get(o, key);
    return json_is_null(v) ? NULL : v;
}

bool json_opt_text(const json_t *o, const char *key, const char **out, struct err *e) {
    json_t *v = value(o, key);
    if (!v)
        return true;
    if (!json_is_string(v))
        return wrong(key, "a text", e);
    *out = json_string_value(v);
    return true;
}

bool json_opt_u128(const json_t *o, const char *key, u128 *out, struct err *e) {
    json_t *v = value(o, key);
    if (!v)
        return true;
    if (json_is_integer(v) && json_integer_value(v) >= 0) {
        *out = (u128)json_integer_value(v);
        return true;
    }
    if (json_is_string(v) && text_u128(slice_of(json_string_value(v), json_string_length(v)), out))
        return true;
    return wrong(key, "a whole number, not negative", e);
}

bool json_opt_u64(const json_t *o, const char *key, uint64_t *out, struct err *e) {
    u128 v = *out;
    if (!json_opt_u128(o, key, &v, e))
        return false;
    if (v > UINT64_MAX)
        return wrong(key, "a whole number below 2^64", e);
    *out = (uint64_t)v;
    return true;
}

bool json_opt_bool(const json_t *o, const char *key, bool *out, struct err *e) {
    json_t *v = value(o, key);
    if (!v)
        return true;
    if (!json_is_boolean(v))
        return wrong(key, "true or false", e);
    *out = json_is_true(v);
    return true;
}

bool json_get_text(const json_t *o, const char *key, const char **out, struct err *e) {
    *out = NULL;
    return json_opt_text(o, key, out, e) && (*out || missing(key, e));
}

bool json_get_u64(const json_t *o, const char *key, uint64_t *out, struct err *e) {
    *out = 0;
    return value(o, key) ? json_opt_u64(o, key, out, e) : missing(key, e);
}

bool json_get_u128(const json_t *o, const char *key, u128 *out, struct err *e) {
    *out = 0;
    return value(o, key) ? json_opt_u128(o, key, out, e) : missing(key, e);
}

bool json_get_bool(const json_t *o, const char *key, bool *out, struct err *e) {
    *out = false;
    return value(o, key) ? json_opt_bool(o, key, out, e) : missing(key, e);
}

bool json_get_object(const json_t *o, const char *key, json_t **out, struct err *e) {
    *out = value(o, key);
    return !*out ? missing(key, e) : json_is_object(*out) || wrong(key, "an object", e);
}

bool json_get_array(const json_t *o, const char *key, json_t **out, struct err *e) {
    *out = value(o, key);
    return !*out ? missing(key, e) : json_is_array(*out) || wrong(key, "a list", e);
}

bool json_only_keys(const json_t *o, const char *const *keys, struct err *e) {
    const char *key;
    json_t *v;
    json_object_foreach((json_t *)o, key, v) {
        bool known = false;
        for (size_t i = 0; keys[i] && !known; i++)
            known = strcmp(keys[i], key) == 0;
        if (!known)
            return err_set(e, ERR_INVALID, "unknown field '%.64s'", key);
    }
    return true;
}

json_t *json_of_bytes(const char *text) {
    json_t *j = json_string(text);
    if (j)
        return j;
    char *copy = xstrdup(text);
    text_repair(copy);
    j = json_string(copy);
    explicit_bzero(copy, strlen(copy));
    free(copy);
    BUG_ON(!j);
    return j;
}

void json_set_text(json_t *o, const char *key, const char *v) {
    BUG_ON(json_object_set_new(o, key, v ? json_of_bytes(v) : json_null()) != 0);
}

void json_set_u64(json_t *o, const char *key, uint64_t v) {
    if (v > INT64_MAX)
        json_set_u128(o, key, v);
    else
        BUG_ON(json_object_set_new(o, key, json_integer((json_int_t)v)) != 0);
}

void json_set_u128(json_t *o, const char *key, u128 v) {
    char text[U128_TEXT_MAX];
    json_set_text(o, key, u128_text(v, text));
}
