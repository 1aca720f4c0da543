// SPDX-License-Identifier: Apache-2.0
// Stored records: values of a fixed order of fields, encoded like borsh (little endian, texts with a 32-bit length). A
// record begins with a version byte, so that a later contract can read what an earlier one wrote.
#pragma once
#include "json_out.h"

struct rec_out {
    uint8_t *buf;
    size_t len, cap;
};
#define REC_OUT(array) ((struct rec_out){(array), 0, sizeof(array)})
void rec_put_bytes(struct rec_out *r, const void *bytes, size_t len); // without length
void rec_put_u8(struct rec_out *r, uint8_t v);
void rec_put_u32(struct rec_out *r, uint32_t v);
void rec_put_u64(struct rec_out *r, uint64_t v);
void rec_put_yocto(struct rec_out *r, struct yocto v);
void rec_put_text(struct rec_out *r, struct text t); // NULL becomes an empty text
void rec_put_account(struct rec_out *r, const struct account *a);
void rec_put_hash(struct rec_out *r, const struct hash *h);

// Reading stops the call with words when the record is shorter than its fields. Texts point into the record.
struct rec_in {
    const uint8_t *p, *end;
};
uint8_t rec_take_u8(struct rec_in *r);
uint32_t rec_take_u32(struct rec_in *r);
uint64_t rec_take_u64(struct rec_in *r);
struct yocto rec_take_yocto(struct rec_in *r);
struct text rec_take_text(struct rec_in *r); // an empty text has a pointer
struct text rec_take_text_or_null(struct rec_in *r);
struct account rec_take_account(struct rec_in *r);
struct hash rec_take_hash(struct rec_in *r);
void rec_take_version(struct rec_in *r, uint8_t version); // stops on another one

// A record by table: an entry for each member, in the order of the record. Numbers, hashes and structs without gaps are
// written as they stand in memory.
struct rec_field {
    uint8_t kind; // bytes of a member that is written as it stands, or an enum rec_kind
    uint8_t count;
    uint16_t offset;
};
enum rec_kind {
    REC_KIND_TEXT = 0xf0, // struct text; an empty one is read as NULL
    REC_KIND_ACCOUNT,
    REC_KIND_NUMBER, // of 8 or 16 bytes: those up to the highest that is not zero, after their number
    REC_KIND_FLAG,   // a byte; where it is 0 the next `count` members are not there
};
#define REC_SIZE(type, member) sizeof(((type *)0)->member)
#define REC_RAW(type, member)                                                                                          \
    { REC_SIZE(type, member), 0, offsetof(type, member) }
#define REC_STRING(type, member)                                                                                       \
    { REC_KIND_TEXT, 0, offsetof(type, member) }
#define REC_WHO(type, member)                                                                                          \
    { REC_KIND_ACCOUNT, 0, offsetof(type, member) }
#define REC_NUMBER(type, member)                                                                                       \
    { REC_KIND_NUMBER, REC_SIZE(type, member), offsetof(type, member) }
#define REC_FLAG(type, member, count)                                                                                  \
    { REC_KIND_FLAG, (count), offsetof(type, member) }
struct rec_shape {
    const struct rec_field *fields;
    size_t count;
};
#define REC_SHAPE(fields)                                                                                              \
    { (fields), sizeof(fields) / sizeof(fields)[0] }
void rec_put_shape(struct rec_out *r, const struct rec_shape *shape, const void *from);
void rec_take_shape(struct rec_in *r, const struct rec_shape *shape, void *to); // *to is zeroed by the caller

// A key of one letter and a number: 9 bytes.
struct key {
    uint8_t b[9];
};
struct key key_of(char letter, uint64_t number);

void store_put(struct text key, struct text value);
// false: nothing is stored under the key. Stops when the value does not fit.
bool store_get(struct text key, void *buf, size_t cap, size_t *len);
bool store_has(struct text key);
bool store_remove(struct text key);
uint64_t store_usage(void); // bytes that the account's state takes, as of now
#define RECORD_BYTES 40     // that a record binds beside its key and value
// Money that a byte of state binds while it is stored.
#define BYTE_STAKE ((u128)10000000000000000000u)
struct yocto stake_of(uint64_t bytes);

// Views of the SDK's fixed-size things as keys and values.
#define KEY_TEXT(k) ((struct text){(const char *)(k).b, sizeof(k).b})
#define REC_TEXT(r) ((struct text){(const char *)(r).buf, (r).len})
