// SPDX-License-Identifier: Apache-2.0
#include "dcap/json.h"

bool dcap_json_fail(struct dcap_json *j, enum dcap_code code, uint64_t detail) {
    return dcap_fail_with(j->fault, code, j->part, detail);
}

static bool malformed(struct dcap_json *j) { return dcap_json_fail(j, DCAP_JSON_FORMAT, 0); }

// The next character that is not white space, 0 at the end.
static uint8_t peek(struct dcap_json *j) {
    for (; j->at < j->end; j->at++) {
        uint8_t c = *j->at;
        if (c != ' ' && c != '\n' && c != '\r' && c != '\t')
            return c;
    }
    return 0;
}

static bool take(struct dcap_json *j, uint8_t c) {
    if (peek(j) != c)
        return false;
    j->at++;
    return true;
}

static bool hex4(struct dcap_json *j) {
    uint8_t out[2];
    if (j->end - j->at < 4 || !dcap_hex_decode(out, (struct bytes){j->at, 4}, 2))
        return false;
    j->at += 4;
    return true;
}

// Whether the next 8 bytes have no quote, backslash or control character. A byte becomes 0 by what it is compared with,
// and subtracting 1 from that, or 0x20 from a control character, sets its top bit; a carry can only find too much.
static bool plain8(const uint8_t *p) {
    const uint64_t ones = 0x0101010101010101, tops = ones << 7;
    uint64_t x;
    memcpy(&x, p, sizeof x);
    uint64_t quote = x ^ ones * '"', slash = x ^ ones * '\\';
    return !((((quote - ones) & ~quote) | ((slash - ones) & ~slash) | ((x - ones * 0x20) & ~x)) & tops);
}

// Behind a backslash.
static bool escape(struct dcap_json *j) {
    static const uint8_t escapes[] = "\"\\/bfnrt";
    if (j->at == j->end)
        return false;
    uint8_t c = *j->at++;
    for (unsigned i = 0; i < sizeof escapes - 1; i++) {
        if (c == escapes[i])
            return true;
    }
    return c == 'u' && hex4(j);
}

// Chains and lists are long: behind so many bytes that say nothing it goes on by eights. Texts of JSON in JSON have a
// backslash sooner.
enum { RUN = 16 };
static const uint8_t *look_again(const uint8_t *at, const uint8_t *end) { return end - at > RUN ? at + RUN : end; }

// A string's content as it stands; *escapes says whether there are any.
static bool string(struct bytes *out, struct dcap_json *j, bool *escapes) {
    if (!take(j, '"'))
        return dcap_json_fail(j, DCAP_JSON_VALUE, 0);
    const uint8_t *end = j->end, *at = j->at, *stop = look_again(at, end);
    out->ptr = at;
    *escapes = false;
    for (;;) {
        if (at == stop) {
            while (end - at >= 8 && plain8(at))
                at += 8;
            stop = look_again(at, end);
            if (at == end)
                return malformed(j);
        }
        uint8_t c = *at++;
        if (c == '"') {
            out->len = (size_t)(at - 1 - out->ptr);
            j->at = at;
            return true;
        }
        if (c == '\\') {
            *escapes = true;
            j->at = at;
            if (!escape(j))
                return malformed(j);
            at = j->at;
            stop = look_again(at, end);
        } else if (c < 0x20) {
            return malformed(j);
        }
    }
}

bool dcap_json_text(struct bytes *out, struct dcap_json *j) {
    bool escapes;
    return string(out, j, &escapes) && (!escapes || dcap_json_fail(j, DCAP_JSON_VALUE, 0));
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
    static const struct dcap_json_shape anything = {NULL, 0};
    static const struct dcap_json_each each = {skip_each};
    struct bytes text;
    bool escapes;
    uint8_t c = peek(j);
    if (c == '"')
        return string(&text, j, &escapes);
    if (c != '{' && c != '[')
        return c == '-' || (uint8_t)(c - '0') < 10 ? skip_number(j) : skip_word(j);
    if (++j->depth > DCAP_JSON_DEPTH)
        return dcap_json_fail(j, DCAP_JSON_FORMAT, DCAP_JSON_DEPTH);
    bool ok = c == '{' ? dcap_json_object(NULL, j, &anything) : dcap_json_array(NULL, j, &each);
    j->depth--;
    return ok;
}

static bool number(void *out, struct dcap_json *j, size_t size) {
    peek(j);
    const uint8_t *from = j->at;
    if (!digits(j) || (*from == '0' && j->at - from > 1) || j->at - from > 10)
        return dcap_json_fail(j, DCAP_JSON_VALUE, 0);
    uint64_t v = 0;
    for (; from < j->at; from++)
        v = v * 10 + (uint64_t)(*from - '0');
    if (v >> (8 * size))
        return dcap_json_fail(j, DCAP_JSON_VALUE, 0);
    if (j->at < j->end && (*j->at == '.' || (*j->at | 0x20) == 'e'))
        return dcap_json_fail(j, DCAP_JSON_VALUE, 0);
    if (size == 1)
        *(uint8_t *)out = (uint8_t)v;
    else if (size == 2)
        *(uint16_t *)out = (uint16_t)v;
    else
        *(uint32_t *)out = (uint32_t)v;
    return true;
}

bool dcap_json_array(void *out, struct dcap_json *j, const struct dcap_json_each *each) {
    if (!take(j, '['))
        return dcap_json_fail(j, DCAP_JSON_VALUE, 0);
    if (take(j, ']'))
        return true;
    do {
        if (!each->take(j, out))
            return false;
    } while (take(j, ','));
    return take(j, ']') || malformed(j);
}

static bool raw(struct bytes *out, struct dcap_json *j) {
    peek(j);
    const uint8_t *from = j->at;
    if (!skip(j))
        return false;
    *out = (struct bytes){from, (size_t)(j->at - from)};
    return true;
}

// The fault's detail is which member of the table it was.
static bool value(void *out, struct dcap_json *j, const struct dcap_json_member *m) {
    struct bytes text;
    bool escapes;
    void *at = (uint8_t *)out + m->offset;
    switch ((enum dcap_json_kind)m->kind) {
    case DCAP_JSON_TEXT: return dcap_json_text(at, j);
    case DCAP_JSON_ESCAPED:
        // Programs write null for a text that they do not have.
        return peek(j) == 'n' ? skip_word(j) : string(at, j, &escapes);
    case DCAP_JSON_HEX:
        return dcap_json_text(&text, j) &&
               (dcap_hex_decode(at, text, m->size) || dcap_json_fail(j, DCAP_JSON_VALUE, 0));
    case DCAP_JSON_DATE:
        return dcap_json_text(&text, j) && (dcap_time_of_iso(at, text) || dcap_json_fail(j, DCAP_JSON_VALUE, 0));
    case DCAP_JSON_NUMBER: return number(at, j, m->size);
    case DCAP_JSON_RAW: return raw(at, j);
    case DCAP_JSON_OBJECT: return dcap_json_object(at, j, m->more);
    case DCAP_JSON_BY: return ((const struct dcap_json_each *)m->more)->take(j, out);
    case DCAP_JSON_EACH: return dcap_json_array(out, j, m->more);
    }
    return malformed(j);
}

static bool member(void *out, struct dcap_json *j, const struct dcap_json_shape *shape, uint32_t *seen) {
    struct bytes name;
    bool escapes;
    if (!string(&name, j, &escapes) || escapes || !take(j, ':'))
        return malformed(j);
    for (unsigned i = 0; i < shape->count; i++) {
        const struct dcap_json_member *m = &shape->members[i];
        if (m->name_len != name.len || memcmp(m->name, name.ptr, name.len) != 0)
            continue;
        if (*seen >> i & 1)
            return dcap_json_fail(j, DCAP_JSON_DUPLICATE, i);
        *seen |= 1u << i;
        return value(out, j, m);
    }
    return skip(j);
}

bool dcap_json_object(void *out, struct dcap_json *j, const struct dcap_json_shape *shape) {
    uint32_t seen = 0;
    if (!take(j, '{'))
        return dcap_json_fail(j, DCAP_JSON_VALUE, 0);
    if (!take(j, '}')) {
        do {
            if (!member(out, j, shape, &seen))
                return false;
        } while (take(j, ','));
        if (!take(j, '}'))
            return malformed(j);
    }
    for (unsigned i = 0; i < shape->count; i++) {
        if (shape->members[i].required && !(seen >> i & 1))
            return dcap_json_fail(j, DCAP_JSON_MEMBER, i);
    }
    return true;
}

static struct dcap_json over(struct bytes text, enum dcap_part part, struct dcap_fault *f) {
    return (struct dcap_json){text.ptr, text.len ? text.ptr + text.len : text.ptr, f, part, 0};
}

static bool ends(struct dcap_json *j) { return (!peek(j) && j->at == j->end) || malformed(j); }

bool dcap_json_document(void *out, struct bytes text, const struct dcap_json_shape *shape, enum dcap_part part,
                        struct dcap_fault *f) {
    struct dcap_json j = over(text, part, f);
    if (peek(&j) != '{')
        return malformed(&j);
    return dcap_json_object(out, &j, shape) && ends(&j);
}

bool dcap_json_list(void *out, struct bytes text, const struct dcap_json_each *each, enum dcap_part part,
                    struct dcap_fault *f) {
    struct dcap_json j = over(text, part, f);
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

bool dcap_json_unescape(struct bytes *text, uint8_t *memory) {
    static const char plain[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    const uint8_t *from = text->ptr, *end = from + text->len;
    uint8_t *to = memory;
    for (const uint8_t *stop = look_again(from, end);;) {
        if (from == stop) {
            // What is copied lies before what is read, or is the same: eight bytes are read before they are written.
            for (; end - from >= 8 && plain8(from); from += 8, to += 8) {
                uint64_t eight;
                memcpy(&eight, from, 8);
                memcpy(to, &eight, 8);
            }
            stop = look_again(from, end);
            if (from == end)
                break;
        }
        if (*from != '\\') {
            *to++ = *from++;
            continue;
        }
        uint32_t c = 0;
        if (++from == end)
            return false;
        if (*from == 'u') {
            uint8_t b[2];
            if (end - from < 5 || !dcap_hex_decode(b, (struct bytes){from + 1, 4}, 2) || (b[0] & 0xf8) == 0xd8)
                return false;
            c = (uint32_t)b[0] << 8 | b[1];
            from += 5;
        } else {
            unsigned i = 0;
            while (i < sizeof plain - 1 && plain[i] != (char)*from)
                i++;
            c = (uint8_t)meant[i];
            from++;
            if (!c)
                return false;
        }
        to = put_utf8(to, c);
        stop = look_again(from, end);
    }
    *text = (struct bytes){memory, (size_t)(to - memory)};
    return true;
}
