// SPDX-License-Identifier: Apache-2.0
// HTTP client on libcurl: blocking calls with limits, kept connections per thread-safe client. API keys in URLs never
// reach an error text (log_url). Only http and https; redirects are followed within the same scheme, at most 5.
#pragma once
#include "base/arena.h"
#include "base/err.h"
#include "codec/json.h"
#include <stdatomic.h>

struct http_client; // may be shared by threads; keeps idle connections

struct http_client *http_client_new(void);
void http_client_free(struct http_client *c);

// For a value inside a path or a query.
const char *http_percent_encode(struct arena *a, const char *text);

// A header of the answer that the caller wants to see.
struct http_wanted {
    const char *name;
    const char *value; // of its last occurrence, in the call's arena; NULL: the answer has none
};
struct http_call {
    const char *method; // "GET", "POST", "PUT", "DELETE"
    const char *url;
    const char *bearer;        // NULL: none
    const char *authorization; // the whole header, where there is no bearer; NULL: none
    const char *content_type;  // of the body; NULL: application/json
    const char *request_id;    // X-Request-Id, for our own daemons (log_trace()); NULL: none
    struct slice body;
    uint64_t timeout_ms;     // whole call; 0: 30,000
    uint64_t connect_ms;     // 0: 5,000
    size_t max_answer;       // bytes; 0: JSON_MAX_BYTES
    const char *unix_socket; // NULL: TCP
    // Set to true from another thread to give up within 100 ms (shutdown). NULL: none.
    const atomic_bool *cancel;
    struct http_wanted *wanted; // filled in where an answer was had
    size_t wanted_count;
};
struct http_answer {
    int status;
    struct slice body; // in the call's arena, NUL behind
    const char *content_type;
};

// false: no answer was had (ERR_UNAVAILABLE, ERR_TIMEOUT, ERR_TOO_LARGE). Any status is an answer.
[[nodiscard]] bool http_call(struct http_client *c, struct arena *a, const struct http_call *call,
                             struct http_answer *out, struct err *e);
// What a status over 299 means: the server's own code, message and hint where it sent {"error":{…}}; without such a
// body ERR_UNAVAILABLE, whatever the status. Returns false.
bool http_refusal(const struct http_call *call, const struct http_answer *answer, struct err *e);
// JSON in (NULL: none) and out; a status over 299 is http_refusal. *out is NULL for an empty answer; the caller
// releases it.
[[nodiscard]] bool http_call_json(struct http_client *c, struct arena *a, const struct http_call *call,
                                  const json_t *in, int *status, json_t **out, struct err *e);
