// SPDX-License-Identifier: Apache-2.0
#include "args.h"

const char *const failure_names[] = {"guest", "build", "access", "platform", "timeout", "cancelled"};
static const struct json_choices format_choices = {format_names, 3}, failure_choices = {failure_names, 4};

// --- decoders of this contract's own types

static void read_input(struct json_in *in, void *out, const void *more) {
    in->nul = false;
    json_read_text(in, out, more);
    if (in->nul)
        json_stop(in, ": a program's input cannot contain NUL");
}

// [0,…,255] into bytes, in place: a number is never shorter than its byte.
static struct text read_byte_array(struct json_in *in) {
    json_expect(in, '[');
    char *start = in->p, *to = start;
    if (!json_take(in, ']')) {
        do
            *to++ = (char)json_take_u64(in, 255);
        while (json_take(in, ','));
        json_expect(in, ']');
    }
    return (struct text){start, (size_t)(to - start)};
}

// {"Bytes":[…]}, {"Text":"…"} or {"Json":…}
static void read_output(struct json_in *in, void *out, const void *more) {
    (void)more;
    struct output *o = out;
    json_expect(in, '{');
    struct text kind = json_take_string(in);
    json_expect(in, ':');
    o->kind = OUTPUT_JSON;
    while (o->kind && !text_eq(kind, text_of(output_names[o->kind])))
        o->kind--;
    if (o->kind == OUTPUT_BYTES)
        o->bytes = read_byte_array(in);
    else if (o->kind == OUTPUT_TEXT)
        o->bytes = json_take_string(in);
    else if (o->kind == OUTPUT_JSON)
        o->bytes = json_take_value(in);
    else
        json_stop(in, ": expected Bytes, Text or Json");
    json_expect(in, '}');
}

// --- the table of arguments

// clang-format off
#define R(name) ARG_##name | ARG_REQUIRED,
#define O(name) ARG_##name,
#define X(type, list) static const uint8_t members_##type[] = {list ARG_END};
OBJECTS(X)
#undef X
#define M(kind, name, list, who, result, doc) const uint8_t list_##name[] = {kind, list ARG_END};
METHODS(M)
#undef M
// clang-format on

// The C type and the decoder of each type of argument.
// clang-format off
static json_decoder read_object;
#define TYPES(T) \
    T(U64, uint64_t, json_read_u64, NULL) \
    T(BOOL, bool, json_read_bool, NULL) \
    T(TEXT, struct text, json_read_text, NULL) \
    T(INPUT, struct text, read_input, NULL) \
    T(ACCOUNT, struct account, json_read_account, NULL) \
    T(MAYBE_U64, struct maybe_u64, json_read_maybe_u64, NULL) \
    T(MAYBE_U32, struct maybe_u32, json_read_maybe_u32, NULL) \
    T(MAYBE_YOCTO, struct maybe_yocto, json_read_maybe_yocto, NULL) \
    T(MAYBE_HASH, struct maybe_hash, json_read_maybe_hash, NULL) \
    T(RAW, struct json_raw, json_read_raw, NULL) \
    T(KEY, struct json_raw, json_read_raw, NULL) \
    T(FORMAT, uint8_t, json_read_choice, &format_choices) \
    T(FAILURE, uint8_t, json_read_choice, &failure_choices) \
    T(OUTPUT, struct output, read_output, NULL) \
    T(CODE_SOURCE, struct text, read_object, members_CODE_SOURCE) \
    T(RESOURCE_LIMITS, struct limits_given, read_object, members_RESOURCE_LIMITS) \
    T(SECRETS_REF, struct text, read_object, members_SECRETS_REF) \
    T(RESOURCES_USED, struct usage, read_object, members_RESOURCES_USED) \
    T(RESPONSE, struct answer, read_object, members_RESPONSE)
#define T(type, c, decode, more) TYPE_##type,
enum type { TYPES(T) };
#undef T
#define T(type, c, decode, more) typedef c c_##type;
TYPES(T)
#undef T
#define T(type, c, decode, more) {decode, more},
static const struct {
    json_decoder *decode;
    const void *more;
} types[] = {TYPES(T)};
#undef T
#define A(name, type, member, doc) _Static_assert(_Generic(&((struct args *)0)->member, c_##type *: true), #name);
ARGUMENTS(A)
#undef A
#define A(name, type, member, doc) {#name, offsetof(struct args, member), sizeof(#name) - 1, TYPE_##type},
static const struct {
    const char *name;
    uint16_t offset;
    uint8_t name_len, type;
} known[] = {ARGUMENTS(A)};
#undef A
// clang-format on

// --- reading

#define LIST_MAX 12
static struct args args;

static struct json_shape shape_of(const uint8_t *list, struct json_field fields[static LIST_MAX]) {
    uint8_t n = 0;
    for (; list[n] != ARG_END; n++) {
        uint8_t id = list[n] & (uint8_t)~ARG_REQUIRED, type = known[id].type;
        fields[n] = (struct json_field){.name = known[id].name,
                                        .name_len = known[id].name_len,
                                        .offset = known[id].offset,
                                        .required = list[n] & ARG_REQUIRED,
                                        .decode = types[type].decode,
                                        .more = types[type].more};
    }
    return (struct json_shape){fields, n, OPEN};
}

// Objects have their members in struct args itself: no method takes two of a name.
static void read_object(struct json_in *in, void *out, const void *more) {
    (void)out;
    struct json_field fields[LIST_MAX];
    struct json_shape shape = shape_of(more, fields);
    json_read_shape(in, &args, &shape);
}

const struct args *entry_begin(const uint8_t *list, const char *name) {
    struct json_field fields[LIST_MAX];
    method_begin((enum method_kind)list[0], name);
    struct json_shape shape = shape_of(list + 1, fields);
#ifndef __wasm__ // there each call has its own memory
    args = (struct args){0};
#endif
    args.response_format = FORMAT_TEXT;
    shape.closure = CLOSED;
    if (shape.count)
        json_arguments(&args, &shape);
    args.answer.error = text_cut(args.answer.error, ANSWER_ERROR_MAX);
    args.answer.compilation_note = text_cut(args.answer.compilation_note, ANSWER_NOTE_MAX);
    return &args;
}

struct limits limits_of(const struct limits_given *g) {
    struct limits l = DEFAULT_LIMITS;
    if (g->max_instructions.given)
        l.max_instructions = g->max_instructions.value;
    if (g->max_memory_mb.given)
        l.max_memory_mb = g->max_memory_mb.value;
    if (g->max_execution_seconds.given)
        l.max_execution_seconds = g->max_execution_seconds.value;
    return l;
}

bool repo_valid(const char *p, size_t len) { return repo_name_ok(p, len); }
bool ref_valid(const char *p, size_t len) { return ref_text_ok(p, len); }
bool text_valid(const char *p, size_t len, size_t max, enum rule_kind least) {
    const char *end = p + len;
    bool good = len - 1 < max;
    for (; good && p < end; p++)
        good = rule_kind(*p) >= least;
    return good;
}
