// SPDX-License-Identifier: Apache-2.0
// The reader of arguments: the verifier's strict tokens, and the tables of methods.h. The SDK's would be a second
// reader of JSON. What is read stands in one place, so nothing is handed it.
#include "args.h"
#include "collateral.h"
#include "dcap/json.h"

// --- the tables: names as a list, so that they are packed, and what each is

// The types of arguments, T(name, C type). The maybe ones come last: they begin with whether they are given.
#define TYPES(T)                                                                                                       \
    T(BOOL, bool)                                                                                                      \
    T(TEXT, struct text)                                                                                               \
    T(DOCUMENT, struct text)                                                                                           \
    T(ACCOUNT, struct account)                                                                                         \
    T(RAW, struct json_raw)                                                                                            \
    T(ROLE, uint8_t)                                                                                                   \
    T(REGISTERS, struct registers)                                                                                     \
    T(MEASUREMENTS, struct maybe_register)                                                                             \
    T(MAYBE_U64, struct maybe_u64)                                                                                     \
    T(MAYBE_U32, struct maybe_u32)                                                                                     \
    T(MAYBE_YOCTO, struct maybe_yocto)                                                                                 \
    T(MAYBE_HASH, struct maybe_hash)                                                                                   \
    T(MAYBE_BOOL, struct maybe_bool)                                                                                   \
    T(REGISTER, struct maybe_register)

#include "sdk/entry_lists.h"

// clang-format off
#define A(name, type, member, doc) {offsetof(struct args, member), TYPE_##type},
static const struct {
    uint16_t offset;
    uint8_t type;
} known[] = {ARGUMENTS(A)};
#undef A
#define A(name, type, member, doc) #name "\0"
static const char names[] = ARGUMENTS(A);
#undef A
// clang-format on
_Static_assert(ARG_COUNT <= 64, "a word has a bit for each argument");

// --- what is read

static struct args args;
static struct dcap_json in;
static unsigned field;     // the argument whose value stands there; ARG_COUNT: none
static struct text inside; // the object that an argument is; it is read behind the others

static void read_from(struct text t) {
    static const uint8_t *seen[DCAP_JSON_NAMES];
    const uint8_t *at = (const uint8_t *)t.ptr;
    in = (struct dcap_json){at, at + t.len, &fault, DCAP_PART_NOTHING, seen, 0, 0};
}

// The beginning of what a client of NEAR contracts knows.
static struct out *refusal(const char *what) {
    struct out *o = sentence();
    out_str(o, "Failed to deserialize input from JSON. ");
    out_str(o, what);
    return o;
}

static struct out *about_field(const char *what) {
    struct out *o = refusal(what);
    out_str(o, field < ARG_COUNT ? dcap_nth(names, field) : "the arguments");
    return o;
}

static _Noreturn void stop_value(const char *what) {
    struct out *o = about_field("");
    out_str(o, what);
    stop_out(o);
}

// --- tokens

static bool take(uint8_t c) {
    if (dcap_json_peek(&in) != c)
        return false;
    in.at++;
    return true;
}

static void expect(char c) {
    if (take((uint8_t)c))
        return;
    struct out *o = about_field("");
    out_str(o, ": expected ");
    out_char(o, c);
    stop_out(o);
}

static struct text take_string(void) {
    struct bytes b;
    if (!dcap_json_decoded(&b, &in, (uint8_t *)(uintptr_t)in.at))
        stop_value(": expected a string");
    return (struct text){(const char *)b.ptr, b.len};
}

static struct text take_value(void) {
    struct bytes b;
    if (!dcap_json_raw(&b, &in))
        stop_value(": not a JSON value");
    return (struct text){(const char *)b.ptr, b.len};
}

// What JSON takes for a number, of digits alone; no number of this contract has 20.
static uint64_t take_number(uint64_t max) {
    struct text t = take_value();
    uint64_t v = 0;
    bool whole = t.len < 20;
    for (size_t i = 0; i < t.len; i++) {
        uint8_t digit = (uint8_t)(t.ptr[i] - '0');
        whole &= digit < 10;
        v = v * 10 + digit;
    }
    if (!whole || v > max)
        stop_value(": expected a whole number in range");
    return v;
}

// Which of the words it is.
static uint8_t one_of(struct text t, const char *words, unsigned count, const char *what) {
    unsigned i = dcap_index_of((struct bytes){(const uint8_t *)t.ptr, t.len}, words, count);
    if (i == count)
        stop_value(what);
    return (uint8_t)i;
}

static bool take_bool(void) { return one_of(take_value(), "false\0true", 2, ": expected true or false"); }

// --- values

static _Noreturn void stop_register(const char *what) {
    struct out *o = sentence();
    out_str(o, "Invalid ");
    out_str(o, dcap_nth(names, field));
    for (size_t i = sizeof "Invalid"; i < o->len; i++) // of digits and letters alone
        o->buf[i] -= o->buf[i] >= 'a' ? 'a' - 'A' : 0;
    out_str(o, " format: ");
    out_str(o, what);
    stop_out(o);
}

static void take_register(uint8_t b[static REGISTER_SIZE]) {
    struct text t = take_string();
    if (t.len != 2 * REGISTER_SIZE)
        stop_register("expected 96 hex characters");
    if (!hex_take(b, t, REGISTER_SIZE))
        stop_register("must be hex string");
}

// One, or an array of up to IMAGE_SHAPES_MAX.
static void take_registers(struct registers *r) {
    bool array = take('[');
    do {
        if (r->count == IMAGE_SHAPES_MAX)
            stop_value(": at most 8 values");
        take_register(r->b[r->count++]);
    } while (array && take(','));
    if (array)
        expect(']');
}

static void take_account(struct account *a) {
    struct text t = take_string();
    if (!account_valid(t))
        stop_value(": not an account id");
    *a = account_of(t);
}

static void take_argument(void) {
    enum type type = known[field].type;
    void *at = (char *)&args + known[field].offset;
    if (type >= TYPE_MAYBE_U64)
        *(bool *)at = true;
    switch (type) {
    case TYPE_BOOL: *(bool *)at = take_bool(); break;
    case TYPE_TEXT: *(struct text *)at = take_string(); break;
    // An object, or a text that holds one; both as they are, without the quotes.
    case TYPE_DOCUMENT: *(struct text *)at = dcap_json_peek(&in) == '"' ? take_string() : take_value(); break;
    case TYPE_ACCOUNT: take_account(at); break;
    case TYPE_RAW: ((struct json_raw *)at)->text = take_value(); break;
    case TYPE_ROLE: *(uint8_t *)at = one_of(take_string(), role_words, ROLES, ": expected worker or keystore"); break;
    case TYPE_REGISTERS: take_registers(at); break;
    case TYPE_MEASUREMENTS: inside = take_value(); break;
    case TYPE_MAYBE_U64: ((struct maybe_u64 *)at)->value = take_number(UINT64_MAX); break;
    case TYPE_MAYBE_U32: ((struct maybe_u32 *)at)->value = (uint32_t)take_number(UINT32_MAX); break;
    case TYPE_MAYBE_YOCTO:
        if (!yocto_parse(&((struct maybe_yocto *)at)->value, take_string()))
            stop_value(": expected yoctoNEAR as a string of digits");
        break;
    case TYPE_MAYBE_HASH:
        if (!hex_take(((struct maybe_hash *)at)->value.b, take_string(), HASH_SIZE))
            stop_value(": expected 64 hexadecimal digits");
        break;
    case TYPE_MAYBE_BOOL: ((struct maybe_bool *)at)->value = take_bool(); break;
    case TYPE_REGISTER: take_register(((struct maybe_register *)at)->b); break;
    }
}

// --- objects

#define NAME_SHOWN 64 // bytes of a foreign name that a sentence repeats

static _Noreturn void stop_unknown(struct text name) {
    struct out *o = refusal("unknown field ");
    put_string(o, name.len > NAME_SHOWN ? (struct text){name.ptr, NAME_SHOWN} : name);
    stop_out(o);
}

// One `"name": value` of those in the list; *seen has a bit for each argument that was there. null is as good as
// nothing where it is not required.
static void take_member(const uint8_t *list, bool closed, uint64_t *seen) {
    field = ARG_COUNT;
    struct text name = take_string();
    unsigned id = dcap_index_of((struct bytes){(const uint8_t *)name.ptr, name.len}, names, ARG_COUNT);
    while (*list != ARG_END && (*list & ~ARG_REQUIRED) != id)
        list++;
    if (*list == ARG_END && closed)
        stop_unknown(name);
    expect(':');
    if (*list == ARG_END) {
        take_value();
        return;
    }
    field = id;
    if (*seen >> id & 1)
        stop_out(about_field("duplicate field "));
    *seen |= (uint64_t)1 << id;
    if (*list < ARG_REQUIRED && dcap_json_peek(&in) == 'n')
        take_value();
    else
        take_argument();
}

// Closed: an unknown member stops the call; otherwise it is read over.
static void take_object(struct text json, const uint8_t *list, bool closed) {
    uint64_t seen = 0;
    field = ARG_COUNT;
    read_from(json);
    expect('{');
    if (!take('}')) {
        do
            take_member(list, closed, &seen);
        while (take(','));
        field = ARG_COUNT;
        expect('}');
    }
    if (dcap_json_peek(&in) || in.at != in.end)
        stop_value(": something follows the last brace");
    for (; *list != ARG_END; list++) {
        field = *list & ~ARG_REQUIRED;
        if (*list >= ARG_REQUIRED && !(seen >> field & 1))
            stop_out(about_field("missing field "));
    }
}

// Natively calls follow each other; in the VM each has its own memory.
static void empty(void) {
#ifndef __wasm__
    args = (struct args){0};
    given = (struct given){0};
    inside = (struct text){0};
#endif
}

const struct args *entry_begin(const uint8_t *list, const char *name) {
    empty();
    method_begin((enum method_kind) * list++, name);
    if (*list == ARG_END)
        return &args;
    struct arguments input = arguments();
    take_object(input.len ? (struct text){input.ptr, input.len} : TEXT("{}"), list, true);
    if (inside.ptr)
        take_object(inside, members_MEASUREMENTS, false);
    return &args;
}

unsigned each_text(struct text json, enum argument_id of, unsigned most, void (*each)(struct text t)) {
    unsigned n = 0;
    read_from(json);
    field = of;
    expect('[');
    if (take(']'))
        return 0;
    do {
        if (n++ == most)
            stop_value(": too many entries");
        each(take_string());
    } while (take(','));
    expect(']');
    return n;
}
