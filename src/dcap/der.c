// SPDX-License-Identifier: Apache-2.0
#include "dcap/der.h"
#include "dcap/p256_point.h"

// The tag has been looked at.
static bool take_content(struct bytes *content, struct bytes *in) {
    if (in->len < 2)
        return false;
    const uint8_t *p = in->ptr + 2;
    size_t len = p[-1], left = in->len - 2;
    if (len >= 0x80) {
        size_t digits = len - 0x80; // none: the indefinite form
        if (digits == 0 || digits > 3 || digits > left || p[0] == 0)
            return false;
        left -= digits;
        for (len = 0; digits > 0; digits--)
            len = len << 8 | *p++;
        if (len < 0x80)
            return false;
    }
    if (len > left)
        return false;
    *content = (struct bytes){p, len};
    *in = (struct bytes){p + len, left - len};
    return true;
}

bool dcap_der_next(uint8_t *tag, struct bytes *content, struct bytes *in) {
    if (in->len == 0 || (in->ptr[0] & 0x1f) == 0x1f)
        return false;
    *tag = in->ptr[0];
    return take_content(content, in);
}

bool dcap_der_is(struct bytes in, uint8_t tag) { return in.len > 0 && *in.ptr == tag; }

bool dcap_der_take(struct bytes *content, struct bytes *in, uint8_t tag) {
    return in->len > 0 && *in->ptr == tag && take_content(content, in);
}

bool dcap_der_only(struct bytes *content, struct bytes in, uint8_t tag) {
    return dcap_der_take(content, &in, tag) && in.len == 0;
}

bool dcap_der_unsigned(struct bytes *number, struct bytes *in, uint8_t tag, size_t max) {
    struct bytes n;
    if (!dcap_der_take(&n, in, tag) || n.len == 0 || n.ptr[0] >= 0x80)
        return false;
    if (n.ptr[0] == 0) {
        if (n.len > 1 && n.ptr[1] < 0x80)
            return false;
        n.ptr++, n.len--;
    }
    *number = n;
    return n.len <= max;
}

bool dcap_der_small(uint32_t *number, struct bytes *in, uint8_t tag, uint32_t max) {
    struct bytes n;
    if (!dcap_der_unsigned(&n, in, tag, sizeof *number))
        return false;
    uint32_t value = 0;
    for (; n.len > 0; n.len--)
        value = value << 8 | *n.ptr++;
    *number = value;
    return value <= max;
}

bool dcap_der_boolean(bool *value, struct bytes *in) {
    struct bytes b;
    if (!dcap_der_take(&b, in, DER_BOOLEAN) || b.len != 1)
        return false;
    *value = b.ptr[0] == 0xff;
    return *value || b.ptr[0] == 0;
}

bool dcap_der_time(uint64_t *seconds, struct bytes *in) {
    static const uint64_t year_2050 = 2524608000;
    struct bytes t;
    uint8_t tag, digits[14] = {'2', '0'};
    if (!dcap_der_next(&tag, &t, in) || (tag != DER_UTC_TIME && tag != DER_GENERALIZED_TIME))
        return false;
    size_t century = tag == DER_UTC_TIME ? 2 : 0; // digits that UTCTime leaves out
    if (t.len + century != sizeof digits + 1 || t.ptr[t.len - 1] != 'Z')
        return false;
    memcpy(digits + century, t.ptr, sizeof digits - century);
    if (century && digits[2] >= '5')
        digits[0] = '1', digits[1] = '9';
    return dcap_time_of_digits(seconds, digits) && (century || *seconds >= year_2050);
}

bool dcap_der_signature(uint8_t out[64], struct bytes in) {
    struct bytes pair, number;
    if (!dcap_der_only(&pair, in, DER_SEQUENCE))
        return false;
    memset(out, 0, 64);
    for (uint8_t *end = out + 32; end <= out + 64; end += 32) {
        if (!dcap_der_unsigned(&number, &pair, DER_INTEGER, 32))
            return false;
        memcpy(end - number.len, number.ptr, number.len);
    }
    return pair.len == 0 && dcap_p256_in_range(out);
}
