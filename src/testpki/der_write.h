// SPDX-License-Identifier: Apache-2.0
// DER as the test PKI writes it: every piece is a slice in the arena, and bigger ones are made of smaller ones.
#pragma once
#include "base/arena.h"

enum pki_tag {
    DER_BOOL = 0x01,
    DER_INT = 0x02,
    DER_BITS = 0x03,
    DER_OCTETS = 0x04,
    DER_OID = 0x06,
    DER_ENUM = 0x0a,
    DER_UTF8 = 0x0c,
    DER_PRINTABLE = 0x13,
    DER_UTC_TIME = 0x17,
    DER_TIME = 0x18,
    DER_SEQ = 0x30,
    DER_SET = 0x31,
    DER_CONTEXT = 0x80, // with the number added
    DER_CONTEXT_NESTED = 0xa0,
};

// Tag, length, and the parts one behind another.
struct slice pki_der_of(struct arena *a, unsigned tag, size_t n, const struct slice *parts);
#define DER(a, tag, ...)                                                                                               \
    pki_der_of(a, tag, sizeof((struct slice[]){__VA_ARGS__}) / sizeof(struct slice), (struct slice[]){__VA_ARGS__})
struct slice pki_der_number(struct arena *a, unsigned tag, uint64_t n); // DER_INT or DER_ENUM
struct slice pki_der_integer(struct arena *a, struct slice big_endian); // unsigned, without leading zeros of its own
struct slice pki_der_bool(struct arena *a, bool value);
struct slice pki_der_oid(struct arena *a, const char *dotted);
struct slice pki_der_bits(struct arena *a, unsigned unused, struct slice bytes);
// UTCTime to 2049, GeneralizedTime from 2050 on, as RFC 5280 has it.
struct slice pki_der_time(struct arena *a, int64_t seconds);
// SEQUENCE{r, s} of a raw signature.
struct slice pki_der_ecdsa(struct arena *a, const uint8_t raw[64]);
