// SPDX-License-Identifier: Apache-2.0
#include "args.h"
#include "collateral.h"

// --- decoders of this contract's own types

// An object, or a text that holds one; both as they are, without the quotes.
static void read_document(struct json_in *in, void *out, const void *more) {
    (void)more;
    *(struct text *)out = json_peek(in) == '"' ? json_take_string(in) : json_take_value(in);
}

static void read_role(struct json_in *in, void *out, const void *more) {
    (void)more;
    struct text name = json_take_string(in);
    uint8_t role = text_eq(name, TEXT("keystore")) ? ROLE_KEYSTORE : ROLE_WORKER;
    if (!text_eq(name, text_of(role_names[role])))
        json_stop(in, ": expected worker or keystore");
    *(uint8_t *)out = role;
}

static void read_maybe_hash(struct json_in *in, void *out, const void *more) {
    (void)more;
    struct maybe_hash *m = out;
    if (!hex_take(m->value.b, json_take_string(in), HASH_SIZE))
        json_stop(in, ": expected 64 hexadecimal digits");
    m->given = true;
}

static void read_maybe_bool(struct json_in *in, void *out, const void *more) {
    struct maybe_bool *m = out;
    json_read_bool(in, &m->value, more);
    m->given = true;
}

static _Noreturn void stop_register(const struct json_in *in, const char *what) {
    struct out *o = sentence();
    out_str(o, "Invalid ");
    for (const char *p = in->field; *p; p++)
        out_char(o, *p >= 'a' && *p <= 'z' ? (char)(*p - 32) : *p);
    out_str(o, " format: ");
    out_str(o, what);
    stop_out(o);
}

static void take_register(struct json_in *in, uint8_t b[static REGISTER_SIZE]) {
    struct text t = json_take_string(in);
    if (t.len != 2 * REGISTER_SIZE)
        stop_register(in, "expected 96 hex characters");
    if (!hex_take(b, t, REGISTER_SIZE))
        stop_register(in, "must be hex string");
}

static void read_register(struct json_in *in, void *out, const void *more) {
    (void)more;
    struct maybe_register *r = out;
    take_register(in, r->b);
    r->given = true;
}

// One, or an array of up to IMAGE_SHAPES_MAX.
static void read_registers(struct json_in *in, void *out, const void *more) {
    (void)more;
    struct registers *r = out;
    bool array = json_take(in, '[');
    do {
        if (r->count == IMAGE_SHAPES_MAX)
            json_stop(in, ": at most 8 values");
        take_register(in, r->b[r->count++]);
    } while (array && json_take(in, ','));
    if (array)
        json_expect(in, ']');
}

// clang-format off
#define TYPES(T) \
    T(BOOL, bool, json_read_bool, NULL) \
    T(TEXT, struct text, json_read_text, NULL) \
    T(DOCUMENT, struct text, read_document, NULL) \
    T(ACCOUNT, struct account, json_read_account, NULL) \
    T(MAYBE_U64, struct maybe_u64, json_read_maybe_u64, NULL) \
    T(MAYBE_U32, struct maybe_u32, json_read_maybe_u32, NULL) \
    T(MAYBE_YOCTO, struct maybe_yocto, json_read_maybe_yocto, NULL) \
    T(MAYBE_HASH, struct maybe_hash, read_maybe_hash, NULL) \
    T(MAYBE_BOOL, struct maybe_bool, read_maybe_bool, NULL) \
    T(RAW, struct json_raw, json_read_raw, NULL) \
    T(ROLE, uint8_t, read_role, NULL) \
    T(REGISTER, struct maybe_register, read_register, NULL) \
    T(REGISTERS, struct registers, read_registers, NULL) \
    T(MEASUREMENTS, struct maybe_register, read_object, members_MEASUREMENTS)
// clang-format on
#include "sdk/entry_table.h"

const struct args *entry_begin(const uint8_t *list, const char *name) {
    entry_empty();
#ifndef __wasm__ // as the arguments
    given = (struct given){0};
#endif
    entry_read(list, name);
    return &args;
}

unsigned each_text(struct text json, const char *field, unsigned most, void (*take)(struct text t)) {
    struct json_in in = {.p = (char *)(uintptr_t)json.ptr, .field = field};
    in.end = in.p + json.len;
    unsigned n = 0;
    json_expect(&in, '[');
    if (json_take(&in, ']'))
        return 0;
    do {
        if (n++ == most)
            json_stop(&in, ": too many entries");
        take(json_take_string(&in));
    } while (json_take(&in, ','));
    json_expect(&in, ']');
    return n;
}
