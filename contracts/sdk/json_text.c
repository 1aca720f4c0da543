// SPDX-License-Identifier: Apache-2.0
// The tokens of arguments: strings decoded in place, numbers, values that are read over. A contract that has another
// strict reader besides may bring its own.
#include "env.h"
#include "json_in.h"

#define DEPTH_MAX 128

char json_peek(struct json_in *in) {
    char *p = in->p;
    while (p < in->end && (uint8_t)*p <= ' ' && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
        p++;
    in->p = p;
    return p < in->end ? *p : 0;
}

// --- strings

static uint32_t take_hex4(struct json_in *in) {
    uint32_t v = 0;
    if (in->end - in->p < 4)
        json_stop(in, ": a bad escape in a string");
    for (int i = 0; i < 4; i++) {
        char c = *in->p++;
        int d = c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
        if (d < 0)
            json_stop(in, ": a bad escape in a string");
        v = v << 4 | (uint32_t)d;
    }
    return v;
}

// A code point from \uXXXX, or from the pair that stands for one past U+FFFF.
static uint32_t take_code_point(struct json_in *in) {
    uint32_t high = take_hex4(in);
    if (high < 0xd800 || high > 0xdfff)
        return high;
    bool pair = high < 0xdc00 && in->end - in->p >= 2 && in->p[0] == '\\' && in->p[1] == 'u';
    if (pair) {
        in->p += 2;
        uint32_t low = take_hex4(in);
        if (low >= 0xdc00 && low <= 0xdfff)
            return 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
    }
    json_stop(in, ": a bad escape in a string");
}

static char *put_utf8(char *to, uint32_t c) {
    if (c < 0x80) {
        *to++ = (char)c;
        return to;
    }
    if (c < 0x800) {
        *to++ = (char)(0xc0 | c >> 6);
    } else {
        if (c < 0x10000) {
            *to++ = (char)(0xe0 | c >> 12);
        } else {
            *to++ = (char)(0xf0 | c >> 18);
            *to++ = (char)(0x80 | (c >> 12 & 63));
        }
        *to++ = (char)(0x80 | (c >> 6 & 63));
    }
    *to++ = (char)(0x80 | (c & 63));
    return to;
}

// After the backslash; the decoded character is never longer than its escape, so writing in place stays behind reading.
static char *take_escape(struct json_in *in, char *to, bool decode) {
    static const char from[] = "\"\\/bfnrt", into[] = "\"\\/\b\f\n\r\t";
    char c = in->p < in->end ? *in->p++ : 0;
    if (c == 'u') {
        uint32_t point = take_code_point(in);
        in->nul |= decode && point == 0;
        return decode ? put_utf8(to, point) : to;
    }
    for (size_t i = 0; i < sizeof from - 1; i++) {
        if (from[i] == c) {
            if (decode)
                *to = into[i];
            return to + 1;
        }
    }
    json_stop(in, ": a bad escape in a string");
}

// From the quote on.
static struct text take_string(struct json_in *in, bool decode) {
    char *start = ++in->p, *to = start;
    for (;;) {
        size_t n = text_plain(in->p, in->end);
        if (in->p + n < in->end && (uint8_t)in->p[n] >= 0x80 && !(n = n ? n : utf8_length(in->p, in->end)))
            json_stop(in, ": a string is not UTF-8");
        if (decode && to != in->p)
            memmove(to, in->p, n);
        to += n;
        in->p += n;
        if (in->p == in->end)
            break;
        char c = *in->p;
        if (c == '"') {
            in->p++;
            return (struct text){start, (size_t)(to - start)};
        }
        if (c == '\\') {
            in->p++;
            to = take_escape(in, to, decode);
        } else if ((uint8_t)c < 0x20) {
            json_stop(in, ": a control character in a string");
        }
    }
    json_stop(in, ": a string does not end");
}

static void expect_string(struct json_in *in) {
    if (json_peek(in) != '"')
        json_stop(in, ": expected a string");
}

struct text json_take_string(struct json_in *in) {
    expect_string(in);
    return take_string(in, true);
}

// --- numbers

static size_t take_digits(struct json_in *in) {
    char *start = in->p;
    while (in->p < in->end && *in->p >= '0' && *in->p <= '9')
        in->p++;
    return (size_t)(in->p - start);
}

static void skip_number(struct json_in *in) {
    bool minus = *in->p == '-';
    in->p += minus;
    char *first = in->p;
    size_t whole = take_digits(in);
    if (whole == 0 || (whole > 1 && *first == '0'))
        json_stop(in, ": not a JSON value");
    if (in->p < in->end && *in->p == '.') {
        in->p++;
        if (take_digits(in) == 0)
            json_stop(in, ": not a JSON value");
    }
    if (in->p < in->end && (*in->p | 32) == 'e') {
        in->p++;
        if (in->p < in->end && (*in->p == '+' || *in->p == '-'))
            in->p++;
        if (take_digits(in) == 0)
            json_stop(in, ": not a JSON value");
    }
}

uint64_t json_take_u64(struct json_in *in, uint64_t max) {
    char next = json_peek(in), *first = in->p;
    size_t n = next >= '0' && next <= '9' ? take_digits(in) : 0;
    bool whole = n > 0 && !(n > 1 && *first == '0') && !(in->p < in->end && (*in->p == '.' || (*in->p | 32) == 'e'));
    uint64_t v = 0;
    for (size_t i = 0; whole && i < n; i++) {
        uint32_t d = (uint32_t)(first[i] - '0');
        whole = v < UINT64_MAX / 10 || (v == UINT64_MAX / 10 && d <= UINT64_MAX % 10);
        v = v * 10 + d;
    }
    if (whole && v <= max)
        return v;
    char buffer[64];
    struct out o = OUT(buffer);
    out_str(&o, ": expected a whole number from 0 to ");
    out_number(&o, max);
    out_char(&o, 0);
    json_stop(in, buffer);
}

// --- values that are read over

static void skip_scalar(struct json_in *in) {
    char c = json_peek(in);
    if (c == '"')
        take_string(in, false);
    else if (c == '-' || (c >= '0' && c <= '9'))
        skip_number(in);
    else if (!json_take_word(in, TEXT("true")) && !json_take_word(in, TEXT("false")) &&
             !json_take_word(in, TEXT("null")))
        json_stop(in, ": not a JSON value");
}

static void skip_name(struct json_in *in) {
    expect_string(in);
    take_string(in, false);
    json_expect(in, ':');
}

// From behind the opening bracket on.
static void skip_entries(struct json_in *in, char open) {
    char close = open == '{' ? '}' : ']';
    if (in->depth++ == DEPTH_MAX)
        json_stop(in, ": nested too deeply");
    if (json_peek(in) != close) {
        do {
            if (open == '{')
                skip_name(in);
            json_take_value(in);
        } while (json_take(in, ','));
    }
    json_expect(in, close);
    in->depth--;
}

struct text json_take_value(struct json_in *in) {
    char c = json_peek(in), *start = in->p;
    if (c == '{' || c == '[') {
        in->p++;
        skip_entries(in, c);
    } else {
        skip_scalar(in);
    }
    return (struct text){start, (size_t)(in->p - start)};
}
