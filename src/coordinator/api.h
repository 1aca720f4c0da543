// SPDX-License-Identifier: Apache-2.0
// What each route takes and answers, as tables beside the table of routes (server.c). By them the parameters of a
// path, its query and its body are checked before a handler sees them, and the description of the API is written:
// OpenAPI 3.1, as /openapi.json has it.
#pragma once
#include "codec/json.h"
#include "http/server.h"

enum api_kind {
    API_TEXT,
    API_NUMBER,
    API_AMOUNT, // yoctoNEAR or another number of up to 128 bits, exactly: a decimal text
    API_NANOS,  // nanoseconds: up to 64 bits, as a number or a decimal text
    API_HASH,   // 64 hexadecimal digits
    API_ACCOUNT,
    API_BOOL,
    API_WORD,   // one of some
    API_TEXTS,  // a list of texts
    API_OBJECT, // of a schema
    API_LIST,   // of objects of a schema
    API_ANY,
};
#define API_MUST 1u // it is always there
#define API_NULL 2u // it may be null
#define API_PATH 4u // it stands in the path
#define API_NUL 8u  // of a text of a body: U+0000 may be in it
#define API_MUST_NULL (API_MUST | API_NULL)

struct api_schema;
struct api_field {
    const char *name;
    enum api_kind kind;
    unsigned flags;
    const char *what;
    uint64_t min, max;           // of a number; of a text's bytes. max 0: the kind's own
    const char *words;           // of an API_WORD: those that it may be, with a space between two
    const struct api_schema *of; // of an API_OBJECT or API_LIST
};
enum api_rest { // what other members there may be
    API_CLOSED,
    API_OPEN,  // any, of which nothing is promised
    API_PLAIN, // plain values and lists of them
};
struct api_schema {
    const char *name, *what;
    const struct api_field *fields;
    size_t count;
    enum api_rest rest;
};
struct api_answer {
    int status;                          // 0: no more answers
    const char *type;                    // NULL: JSON
    const struct api_schema *of, *or_of; // or_of: the other form that it may have. Both NULL: no JSON, or any
    bool list;                           // an array of them
};
struct api_about {
    const char *id, *what;
    const struct api_field *params;
    size_t param_count;
    const struct api_schema *body, *or_body; // or_body: the other form that it may have, which has the member or_with
    const char *or_with;
    bool passed_on;               // the body goes to the keystore as it came, and is checked there
    const char *body_type;        // of a body that is no JSON
    struct api_answer answers[3]; // when all went well; anything else is the one form of errors
    bool word;                    // it wants the word of an account (account_words.h)
    bool key;                     // it wants a key of an account
    bool page;                    // for people: it is not described, and what stands behind its '?' is for its script
};

// Whether the request's path and query have the parameters that the table asks for, as it asks for them, and no others.
[[nodiscard]] bool api_check(const struct http_request *r, const struct api_about *about, struct err *e);

// Whether the body is what the table says; the handler takes it (http_take_json). Numbers may be decimal texts and
// amounts numbers; a member that may be missing may be null.
[[nodiscard]] bool api_check_body(struct http_request *r, const struct api_about *about, struct err *e);
// The same of an object.
[[nodiscard]] bool api_check_object(const json_t *o, const struct api_schema *s, struct err *e);
// Makes of an object that was checked one as answers have it: no member is null, and no API_NUMBER is a text.
void api_settle_object(json_t *o, const struct api_schema *s);
// Members of an object that was checked. api_text: NULL where there is none.
const char *api_text(const json_t *o, const char *name);
uint64_t api_u64(const json_t *o, const char *name, uint64_t otherwise);

// A number of the query, which was checked.
uint64_t api_number(const struct http_request *r, const char *name, uint64_t otherwise);

// Whether one of the words, which have a space between two, is this one.
bool api_is_word(const char *words, const char *value);

// What the document says of who may ask.
struct api_route {
    const struct http_route *route;
    const struct api_about *about;
    const char *scopes; // of a token, one of which it wants, as a comma list; NULL: anybody may ask
    bool by_key;        // anybody may ask, and more often with a key
};
// The description of all of them.
json_t *api_document(const struct api_route *routes, size_t count);
