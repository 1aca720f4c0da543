// SPDX-License-Identifier: Apache-2.0
#include "codec/json.h"

#include "base/buf.h"
#include "base/text.h"
#include <inttypes.h>
#include <malloc.h>
#include <math.h>

static json_t *parse(struct slice text, size_t max, size_t flags, struct err *e) {
    if (text.len > max) {
        err_set(e, ERR_TOO_LARGE, "JSON of %zu bytes is larger than %zu", text.len, max);
        return NULL;
    }
    json_error_t error;
    json_t *j = json_loadb(text.len ? (const char *)text.ptr : "", text.len,
                           JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | flags, &error);
    if (!j)
        err_set(e, ERR_INVALID, "not valid JSON: %s at line %d, column %d", error.text, error.line, error.column);
    return j;
}

json_t *json_parse(struct slice text, size_t max, struct err *e) { return parse(text, max, 0, e); }

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

static size_t digits(struct slice text, size_t at) {
    size_t n = 0;
    while (at + n < text.len && text.ptr[at + n] >= '0' && text.ptr[at + n] <= '9')
        n++;
    return n;
}

static bool is_at(struct slice text, size_t at, const char *any) {
    return at < text.len && text.ptr[at] && strchr(any, text.ptr[at]);
}

// How long the number at `at` is, 0: there is none. *whole: it has neither fraction nor exponent.
static size_t number_length(struct slice text, size_t at, bool *whole) {
    size_t i = at + is_at(text, at, "-"), n = digits(text, i);
    if (!n || (n > 1 && text.ptr[i] == '0'))
        return 0;
    i += n;
    *whole = true;
    if (is_at(text, i, ".")) {
        n = digits(text, i + 1);
        if (!n)
            return 0;
        i += n + 1;
        *whole = false;
    }
    if (is_at(text, i, "eE")) {
        i += 1 + is_at(text, i + 1, "+-");
        n = digits(text, i);
        if (!n)
            return 0;
        i += n;
        *whole = false;
    }
    return i - at;
}

// A number that jansson cannot hold.
static bool is_big(struct slice number, bool whole) {
    char text[512];
    if (whole)
        return number.len > 18;
    if (number.len >= sizeof text)
        return true;
    memcpy(text, number.ptr, number.len);
    text[number.len] = 0;
    return isinf(strtod(text, NULL)); // this program never sets a locale
}

// From *at on, which is moved there, the next number outside of strings that jansson cannot hold: its length, or 0.
static size_t next_big(struct slice text, size_t *at) {
    while (*at < text.len) {
        *at += plain_length(text, *at);
        bool whole = false;
        size_t n = *at < text.len ? number_length(text, *at, &whole) : 0;
        if (n && is_big(slice_of(text.ptr + *at, n), whole) && !is_at(text, *at + n, "0123456789.eE+-"))
            return n;
        *at += n ? n : 1; // no number: the parser says so
    }
    return 0;
}

// Copies the text, with numbers that jansson cannot hold in quotes, or, where `instead` is given, with that for each.
static void replace_big_numbers(struct buf *out, struct slice text, const char *instead) {
    size_t from = 0;
    uint8_t edge = instead ? ' ' : '"';
    for (size_t at = 0, n; (n = next_big(text, &at)); at += n, from = at) {
        buf_add(out, text.ptr + from, at - from);
        buf_add_byte(out, edge);
        buf_add_slice(out, instead ? slice_str(instead) : slice_of(text.ptr + at, n));
        buf_add_byte(out, edge);
    }
    if (from < text.len) // an empty text may have no place
        buf_add(out, text.ptr + from, text.len - from);
}

static json_t *parse_replaced(struct slice text, size_t max, const char *instead, struct err *e) {
    if (text.len > max)
        return json_parse(text, max, e);
    SCOPED_BUF(replaced, text.len * 4 + 32); // the shortest, 1e309, becomes 20 bytes at most
    (void)buf_room(&replaced, text.len);
    replace_big_numbers(&replaced, text, instead);
    return parse(buf_slice(&replaced), replaced.cap, JSON_ALLOW_NUL, e);
}

json_t *json_parse_big(struct slice text, size_t max, struct err *e) { return parse_replaced(text, max, NULL, e); }

bool json_has_big(struct slice text) {
    size_t at = 0;
    return next_big(text, &at) != 0;
}

json_t *json_parse_capped(struct slice text, size_t max, struct err *e) {
    return parse_replaced(text, max, "999999999999999999", e);
}

// --- what is JSON, and what is not ----------------------------------------------------------------------------------

static size_t space(struct slice text, size_t at) {
    while (is_at(text, at, " \t\n\r"))
        at++;
    return at;
}

static bool wrong_at(size_t at, const char *what, struct err *e) {
    return err_set(e, ERR_INVALID, "not valid JSON: %s at byte %zu", what, at);
}

static bool is_hex(uint8_t c) { return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'f'); }

// *at: behind the opening quotation mark, then behind the closing one.
static bool check_text(struct slice text, size_t *at, struct err *e) {
    size_t i = *at;
    for (; i < text.len && text.ptr[i] != '"'; i++) {
        if (text.ptr[i] < 0x20)
            return wrong_at(i, "a control character in a text", e);
        if (text.ptr[i] != '\\')
            continue;
        i++;
        if (!is_at(text, i, "\"\\/bfnrtu"))
            return wrong_at(i, "an escape that does not exist", e);
        for (size_t d = 1; text.ptr[i] == 'u' && d <= 4; d++)
            if (i + d >= text.len || !is_hex(text.ptr[i + d]))
                return wrong_at(i, "an escape without four hexadecimal digits", e);
    }
    *at = i + 1;
    return i < text.len || wrong_at(i, "a text without its end", e);
}

static bool check_word(struct slice text, size_t *at, struct err *e) {
    static const char *const words[] = {"true", "false", "null"};
    bool whole;
    size_t n = number_length(text, *at, &whole);
    for (size_t i = 0; !n && i < ARRAY_LEN(words); i++)
        if (slice_starts(slice_skip(text, *at), slice_str(words[i])))
            n = strlen(words[i]);
    if (!n)
        return wrong_at(*at, *at < text.len ? "no value" : "no value before the end", e);
    *at += n;
    return true;
}

// "key": of an object.
static bool check_key(struct slice text, size_t *at, struct err *e) {
    *at = space(text, *at);
    if (!is_at(text, *at, "\""))
        return wrong_at(*at, "no key", e);
    ++*at;
    if (!check_text(text, at, e))
        return false;
    *at = space(text, *at);
    if (!is_at(text, *at, ":"))
        return wrong_at(*at, "no colon behind a key", e);
    ++*at;
    return true;
}

// Behind a value: closes what ends there. *more: another value must follow.
static bool check_behind(struct slice text, const char *open, size_t *depth, size_t *at, bool *more, struct err *e) {
    for (;;) {
        *at = space(text, *at);
        *more = *depth && is_at(text, *at, ",");
        if (*more) {
            ++*at;
            return open[*depth - 1] != '{' || check_key(text, at, e);
        }
        if (!*depth)
            return *at == text.len || wrong_at(*at, "something behind the value", e);
        if (!is_at(text, *at, open[*depth - 1] == '{' ? "}" : "]"))
            return wrong_at(*at, "neither a comma nor an end", e);
        ++*at;
        --*depth;
    }
}

// A value's beginning: of a text or word, all of it. *inside: a list or object began, and is not empty.
static bool check_begin(struct slice text, char *open, size_t *depth, size_t max, size_t *at, bool *inside,
                        struct err *e) {
    *at = space(text, *at);
    *inside = false;
    if (is_at(text, *at, "\"")) {
        ++*at;
        return check_text(text, at, e);
    }
    if (!is_at(text, *at, "{["))
        return check_word(text, at, e);
    if (*depth == max)
        return err_set(e, ERR_LIMIT, "nested more than %zu deep", max);
    char begin = (char)text.ptr[*at];
    *at = space(text, *at + 1);
    if (is_at(text, *at, begin == '{' ? "}" : "]")) {
        ++*at;
        return true;
    }
    open[(*depth)++] = begin;
    *inside = true;
    return begin != '{' || check_key(text, at, e);
}

bool json_check(struct slice text, size_t max_depth, struct err *e) {
    char open[JSON_CHECK_DEPTH_MAX];
    size_t depth = 0, at = 0;
    bool more = true;
    BUG_ON(max_depth > sizeof open);
    if (!text_is_utf8(text))
        return err_set(e, ERR_INVALID, "not valid JSON: it is not UTF-8");
    while (more) {
        bool inside = true;
        while (inside)
            if (!check_begin(text, open, &depth, max_depth, &at, &inside, e))
                return false;
        if (!check_behind(text, open, &depth, &at, &more, e))
            return false;
    }
    return true;
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
    if (strlen(json_string_value(v)) != json_string_length(v))
        return wrong(key, "a text without the character U+0000", e);
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
