// SPDX-License-Identifier: Apache-2.0
// Strict JSON arguments: one pass over the input, texts decoded in place, nothing allocated. What is expected is a
// table:
//
//     struct args { uint64_t request_id; struct text note; };
//     static const struct json_field args_fields[] = {REQUIRED(struct args, request_id), OPTIONAL(struct args, note)};
//     static const struct json_shape args_shape = JSON_SHAPE(args_fields, CLOSED);
//     struct args in = {0};
//     json_arguments(&in, &args_shape);
//
// The decoder follows from the member's C type. A field that is given twice, missing though required, of the wrong
// type, or (in a closed shape) unknown stops the call with a sentence that begins like the one clients of NEAR
// contracts know: "Failed to deserialize input from JSON."
#pragma once
#include "json_out.h"

struct json_in {
    char *p, *end;
    const char *field; // for sentences
    bool nul;          // set when a decoded text contains a NUL character
    uint8_t depth;     // of the value that is read over
};
typedef void json_decoder(struct json_in *in, void *out, const void *more);

struct json_field {
    const char *name;
    uint8_t name_len;
    bool required;
    uint16_t offset;
    json_decoder *decode;
    const void *more; // what the decoder needs to know
};
enum json_closure { OPEN, CLOSED }; // CLOSED: an unknown field stops the call; OPEN: it is read over
struct json_shape {
    const struct json_field *fields;
    uint8_t count;   // up to 32
    uint8_t closure; // enum json_closure
};
#define JSON_SHAPE(fields, closure)                                                                                    \
    { (fields), sizeof(fields) / sizeof(fields)[0], (closure) }

// Members that may be null or missing; maybe_u64 and maybe_hash are in json_out.h.
struct maybe_u32 {
    bool given;
    uint32_t value;
};
struct maybe_yocto {
    bool given;
    struct yocto value;
};
struct json_raw { // any value, as it stands in the input
    struct text text;
};
struct json_choices {
    const char *const *names;
    uint8_t count;
};

json_decoder json_read_u64, json_read_u32, json_read_bool, json_read_text, json_read_yocto, json_read_account,
    json_read_maybe_u64, json_read_maybe_u32, json_read_maybe_yocto, json_read_maybe_hash, json_read_raw;
json_decoder json_read_shape;  // more: struct json_shape
json_decoder json_read_choice; // more: struct json_choices; into uint8_t: the index of "Name" or {"Name":null}

// clang-format off
#define JSON_DECODER(type, member) _Generic(((type *)0)->member, \
    uint64_t: json_read_u64, uint32_t: json_read_u32, bool: json_read_bool, struct text: json_read_text, \
    struct yocto: json_read_yocto, struct account: json_read_account, struct maybe_u64: json_read_maybe_u64, \
    struct maybe_u32: json_read_maybe_u32, struct maybe_yocto: json_read_maybe_yocto, \
    struct maybe_hash: json_read_maybe_hash, struct json_raw: json_read_raw)
#define JSON_FIELD_AS(name, offset, need, decoder, more) {(name), sizeof(name) - 1, (need), (offset), (decoder), (more)}
#define JSON_FIELD(type, member, need, decoder, more) \
    JSON_FIELD_AS(#member, offsetof(type, member), need, decoder, more)
// clang-format on
#define REQUIRED(type, member) JSON_FIELD(type, member, true, JSON_DECODER(type, member), NULL)
#define OPTIONAL(type, member) JSON_FIELD(type, member, false, JSON_DECODER(type, member), NULL)
#define REQUIRED_BY(type, member, decoder, more) JSON_FIELD(type, member, true, decoder, more)
#define OPTIONAL_BY(type, member, decoder, more) JSON_FIELD(type, member, false, decoder, more)

// The call's arguments into *out, which is zeroed. Empty input counts as {}.
void json_arguments(void *out, const struct json_shape *shape);
// One whole document of other bytes (changed in place).
void json_document(char *bytes, size_t len, void *out, const struct json_shape *shape);

// For decoders of one's own.
char json_peek(struct json_in *in); // next character that is not white space, 0 at the end
void json_expect(struct json_in *in, char c);
bool json_take(struct json_in *in, char c);
bool json_take_word(struct json_in *in, struct text word);
struct text json_take_string(struct json_in *in); // decoded in place
uint64_t json_take_u64(struct json_in *in, uint64_t max);
struct text json_take_value(struct json_in *in); // checked, read over
_Noreturn void json_stop(const struct json_in *in, const char *what);
