// SPDX-License-Identifier: Apache-2.0
// The decoding of a contract's arguments by its tables, for the one source that includes this after defining TYPES(T):
// T(name of the type, C type, decoder, what it needs to know). An object's decoder is read_object with its members_X.
#include "entry_lists.h"

// clang-format off
static json_decoder read_object;
#define T(type, c, decode, more) {decode, more},
static const struct {
    json_decoder *decode;
    const void *more;
} types[] = {TYPES(T)};
#undef T
#define A(name, type, member, doc) {#name, offsetof(struct args, member), sizeof(#name) - 1, TYPE_##type},
static const struct {
    const char *name;
    uint16_t offset;
    uint8_t name_len, type;
} known[] = {ARGUMENTS(A)};
#undef A
// clang-format on

// --- reading: into `args`

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

// Natively calls follow each other; in the VM each has its own memory.
static void entry_empty(void) {
#ifndef __wasm__
    args = (struct args){0};
#endif
}

static void entry_read(const uint8_t *list, const char *name) {
    struct json_field fields[LIST_MAX];
    method_begin((enum method_kind)list[0], name);
    struct json_shape shape = shape_of(list + 1, fields);
    shape.closure = CLOSED;
    if (shape.count)
        json_arguments(&args, &shape);
}
