// SPDX-License-Identifier: Apache-2.0
// Strict DER, cut from the front of a run of bytes: definite lengths in their shortest form, one-byte tags, integers in
// their shortest form, TRUE as FF. What holds elements is walked by those who know its form, so that depth is bounded
// by the code. Each function takes one element off *in; after false nothing that it filled counts, and the whole
// structure is refused.
#pragma once
#include "dcap/bytes.h"

enum dcap_der_tag {
    DER_BOOLEAN = 0x01,
    DER_INTEGER = 0x02,
    DER_BIT_STRING = 0x03,
    DER_OCTET_STRING = 0x04,
    DER_OID = 0x06,
    DER_ENUMERATED = 0x0a,
    DER_UTC_TIME = 0x17,
    DER_GENERALIZED_TIME = 0x18,
    DER_SEQUENCE = 0x30,
    DER_SET = 0x31,
    DER_CONTEXT = 0x80,  // + n: [n] with a value
    DER_EXPLICIT = 0xa0, // + n: [n] with elements
};

// Any element.
[[nodiscard]] bool dcap_der_next(uint8_t *tag, struct bytes *content, struct bytes *in);
// Whether the next element begins with this tag; false at the end.
[[nodiscard]] bool dcap_der_is(struct bytes in, uint8_t tag);
[[nodiscard]] bool dcap_der_take(struct bytes *content, struct bytes *in, uint8_t tag);
// `in` is one element of this tag and nothing behind it.
[[nodiscard]] bool dcap_der_only(struct bytes *content, struct bytes in, uint8_t tag);
// A number (INTEGER, or ENUMERATED as `tag` says) that is not negative and has at most max bytes: big endian without
// leading zeros, so that 0 has none.
[[nodiscard]] bool dcap_der_unsigned(struct bytes *number, struct bytes *in, uint8_t tag, size_t max);
// The same as a value.
[[nodiscard]] bool dcap_der_small(uint32_t *number, struct bytes *in, uint8_t tag, uint32_t max);
[[nodiscard]] bool dcap_der_boolean(bool *value, struct bytes *in);
// UTCTime up to 2049 and GeneralizedTime from 2050 on, with seconds and Z, as RFC 5280 has them: seconds since 1970.
[[nodiscard]] bool dcap_der_time(uint64_t *seconds, struct bytes *in);
// An ECDSA-Sig-Value as r ‖ s, 32 bytes each, both in the group's range.
[[nodiscard]] bool dcap_der_signature(uint8_t out[64], struct bytes in);
