// SPDX-License-Identifier: Apache-2.0
// Strict JSON, read once from front to back: what is expected is a table, what is found goes into a struct, and what is
// not named is checked and read over. No member of an object is there twice, named or not (objects that a value is in
// have 96 at most, and a reader that takes the last of two would see another text), names carry no escapes, numbers are
// whole and in range, nesting is bounded, and nothing follows the value. Texts are slices of the input as they were
// signed.
#pragma once
#include "dcap/code.h"

struct dcap_json {
    const uint8_t *at, *end;
    struct dcap_fault *fault; // filled by the first failure
    enum dcap_part part;      // what is read, for the fault
    const uint8_t **name;     // DCAP_JSON_NAMES of them, for members of all objects that are being read
    uint16_t names, depth;    // how many there are; of the value that is read over
};
enum {
    DCAP_JSON_DEPTH = 16,
    DCAP_JSON_NAMES = 96, // of an object and those that it is in
};

enum dcap_json_kind {
    DCAP_JSON_TEXT,    // struct bytes: a string without escapes
    DCAP_JSON_ESCAPED, // struct bytes: a string as it stands between its quotes, escapes checked; null is none
    DCAP_JSON_HEX,     // exactly `size` bytes
    DCAP_JSON_DATE,    // uint64_t, seconds since 1970
    DCAP_JSON_NUMBER,  // of `size` bytes: uint8_t, uint16_t, uint32_t
    DCAP_JSON_RAW,     // struct bytes: any value, as it stands
    DCAP_JSON_OBJECT,  // a struct by the shape that is in `more`
    DCAP_JSON_BY,      // a value that the struct dcap_json_each there takes
    DCAP_JSON_EACH,    // an array of such values
};
enum { DCAP_JSON_NEEDED = 0x80 };
struct dcap_json_member {
    const char *name;
    uint16_t offset;
    uint8_t kind, size; // enum dcap_json_kind, with DCAP_JSON_NEEDED where it must be there; or which of `more`
};
struct dcap_json_shape {
    const struct dcap_json_member *members;
    uint8_t count;           // up to 32
    const void *const *more; // what its members of the last three kinds point to; NULL where there are none
};
#define DCAP_JSON_SHAPE(table) ((struct dcap_json_shape){(table), sizeof(table) / sizeof(table)[0], NULL})
// `take` takes the value that stands at the cursor; `out` is the struct that the member is of.
struct dcap_json_each {
    bool (*take)(struct dcap_json *j, void *out);
};
// Only numbers and hexadecimal texts, of up to 48 bytes, have their size asked for.
#define DCAP_JSON_SIZE(type, member, kind, more)                                                                       \
    ((kind) < DCAP_JSON_OBJECT ? sizeof(((type *)0)->member) % 256 : (more))
#define DCAP_JSON_REQUIRED(type, member, name, kind, more)                                                             \
    { (name), offsetof(type, member), (kind) | DCAP_JSON_NEEDED, DCAP_JSON_SIZE(type, member, kind, more) }
#define DCAP_JSON_OPTIONAL(type, member, name, kind, more)                                                             \
    { (name), offsetof(type, member), (kind), DCAP_JSON_SIZE(type, member, kind, more) }

// The whole text is one object of this shape; `out` is zeroed before.
[[nodiscard]] bool dcap_json_document(void *out, struct bytes text, const struct dcap_json_shape *shape,
                                      enum dcap_part part, struct dcap_fault *f);
// The whole text is one array of such values.
[[nodiscard]] bool dcap_json_list(void *out, struct bytes text, const struct dcap_json_each *each, enum dcap_part part,
                                  struct dcap_fault *f);
// For decoders: the value at the cursor.
[[nodiscard]] bool dcap_json_object(void *out, struct dcap_json *j, const struct dcap_json_shape *shape);
[[nodiscard]] bool dcap_json_array(void *out, struct dcap_json *j, const struct dcap_json_each *each);
[[nodiscard]] bool dcap_json_text(struct bytes *out, struct dcap_json *j);
// Where the first byte from here on is that is a quote, a backslash, a control character or not ASCII.
const uint8_t *dcap_json_plain_end(const uint8_t *at, const uint8_t *end);
uint8_t dcap_json_peek(struct dcap_json *j); // the next character that is not white space, 0 at the end
// A string's content as it stands; *escapes says whether there are any.
[[nodiscard]] bool dcap_json_string(struct bytes *out, struct dcap_json *j, bool *escapes);
// A string, decoded where it stands in the input, which is `input` again.
[[nodiscard]] bool dcap_json_decoded(struct bytes *out, struct dcap_json *j, uint8_t *input);
[[nodiscard]] bool dcap_json_raw(struct bytes *out, struct dcap_json *j); // any value, read over
// False, with the code as the fault.
bool dcap_json_fail(struct dcap_json *j, enum dcap_code code, uint64_t detail);

// Takes the escapes out of what a string holds, where it stands (*text is the same memory, shorter or equal). False for
// what is no escape, and for halves of pairs (\uD800 to \uDFFF), of which no collateral has any.
[[nodiscard]] bool dcap_json_unescape(struct bytes *text, uint8_t *memory);
