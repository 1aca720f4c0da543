// SPDX-License-Identifier: Apache-2.0
#include "dcap/report_json.h"

static const char hex_digits[16] = "0123456789abcdef";
#define TIME_MAX 253402300799u // the last second of the year 9999

struct dcap_out dcap_out_into(struct dcap_arena *a) {
    return (struct dcap_out){dcap_write_into(a), false};
}

static void put_char(struct dcap_out *o, char c) { dcap_put(&o->w, &c, 1); }

void dcap_out_piece(struct dcap_out *o, const char *words) { dcap_put(&o->w, words, dcap_bytes_of(words).len); }

static void put_name(struct dcap_out *o, const char *name) {
    if (o->behind)
        put_char(o, ',');
    o->behind = true;
    if (name) {
        put_char(o, '"');
        dcap_out_piece(o, name);
        dcap_out_piece(o, "\":");
    }
}

void dcap_out_begin(struct dcap_out *o, const char *name) {
    put_name(o, name);
    put_char(o, '"');
}

void dcap_out_end(struct dcap_out *o) { put_char(o, '"'); }

void dcap_out_bytes(struct dcap_out *o, struct bytes text) {
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        if (c >= ' ' && c < 0x7f && c != '"' && c != '\\') {
            dcap_put(&o->w, &c, 1);
            continue;
        }
        const char escape[6] = {'\\', 'u', '0', '0', hex_digits[c >> 4], hex_digits[c & 15]};
        dcap_put(&o->w, escape, sizeof escape);
    }
}

void dcap_out_text(struct dcap_out *o, const char *name, struct bytes text) {
    dcap_out_begin(o, name);
    dcap_out_bytes(o, text);
    dcap_out_end(o);
}

void dcap_out_words(struct dcap_out *o, const char *name, const char *words) {
    if (!words) {
        put_name(o, name);
        dcap_out_piece(o, "null");
        return;
    }
    dcap_out_begin(o, name);
    dcap_out_piece(o, words);
    dcap_out_end(o);
}

void dcap_out_hex(struct dcap_out *o, const char *name, struct bytes value) {
    if (!value.len) {
        dcap_out_words(o, name, NULL);
        return;
    }
    dcap_out_begin(o, name);
    for (size_t i = 0; i < value.len; i++) {
        put_char(o, hex_digits[value.ptr[i] >> 4]);
        put_char(o, hex_digits[value.ptr[i] & 15]);
    }
    dcap_out_end(o);
}

void dcap_out_digits(struct dcap_out *o, uint64_t value) {
    char text[20];
    size_t at = sizeof text;
    do
        text[--at] = (char)('0' + value % 10);
    while (value /= 10);
    dcap_put(&o->w, text + at, sizeof text - at);
}

void dcap_out_number(struct dcap_out *o, const char *name, uint64_t value) {
    put_name(o, name);
    dcap_out_digits(o, value);
}

void dcap_out_flag(struct dcap_out *o, const char *name, bool value) {
    put_name(o, name);
    dcap_out_piece(o, value ? "true" : "false");
}

void dcap_out_iso(struct dcap_out *o, uint64_t seconds) {
    char text[DCAP_ISO_SIZE];
    dcap_iso_of_time(text, seconds < TIME_MAX ? seconds : TIME_MAX);
    dcap_put(&o->w, text, sizeof text);
}

void dcap_out_date(struct dcap_out *o, const char *name, uint64_t seconds) {
    dcap_out_begin(o, name);
    dcap_out_iso(o, seconds);
    dcap_out_end(o);
}

void dcap_out_open(struct dcap_out *o, const char *name, char bracket) {
    put_name(o, name);
    put_char(o, bracket);
    o->behind = false;
}

void dcap_out_close(struct dcap_out *o, char bracket) {
    put_char(o, bracket);
    o->behind = true;
}
