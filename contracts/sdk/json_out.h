// SPDX-License-Identifier: Apache-2.0
// Text and JSON into a buffer of fixed size. What does not fit stops the call with words; commas are set by themselves.
#pragma once
#include "money.h"

struct out {
    char *buf;
    size_t len, cap;
};
#define OUT(array) ((struct out){(array), 0, sizeof(array)})
struct text out_text(const struct out *o);

// --- plain text
void out_char(struct out *o, char c);
void out_raw(struct out *o, struct text t);
void out_str(struct out *o, const char *s);
void out_number(struct out *o, uint64_t n);
void out_amount(struct out *o, struct yocto a);

// --- JSON values; each begins with a comma where one is due
void json_open(struct out *o, char bracket);  // '{' or '['
void json_close(struct out *o, char bracket); // '}' or ']'
void json_key(struct out *o, const char *name);
void json_null(struct out *o);
void json_bool(struct out *o, bool b);
void json_number(struct out *o, uint64_t n);
void json_string(struct out *o, struct text t);    // NULL text: null
void json_amount(struct out *o, struct yocto a);   // a decimal string
void json_value(struct out *o, struct text value); // JSON text as it stands
void json_bytes(struct out *o, struct text bytes); // an array of numbers
void json_hex(struct out *o, const struct hash *h);
void json_base64(struct out *o, struct text bytes);
// --- members: a key and its value
void json_put_null(struct out *o, const char *key);
void json_put_bool(struct out *o, const char *key, bool b);
void json_put_number(struct out *o, const char *key, uint64_t n);
void json_put_string(struct out *o, const char *key, struct text t); // NULL text: null
void json_put_amount(struct out *o, const char *key, struct yocto a);
void json_put_hex(struct out *o, const char *key, const struct hash *h); // NULL: null
void json_put_open(struct out *o, const char *key, char bracket);
size_t json_string_length(struct text t); // bytes that json_string would write
