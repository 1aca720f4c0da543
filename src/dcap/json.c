// SPDX-License-Identifier: Apache-2.0
#include "dcap/json.h"

bool dcap_json_fail(struct dcap_json *j, enum dcap_code code, uint64_t detail) {
    *j->fault = (struct dcap_fault){code, j->part, detail};
    return false;
}

static bool malformed(struct dcap_json *j) { return dcap_json_fail(j, DCAP_JSON_FORMAT, 0); }

// The next character that is not white space, 0 at the end.
uint8_t dcap_json_peek(struct dcap_json *j) {
    for (; j->at < j->end; j->at++) {
        uint8_t c = *j->at;
        if (c != ' ' && c != '\n' && c != '\r' && c != '\t')
            return c;
    }
    return 0;
}

static bool take(struct dcap_json *j, uint8_t c) {
    if (dcap_json_peek(j) != c)
        return false;
    j->at++;
    return true;
}

// Eight at a time: the top bit of what is no plain byte becomes set by what is subtracted; a borrow can mark bytes
// above such a one only.
const uint8_t *dcap_json_plain_end(const uint8_t *at, const uint8_t *end) {
    const uint64_t ones = 0x0101010101010101;
    for (uint64_t x; end - at >= 8; at += 8) {
        __builtin_memcpy(&x, at, sizeof x);
        x = (x | ((x ^ ones * '"') - ones) | ((x ^ ones * '\\') - ones) | (x - ones * 0x20)) & ones << 7;
        if (x)
            return at + __builtin_ctzll(x) / 8;
    }
    while (at < end && *at >= 0x20 && *at < 0x80 && *at != '"' && *at != '\\')
        at++;
    return at;
}

// Behind a backslash: the character into *c.
static bool unescape(uint32_t *c, struct dcap_json *j) {
    static const char plain[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    uint8_t b[2];
    unsigned i = 0;
    if (j->at == j->end)
        return false;
    if (*j->at++ == 'u') {
        if (j->end - j->at < 4 || !dcap_hex_decode(b, (struct bytes){j->at, 4}, 2))
            return false;
        *c = (uint32_t)b[0] << 8 | b[1];
        j->at += 4;
        return true;
    }
    while (i < sizeof plain - 1 && plain[i] != (char)j->at[-1])
        i++;
    *c = (uint8_t)meant[i];
    return *c > 0;
}

bool dcap_json_string(struct bytes *out, struct dcap_json *j, bool *escapes) {
    if (!take(j, '"'))
        return dcap_json_fail(j, DCAP_JSON_VALUE, 0);
    uint32_t point;
    out->ptr = j->at;
    *escapes = false;
    for (;;) {
        j->at = dcap_json_plain_end(j->at, j->end);
        if (j->at == j->end)
            return malformed(j);
        uint8_t c = *j->at++;
        if (c == '"') {
            out->len = (size_t)(j->at - 1 - out->ptr);
            return true;
        }
        if (c == '\\')
            *escapes = true;
        if (c < 0x20 || (c == '\\' && !unescape(&point, j)))
            return malformed(j);
    }
}

bool dcap_json_text(struct bytes *out, struct dcap_json *j) {
    bool escapes;
    return dcap_json_string(out, j, &escapes) && (!escapes || dcap_json_fail(j, DCAP_JSON_VALUE, 0));
}

static bool digits(struct dcap_json *j) {
    const uint8_t *from = j->at;
    while (j->at < j->end && (uint8_t)(*j->at - '0') < 10)
        j->at++;
    return j->at > from;
}

// A number of JSON's grammar, which may be a fraction: only where it is read over.
static bool skip_number(struct dcap_json *j) {
    if (*j->at == '-')
        j->at++;
    bool zero = j->at < j->end && *j->at == '0';
    const uint8_t *from = j->at;
    if (!digits(j) || (zero && j->at - from > 1))
        return malformed(j);
    if (j->at < j->end && *j->at == '.') {
        j->at++;
        if (!digits(j))
            return malformed(j);
    }
    if (j->at < j->end && (*j->at | 0x20) == 'e') {
        j->at++;
        if (j->at < j->end && (*j->at == '+' || *j->at == '-'))
            j->at++;
        if (!digits(j))
            return malformed(j);
    }
    return true;
}

static bool skip_word(struct dcap_json *j) {
    static const char words[3][6] = {"true", "false", "null"};
    for (unsigned i = 0; i < 3; i++) {
        size_t n = i == 1 ? 5 : 4;
        if ((size_t)(j->end - j->at) >= n && memcmp(j->at, words[i], n) == 0) {
            j->at += n;
            return true;
        }
    }
    return malformed(j);
}

static bool skip(struct dcap_json *j);
static bool skip_each(struct dcap_json *j, void *out) {
    (void)out;
    return skip(j);
}

// Reads over any value.
static bool skip(struct dcap_json *j) {
    static const struct dcap_json_shape anything = {NULL, 0, NULL};
    static const struct dcap_json_each each = {skip_each};
    struct bytes text;
    bool escapes;
    uint8_t c = dcap_json_peek(j);
    if (c == '"')
        return dcap_json_string(&text, j, &escapes);
    if (c != '{' && c != '[')
        return c == '-' || (uint8_t)(c - '0') < 10 ? skip_number(j) : skip_word(j);
    if (++j->depth > DCAP_JSON_DEPTH)
        return dcap_json_fail(j, DCAP_JSON_FORMAT, DCAP_JSON_DEPTH);
    bool ok = c == '{' ? dcap_json_object(NULL, j, &anything) : dcap_json_array(NULL, j, &each);
    j->depth--;
    return ok;
}

static bool number(void *out, struct dcap_json *j, size_t size) {
    dcap_json_peek(j);
    const uint8_t *from = j->at;
    uint64_t v = 0;
    bool ok = digits(j) && (*from != '0' || j->at - from == 1) && j->at - from <= 10 &&
              (j->at == j->end || (*j->at != '.' && (*j->at | 0x20) != 'e'));
    for (; ok && from < j->at; from++)
        v = v * 10 + (uint64_t)(*from - '0');
    if (!ok || v >> (8 * size))
        return dcap_json_fail(j, DCAP_JSON_VALUE, 0);
    for (uint8_t *to = out; size-- > 0; v >>= 8)
        *to++ = (uint8_t)v;
    return true;
}

// What stands between brackets, with commas.
static bool between(struct dcap_json *j, uint8_t open, bool (*one)(struct dcap_json *j, void *out), void *out) {
    const uint8_t close = open + 2; // of both kinds of brackets
    if (!take(j, open))
        return dcap_json_fail(j, DCAP_JSON_VALUE, 0);
    if (take(j, close))
        return true;
    do {
        if (!one(j, out))
            return false;
    } while (take(j, ','));
    return take(j, close) || malformed(j);
}

bool dcap_json_array(void *out, struct dcap_json *j, const struct dcap_json_each *each) {
    return between(j, '[', each->take, out);
}

bool dcap_json_raw(struct bytes *out, struct dcap_json *j) {
    dcap_json_peek(j);
    const uint8_t *from = j->at;
    if (!skip(j))
        return false;
    *out = (struct bytes){from, (size_t)(j->at - from)};
    return true;
}

// The fault's detail is which member of the table it was.
static bool value(void *out, struct dcap_json *j, const struct dcap_json_member *m, const void *const *more) {
    struct bytes text;
    bool escapes;
    void *at = (uint8_t *)out + m->offset;
    switch ((enum dcap_json_kind)(m->kind & ~DCAP_JSON_NEEDED)) {
    case DCAP_JSON_TEXT: return dcap_json_text(at, j);
    case DCAP_JSON_ESCAPED:
        // Programs write null for a text that they do not have.
        return dcap_json_peek(j) == 'n' ? skip_word(j) : dcap_json_string(at, j, &escapes);
    case DCAP_JSON_HEX:
        return dcap_json_text(&text, j) &&
               (dcap_hex_decode(at, text, m->size) || dcap_json_fail(j, DCAP_JSON_VALUE, 0));
    case DCAP_JSON_DATE:
        return dcap_json_text(&text, j) && (dcap_time_of_iso(at, text) || dcap_json_fail(j, DCAP_JSON_VALUE, 0));
    case DCAP_JSON_NUMBER: return number(at, j, m->size);
    case DCAP_JSON_RAW: return dcap_json_raw(at, j);
    case DCAP_JSON_OBJECT: return dcap_json_object(at, j, more[m->size]);
    case DCAP_JSON_BY: return ((const struct dcap_json_each *)more[m->size])->take(j, out);
    case DCAP_JSON_EACH: return dcap_json_array(out, j, more[m->size]);
    }
    return malformed(j);
}

struct object {
    void *out;
    const struct dcap_json_shape *shape;
    uint32_t named; // those of the table that were there
    uint16_t first; // name of the reader's that is this object's
};

// A quote behind each name ends the comparison of two.
static bool member(struct dcap_json *j, void *ctx) {
    struct object *o = ctx;
    struct bytes name;
    bool escapes;
    if (!dcap_json_string(&name, j, &escapes) || escapes || !take(j, ':') || j->names == DCAP_JSON_NAMES)
        return malformed(j);
    for (unsigned i = o->first; i < j->names; i++) {
        const uint8_t *other = j->name[i];
        if (*other == *name.ptr && memcmp(other, name.ptr, name.len + 1) == 0)
            return dcap_json_fail(j, DCAP_JSON_DUPLICATE, 0);
    }
    j->name[j->names++] = name.ptr;
    for (unsigned i = 0; i < o->shape->count; i++) {
        const struct dcap_json_member *m = &o->shape->members[i];
        if (dcap_text_is(m->name, name.ptr, name.len)) {
            o->named |= 1u << i;
            return value(o->out, j, m, o->shape->more);
        }
    }
    return skip(j);
}

bool dcap_json_object(void *out, struct dcap_json *j, const struct dcap_json_shape *shape) {
    struct object o = {out, shape, 0, j->names};
    if (!between(j, '{', member, &o))
        return false;
    j->names = o.first;
    for (unsigned i = 0; i < shape->count; i++) {
        if (shape->members[i].kind >= DCAP_JSON_NEEDED && !(o.named >> i & 1))
            return dcap_json_fail(j, DCAP_JSON_MEMBER, i);
    }
    return true;
}

static struct dcap_json over(struct bytes text, const uint8_t *names[static DCAP_JSON_NAMES], enum dcap_part part,
                             struct dcap_fault *f) {
    return (struct dcap_json){text.ptr, text.len ? text.ptr + text.len : text.ptr, f, part, names, 0, 0};
}

static bool ends(struct dcap_json *j) { return (!dcap_json_peek(j) && j->at == j->end) || malformed(j); }

bool dcap_json_document(void *out, struct bytes text, const struct dcap_json_shape *shape, enum dcap_part part,
                        struct dcap_fault *f) {
    const uint8_t *names[DCAP_JSON_NAMES];
    struct dcap_json j = over(text, names, part, f);
    if (dcap_json_peek(&j) != '{')
        return malformed(&j);
    return dcap_json_object(out, &j, shape) && ends(&j);
}

bool dcap_json_list(void *out, struct bytes text, const struct dcap_json_each *each, enum dcap_part part,
                    struct dcap_fault *f) {
    const uint8_t *names[DCAP_JSON_NAMES];
    struct dcap_json j = over(text, names, part, f);
    return dcap_json_array(out, &j, each) && ends(&j);
}

// The character XXXX of \uXXXX as UTF-8.
static uint8_t *put_utf8(uint8_t *to, uint32_t c) {
    if (c < 0x80) {
        *to++ = (uint8_t)c;
        return to;
    }
    if (c < 0x800) {
        *to++ = (uint8_t)(0xc0 | c >> 6);
    } else {
        *to++ = (uint8_t)(0xe0 | c >> 12);
        *to++ = (uint8_t)(0x80 | (c >> 6 & 0x3f));
    }
    *to++ = (uint8_t)(0x80 | (c & 0x3f));
    return to;
}

// What is copied lies before what is read, or is the same: eight bytes are read before they are written.
static uint8_t *copy_back(uint8_t *to, const uint8_t *from, const uint8_t *end) {
    for (uint64_t eight; end - from >= 8; from += 8, to += 8) {
        __builtin_memcpy(&eight, from, 8);
        __builtin_memcpy(to, &eight, 8);
    }
    while (from < end)
        *to++ = *from++;
    return to;
}

// Up to a quote or the end.
static bool decode(struct bytes *text, struct dcap_json *j, uint8_t *memory) {
    uint8_t *to = memory;
    for (;;) {
        const uint8_t *from = j->at;
        j->at = dcap_json_plain_end(from, j->end);
        to = to == from ? to + (j->at - from) : copy_back(to, from, j->at);
        uint8_t c = j->at < j->end ? *j->at : '"';
        uint32_t point;
        if (c == '"')
            break;
        j->at++;
        if (c >= 0x80)
            *to++ = c;
        else if (c == '\\' && unescape(&point, j) && point >> 11 != 0x1b)
            to = put_utf8(to, point);
        else
            return false;
    }
    *text = (struct bytes){memory, (size_t)(to - memory)};
    return true;
}

bool dcap_json_unescape(struct bytes *text, uint8_t *memory) {
    struct dcap_json j = {text->ptr, text->ptr + text->len, NULL, DCAP_PART_NOTHING, NULL, 0, 0};
    return decode(text, &j, memory) && j.at == j.end;
}

bool dcap_json_decoded(struct bytes *out, struct dcap_json *j, uint8_t *input) {
    if (!take(j, '"'))
        return dcap_json_fail(j, DCAP_JSON_VALUE, 0);
    return (decode(out, j, input + (j->at - (const uint8_t *)input)) && take(j, '"')) || malformed(j);
}
