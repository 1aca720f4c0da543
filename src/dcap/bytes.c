// SPDX-License-Identifier: Apache-2.0
#include "dcap/bytes.h"

struct bytes dcap_bytes_of(const char *text) {
    size_t n = 0;
    while (text[n])
        n++;
    return (struct bytes){(const uint8_t *)text, n};
}

bool dcap_bytes_take(struct bytes *b, struct bytes literal) {
    if (b->len < literal.len || memcmp(b->ptr, literal.ptr, literal.len) != 0)
        return false;
    b->ptr += literal.len, b->len -= literal.len;
    return true;
}

struct dcap_cursor dcap_cursor_over(struct bytes b) {
    return (struct dcap_cursor){.at = b.ptr, .end = b.len ? b.ptr + b.len : b.ptr};
}

const uint8_t *dcap_take(struct dcap_cursor *c, size_t n) {
    if (c->failed || n > dcap_cursor_left(c)) {
        c->failed = true;
        return NULL;
    }
    const uint8_t *from = c->at;
    c->at += n;
    return from;
}

struct bytes dcap_take_bytes(struct dcap_cursor *c, size_t n) {
    const uint8_t *from = dcap_take(c, n);
    return (struct bytes){from, from ? n : 0};
}

uint64_t dcap_take_le(struct dcap_cursor *c, size_t n) {
    const uint8_t *from = dcap_take(c, n);
    uint64_t v = 0;
    while (from && n)
        v = v << 8 | from[--n];
    return v;
}

uint64_t dcap_take_be(struct dcap_cursor *c, size_t n) {
    const uint8_t *from = dcap_take(c, n);
    uint64_t v = 0;
    for (size_t i = 0; from && i < n; i++)
        v = v << 8 | from[i];
    return v;
}

void *dcap_arena_take(struct dcap_arena *a, size_t n) {
    size_t from = (a->used + 7) & ~(size_t)7;
    if (from > a->size || n > a->size - from)
        return NULL;
    a->used = from + n;
    return a->base + from;
}

struct dcap_writer dcap_write_into(struct dcap_arena *a) {
    uint8_t *at = dcap_arena_take(a, 0);
    return (struct dcap_writer){.arena = a, .start = at, .at = at, .end = a->base + a->size, .failed = !at};
}

void dcap_put(struct dcap_writer *w, const void *from, size_t n) {
    if (w->failed || n > (size_t)(w->end - w->at)) {
        w->failed = true;
        return;
    }
    if (n)
        memcpy(w->at, from, n);
    w->at += n;
}

void dcap_put_le(struct dcap_writer *w, uint64_t value, size_t n) {
    uint8_t b[8];
    for (size_t i = 0; i < n; i++, value >>= 8)
        b[i] = (uint8_t)value;
    dcap_put(w, b, n);
}

struct bytes dcap_written(struct dcap_writer *w) {
    if (w->failed)
        return (struct bytes){NULL, 0};
    w->arena->used = (size_t)(w->at - w->arena->base);
    return (struct bytes){w->start, (size_t)(w->at - w->start)};
}

// By a table, since which kind of digit comes next is as random as what it stands for.
static unsigned digit(uint8_t c) {
    static const uint8_t values[] = {// of '0' to 'f'
                                     0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  16, 16, 16, 16, 16, 16, 16, 10, 11,
                                     12, 13, 14, 15, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16,
                                     16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 10, 11, 12, 13, 14, 15};
    uint8_t i = (uint8_t)(c - '0');
    return i < sizeof values ? values[i] : 16;
}

bool dcap_hex_decode(uint8_t *out, struct bytes text, size_t n) {
    if (text.len % 2 || text.len / 2 != n)
        return false;
    for (size_t i = 0; i < n; i++) {
        unsigned high = digit(text.ptr[2 * i]), low = digit(text.ptr[2 * i + 1]);
        if ((high | low) > 15)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

const char *dcap_nth(const char *texts, unsigned n) {
    while (n) {
        if (!*texts++)
            n--;
    }
    return texts;
}

[[gnu::weak]] const uint8_t *dcap_text_behind(const char *text, const uint8_t *at, const uint8_t *end) {
    for (; *text; text++, at++) {
        if (at == end || (uint8_t)*text != *at)
            return NULL;
    }
    return at;
}

bool dcap_text_is(const char *text, const uint8_t *ptr, size_t len) {
    static const uint8_t nothing;
    ptr = len ? ptr : &nothing;
    return dcap_text_behind(text, ptr, ptr + len) == ptr + len;
}

unsigned dcap_index_of(struct bytes text, const char *texts, unsigned count) {
    unsigned i = 0;
    for (; i < count && !dcap_text_is(texts, text.ptr, text.len); i++)
        texts = dcap_nth(texts, 1);
    return i;
}

// Days from 1970-01-01: years begin in March, so that a leap day is a year's last one.
static uint32_t days_since_1970(uint32_t y, uint32_t m, uint32_t d) {
    y -= m < 3;
    uint32_t of_year = (153 * (m + (m < 3 ? 9 : -3u)) + 2) / 5 + d - 1;
    return 365 * y + y / 4 - y / 100 + y / 400 + of_year - 719468;
}

bool dcap_time_of_digits(uint64_t *out, const uint8_t digits[14]) {
    uint32_t pair[7]; // century, year, month, day, hour, minute, second
    for (unsigned i = 0; i < 7; i++) {
        unsigned high = digits[2 * i] - '0', low = digits[2 * i + 1] - '0';
        if (high > 9 || low > 9)
            return false;
        pair[i] = high * 10 + low;
    }
    static const uint8_t month_days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    uint32_t y = pair[0] * 100 + pair[1], m = pair[2], d = pair[3];
    bool leap = y % 4 == 0 && (y % 100 || y % 400 == 0);
    if (y < 1970 || m - 1 > 11 || d < 1 || d > month_days[m - 1] + (m == 2 && leap ? 1u : 0u) || pair[4] > 23 ||
        pair[5] > 59 || pair[6] > 59)
        return false;
    *out = (uint64_t)days_since_1970(y, m, d) * 86400 + pair[4] * 3600 + pair[5] * 60 + pair[6];
    return true;
}

bool dcap_time_of_iso(uint64_t *out, struct bytes text) {
    static const char shape[] = "dddd-dd-ddTdd:dd:ddZ";
    uint8_t digits[14];
    unsigned n = 0;
    if (text.len != sizeof shape - 1)
        return false;
    for (unsigned i = 0; i < sizeof shape - 1; i++) {
        if (shape[i] == 'd')
            digits[n++] = text.ptr[i];
        else if (text.ptr[i] != (uint8_t)shape[i])
            return false;
    }
    return dcap_time_of_digits(out, digits);
}

static char *put_digits(char *out, uint32_t n, uint32_t unit, char behind) {
    for (; unit; unit /= 10)
        *out++ = (char)('0' + n / unit % 10);
    *out++ = behind;
    return out;
}

// Years begin in March here, so that a leap day is a year's last one; 719,468 days lie between 0000-03-01 and 1970.
void dcap_iso_of_time(char out[DCAP_ISO_SIZE], uint64_t seconds) {
    uint32_t days = (uint32_t)(seconds / 86400) + 719468, of_day = (uint32_t)(seconds % 86400);
    uint32_t era = days / 146097, day = days % 146097;
    uint32_t year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    day -= 365 * year + year / 4 - year / 100;
    uint32_t month = (5 * day + 2) / 153;
    day -= (153 * month + 2) / 5;
    month = month < 10 ? month + 3 : month - 9;
    out = put_digits(out, era * 400 + year + (month <= 2), 1000, '-');
    out = put_digits(out, month, 10, '-');
    out = put_digits(out, day + 1, 10, 'T');
    out = put_digits(out, of_day / 3600, 10, ':');
    out = put_digits(out, of_day / 60 % 60, 10, ':');
    put_digits(out, of_day % 60, 10, 'Z');
}
