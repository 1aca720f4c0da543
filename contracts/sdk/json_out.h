// SPDX-License-Identifier: Apache-2.0
// Text and JSON into a buffer of fixed size. What does not fit stops the call with words; commas are set by themselves.
#pragma once
#include "money.h"

struct out {
    char *buf;
    size_t len, cap;
    bool quoted; // what is written stands inside a JSON string
    bool due;    // a comma, before the next value
};
#define OUT(array) out_into((array), sizeof(array))
struct out out_into(char *buf, size_t cap);
struct text out_text(const struct out *o);

// --- plain text
void out_char(struct out *o, char c);
void out_raw(struct out *o, struct text t);
void out_str(struct out *o, const char *s);
void out_number(struct out *o, uint64_t n);
void out_amount(struct out *o, struct yocto a);

// --- JSON values; each begins with a comma where one is due
void put_open(struct out *o, char bracket);  // '{' or '['
void put_close(struct out *o, char bracket); // '}' or ']'
void put_key(struct out *o, const char *name);
void put_null(struct out *o);
void put_bool(struct out *o, bool b);
void put_number(struct out *o, uint64_t n);
void put_string(struct out *o, struct text t);       // NULL text: null
void put_amount(struct out *o, struct yocto a);      // a decimal string
void put_bare_amount(struct out *o, struct yocto a); // a number
void put_value(struct out *o, struct text value);    // JSON text as it stands
void put_bytes(struct out *o, struct text bytes);    // an array of numbers; needs room for four bytes for each
void put_hex(struct out *o, const struct hash *h);   // NULL: null
void put_base64(struct out *o, struct text bytes);
// An object as the text of a string: between these two everything is escaped once more, by itself.
void put_quoted_open(struct out *o);
void put_quoted_close(struct out *o);

// --- members: a key and its value
void member_null(struct out *o, const char *key);
void member_bool(struct out *o, const char *key, bool b);
void member_number(struct out *o, const char *key, uint64_t n);
void member_string(struct out *o, const char *key, struct text t); // NULL text: null
void member_amount(struct out *o, const char *key, struct yocto a);
void member_hex(struct out *o, const char *key, const struct hash *h); // NULL: null
void member_open(struct out *o, const char *key, char bracket);
size_t json_quoted_length(struct text t); // bytes that put_string would write

// --- many members of one struct, by table
// Numbers and hashes that may be null.
struct maybe_u64 {
    bool given;
    uint64_t value;
};
struct maybe_hash {
    bool given;
    struct hash value;
};
enum json_kind {
    JSON_U8, // uint8_t or bool as a number
    JSON_U32,
    JSON_U64,
    JSON_U64_TEXT, // in quotes, for readers that would lose digits
    JSON_MAYBE_U64,
    JSON_BOOL,
    JSON_TEXT,
    JSON_ACCOUNT,
    JSON_AMOUNT,
    JSON_BARE_AMOUNT, // a number
    JSON_HASH_BYTES,  // an array of numbers
    JSON_MAYBE_HASH,  // in hexadecimal digits
    JSON_OPEN,        // an object begins
    JSON_CLOSE        // and ends; no name
};
struct json_member {
    const char *name;
    uint8_t name_len, kind;
    uint16_t offset;
};
#define JSON_MEMBER(kind, name, type, member)                                                                          \
    { (name), sizeof(name) - 1, JSON_##kind, offsetof(type, member) }
#define JSON_OBJECT(name)                                                                                              \
    { (name), sizeof(name) - 1, JSON_OPEN, 0 }
#define JSON_OBJECT_END                                                                                                \
    { "", 0, JSON_CLOSE, 0 }
void put_members(struct out *o, const struct json_member *members, size_t count, const void *from);
#define PUT_ALL(o, members, from) put_members((o), (members), sizeof(members) / sizeof(members)[0], (from))
