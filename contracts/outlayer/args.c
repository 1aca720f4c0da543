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

// The C type and the decoder of each type of argument.
// clang-format off
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
// clang-format on
#include "sdk/entry_table.h"

const struct args *entry_begin(const uint8_t *list, const char *name) {
    entry_empty();
    args.response_format = FORMAT_TEXT;
    entry_read(list, name);
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
