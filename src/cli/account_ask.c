// SPDX-License-Identifier: Apache-2.0
#include "cli/account_ask.h"

#include "base/clock.h"
#include "http/client.h"
#include "secrets/word.h"

#define GOOD_MS 300000 // how long the word is good: for the call, and for clocks that differ
#define ANSWER_MAX (1u << 20)

// The origin that this machine asks: to no other coordinator is the word given.
static const char *origin_of(struct arena *a, const char *url) {
    const char *host = strstr(url, "://");
    host = host ? host + 3 : url;
    return arena_text(a, slice_of(url, (size_t)(host - url) + strcspn(host, "/")));
}

bool account_ask(struct arena *a, const struct target *t, const struct credentials *from,
                 const struct account_question *q, json_t **out, struct err *e) {
    int status;
    if (!t->coordinator_url) {
        err_set(e, ERR_SETTINGS, "no coordinator is known");
        return err_hint(e, "give --coordinator-url or API_BASE_URL");
    }
    struct word word = {.account = from->account.s,
                        .coordinator = origin_of(a, t->coordinator_url),
                        .valid_until_ms = clock_wall_ms() + GOOD_MS};
    struct http_client *http = http_client_new();
    struct http_call call = {.method = q->method,
                             .url = arena_printf(a, "%s%s", t->coordinator_url, q->path),
                             .authorization = word_sign(a, &word, &from->secret, t->network, q->act),
                             .max_answer = ANSWER_MAX};
    bool ok = http_call_json(http, a, &call, q->body, &status, out, e);
    http_client_free(http);
    return ok && (*out || err_set(e, ERR_UNAVAILABLE, "the coordinator gave an empty answer"));
}
