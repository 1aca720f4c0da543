// SPDX-License-Identifier: Apache-2.0
// The tokens of arguments, for the SDK's decoders, by the verifier's reader: in place of sdk/json_text.c. And strings
// without escapes, in place of the SDK's put_string.
#include "collateral.h"
#include "dcap/json.h"
#include "sdk/env.h"
#include "sdk/json_in.h"

// What a caller is told is the sentence of json_stop, not the fault.
static struct dcap_json over(const struct json_in *in) {
    static const uint8_t *names[DCAP_JSON_NAMES];
    return (struct dcap_json){(const uint8_t *)in->p, (const uint8_t *)in->end, &fault, DCAP_PART_NOTHING, names, 0, 0};
}

static struct text taken(struct json_in *in, const struct dcap_json *j, struct bytes b) {
    in->p += j->at - (const uint8_t *)in->p;
    return (struct text){(const char *)b.ptr, b.len};
}

char json_peek(struct json_in *in) {
    struct dcap_json j = over(in);
    uint8_t c = dcap_json_peek(&j);
    taken(in, &j, (struct bytes){NULL, 0});
    return (char)c;
}

struct text json_take_string(struct json_in *in) {
    struct dcap_json j = over(in);
    struct bytes b;
    if (!dcap_json_decoded(&b, &j, (uint8_t *)in->p))
        json_stop(in, ": expected a string");
    return taken(in, &j, b);
}

struct text json_take_value(struct json_in *in) {
    struct dcap_json j = over(in);
    struct bytes b;
    if (!dcap_json_raw(&b, &j))
        json_stop(in, ": not a JSON value");
    return taken(in, &j, b);
}

// What JSON takes for a number, of digits alone; no number of this contract has 20.
uint64_t json_take_u64(struct json_in *in, uint64_t max) {
    struct text t = json_take_value(in);
    uint64_t v = 0;
    bool whole = t.len < 20;
    for (size_t i = 0; i < t.len; i++) {
        uint8_t digit = (uint8_t)(t.ptr[i] - '0');
        whole &= digit < 10;
        v = v * 10 + digit;
    }
    if (!whole || v > max)
        json_stop(in, ": expected a whole number in range");
    return v;
}

bool plain(struct text t) {
    const uint8_t *p = (const uint8_t *)t.ptr;
    return !t.len || dcap_json_plain_end(p, p + t.len) == p + t.len;
}

// All texts that this contract keeps or shows are plain.
void put_string(struct out *o, struct text t) {
    if (!t.ptr) {
        put_null(o);
        return;
    }
    require(plain(t), "A text has characters that this contract does not show");
    put_value(o, TEXT("\""));
    out_raw(o, t);
    out_char(o, '"');
}
