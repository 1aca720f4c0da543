// SPDX-License-Identifier: Apache-2.0
// JSON on jansson: strict parsing (no duplicate keys, bounded), and typed reading whose errors name the field.
// A getter fails with ERR_INVALID "field 'x' …"; the text it gives lives as long as the document.
#pragma once
#include "base/arena.h"
#include "base/err.h"
#include <jansson.h>

#define JSON_MAX_BYTES (16u << 20)
#define JSON_CHECK_DEPTH_MAX 256 // of json_check

// A document that is released when the block ends.
static inline void json_cleanup_(json_t **j) { json_decref(*j); }
#define SCOPED_JSON(name) __attribute__((cleanup(json_cleanup_))) json_t *name

// NULL on failure. At most max bytes; duplicate keys, bad UTF-8, texts with the character U+0000 and trailing text are
// errors.
[[nodiscard]] json_t *json_parse(struct slice text, size_t max, struct err *e);
// The same for documents in which strangers' texts and numbers stand, as everything that comes from the chain: texts
// may contain U+0000 (the getters below refuse such a text, json_string_length tells its length), and numbers that
// jansson cannot hold become strings: whole ones beyond 63 bits (NEAR's payments and timestamps), and those like 1e400.
[[nodiscard]] json_t *json_parse_big(struct slice text, size_t max, struct err *e);
// Whether it has numbers that become strings there; and the same document with 999999999999999999, which jansson holds,
// in the place of each: it shows which strings were texts.
[[nodiscard]] bool json_has_big(struct slice text);
[[nodiscard]] json_t *json_parse_capped(struct slice text, size_t max, struct err *e);
// Whether the text is one JSON value (RFC 8259, UTF-8) that is nested at most max_depth deep, whatever jansson can
// hold: a number may be as large and a key as odd as it likes. *e says what is wrong, and where.
[[nodiscard]] bool json_check(struct slice text, size_t max_depth, struct err *e);
// From here on, whatever jansson frees is overwritten first: for processes that read secrets. Before any thread starts.
void json_wipe_memory(void);
// Compact text in the arena.
char *json_text(struct arena *a, const json_t *j);

// Required fields of an object. A text with U+0000 in it is none: what reads it as a C string would see another one.
[[nodiscard]] bool json_get_text(const json_t *o, const char *key, const char **out, struct err *e);
[[nodiscard]] bool json_get_u64(const json_t *o, const char *key, uint64_t *out,
                                struct err *e);                                               // number or decimal text
[[nodiscard]] bool json_get_u128(const json_t *o, const char *key, u128 *out, struct err *e); // decimal text or number
[[nodiscard]] bool json_get_bool(const json_t *o, const char *key, bool *out, struct err *e);
[[nodiscard]] bool json_get_object(const json_t *o, const char *key, json_t **out, struct err *e);
[[nodiscard]] bool json_get_array(const json_t *o, const char *key, json_t **out, struct err *e);
// Optional ones: absent or null leaves *out alone; another type is still an error.
[[nodiscard]] bool json_opt_text(const json_t *o, const char *key, const char **out, struct err *e);
[[nodiscard]] bool json_opt_u64(const json_t *o, const char *key, uint64_t *out, struct err *e);
[[nodiscard]] bool json_opt_u128(const json_t *o, const char *key, u128 *out, struct err *e);
[[nodiscard]] bool json_opt_bool(const json_t *o, const char *key, bool *out, struct err *e);
// Fails on a key that is not in the NULL-terminated list.
[[nodiscard]] bool json_only_keys(const json_t *o, const char *const *keys, struct err *e);

// A string of foreign bytes: what is no UTF-8 in them is repaired (text_repair), so it is never NULL.
json_t *json_of_bytes(const char *text);
// Setters for building answers. They take whatever a stranger gave: text as json_of_bytes, NULL becomes null; u128, and
// a u64 beyond 63 bits, become decimal text, which the getters take too.
void json_set_text(json_t *o, const char *key, const char *value);
void json_set_u64(json_t *o, const char *key, uint64_t value);
void json_set_u128(json_t *o, const char *key, u128 value);
