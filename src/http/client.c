// SPDX-License-Identifier: Apache-2.0
#include "http/client.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include <curl/curl.h>
#include <pthread.h>

#define IDLE_MAX 32 // handles kept with their connections
#define LOOK_MS 100 // how often a call looks whether it is cancelled

// A call, and the set that it alone is in: curl's own way to make one call waits a second between two looks.
struct handle {
    CURL *call;
    CURLM *set; // holds the connections
};

// The pool of idle handles is what keeps connections alive.
struct http_client {
    pthread_mutex_t lock; // guards the pool
    struct handle idle[IDLE_MAX];
    size_t count;
};

static void init_library(void) { BUG_ON(curl_global_init(CURL_GLOBAL_DEFAULT) != 0); }

struct http_client *http_client_new(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, init_library);
    struct http_client *c = xcalloc(1, sizeof *c);
    pthread_mutex_init(&c->lock, NULL);
    return c;
}

static void handle_free(struct handle h) {
    curl_easy_cleanup(h.call);
    curl_multi_cleanup(h.set);
}

void http_client_free(struct http_client *c) {
    if (!c)
        return;
    for (size_t i = 0; i < c->count; i++)
        handle_free(c->idle[i]);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

static struct handle take(struct http_client *c) {
    struct handle h = {NULL, NULL};
    pthread_mutex_lock(&c->lock);
    if (c->count)
        h = c->idle[--c->count];
    pthread_mutex_unlock(&c->lock);
    if (!h.call)
        h = (struct handle){curl_easy_init(), curl_multi_init()};
    BUG_ON(!h.call || !h.set);
    curl_easy_reset(h.call);
    return h;
}

static void give_back(struct http_client *c, struct handle h) {
    pthread_mutex_lock(&c->lock);
    bool kept = c->count < IDLE_MAX;
    if (kept)
        c->idle[c->count++] = h;
    pthread_mutex_unlock(&c->lock);
    if (!kept)
        handle_free(h);
}

static CURLcode perform(struct handle h, const atomic_bool *cancel) {
    CURLcode rc = CURLE_FAILED_INIT;
    int running = 1, left;
    BUG_ON(curl_multi_add_handle(h.set, h.call) != CURLM_OK);
    while (curl_multi_perform(h.set, &running) == CURLM_OK && running) {
        if (cancel && *cancel) {
            rc = CURLE_ABORTED_BY_CALLBACK;
            break;
        }
        if (curl_multi_poll(h.set, NULL, 0, LOOK_MS, NULL) != CURLM_OK)
            break;
    }
    for (CURLMsg *m; (m = curl_multi_info_read(h.set, &left));) {
        if (m->msg == CURLMSG_DONE)
            rc = m->data.result;
    }
    curl_multi_remove_handle(h.set, h.call);
    return rc;
}

static size_t on_data(char *data, size_t size, size_t n, void *ctx) { return buf_add(ctx, data, size * n) ? n : 0; }

static struct curl_slist *headers_of(struct arena *a, const struct http_call *call) {
    struct curl_slist *list = curl_slist_append(NULL, "Expect:"); // no waiting for 100-continue
    if (call->body.len)
        list = curl_slist_append(
            list, arena_printf(a, "Content-Type: %s", call->content_type ? call->content_type : "application/json"));
    if (call->request_id)
        list = curl_slist_append(list, arena_printf(a, "X-Request-Id: %s", call->request_id));
    if (call->bearer)
        list = curl_slist_append(list, arena_printf(a, "Authorization: Bearer %s", call->bearer));
    else if (call->authorization)
        list = curl_slist_append(list, arena_printf(a, "Authorization: %s", call->authorization));
    return list;
}

static void set_options(CURL *h, const struct http_call *call, struct curl_slist *headers, struct buf *answer) {
    curl_easy_setopt(h, CURLOPT_URL, call->url);
    curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(h, CURLOPT_REDIR_PROTOCOLS_STR, strncmp(call->url, "https:", 6) == 0 ? "https" : "http");
    curl_easy_setopt(h, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(h, CURLOPT_MAXREDIRS, 5L);
    curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(h, CURLOPT_TCP_NODELAY, 1L);
    curl_easy_setopt(h, CURLOPT_TIMEOUT_MS, (long)(call->timeout_ms ? call->timeout_ms : 30000));
    curl_easy_setopt(h, CURLOPT_CONNECTTIMEOUT_MS, (long)(call->connect_ms ? call->connect_ms : 5000));
    curl_easy_setopt(h, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, on_data);
    curl_easy_setopt(h, CURLOPT_WRITEDATA, answer);
    curl_easy_setopt(h, CURLOPT_CUSTOMREQUEST, call->method);
    if (call->body.len || strcmp(call->method, "POST") == 0 || strcmp(call->method, "PUT") == 0) {
        curl_easy_setopt(h, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body.len);
        curl_easy_setopt(h, CURLOPT_POSTFIELDS, call->body.len ? (const char *)call->body.ptr : "");
    }
    if (strcmp(call->method, "HEAD") == 0)
        curl_easy_setopt(h, CURLOPT_NOBODY, 1L);
    if (call->unix_socket)
        curl_easy_setopt(h, CURLOPT_UNIX_SOCKET_PATH, call->unix_socket);
}

static bool failed(CURLcode rc, const struct http_call *call, const struct buf *answer, struct err *e) {
    char shown[256];
    log_url(call->url, shown);
    if (answer->full)
        return err_set(e, ERR_TOO_LARGE, "the answer of %s is larger than %zu bytes", shown, answer->cap);
    if (rc == CURLE_ABORTED_BY_CALLBACK)
        return err_set(e, ERR_UNAVAILABLE, "the call of %s was given up: stopping", shown);
    if (rc == CURLE_OPERATION_TIMEDOUT)
        return err_set(e, ERR_TIMEOUT, "%s did not answer in time", shown);
    err_set(e, ERR_UNAVAILABLE, "cannot reach %s: %s", shown, curl_easy_strerror(rc));
    return err_hint(e, "is it running, and is the address right?");
}

static void read_wanted(CURL *h, struct arena *a, const struct http_call *call) {
    for (size_t i = 0; i < call->wanted_count; i++) {
        struct curl_header *found = NULL;
        struct http_wanted *w = &call->wanted[i];
        bool there = curl_easy_header(h, w->name, 0, CURLH_HEADER, -1, &found) == CURLHE_OK;
        if (there && found->index + 1 < found->amount)
            there = curl_easy_header(h, w->name, found->amount - 1, CURLH_HEADER, -1, &found) == CURLHE_OK;
        w->value = there ? arena_strdup(a, found->value) : NULL;
    }
}

// A request that never reached the server on a kept connection may be sent again on a new one: curl does that itself
// (CURLE_GOT_NOTHING on a reused connection), so every failure here is final.
bool http_call(struct http_client *c, struct arena *a, const struct http_call *call, struct http_answer *out,
               struct err *e) {
    struct handle h = take(c);
    struct curl_slist *headers = headers_of(a, call);
    SCOPED_BUF(answer, call->max_answer ? call->max_answer : JSON_MAX_BYTES);
    set_options(h.call, call, headers, &answer);
    CURLcode rc = perform(h, call->cancel);
    bool ok = rc == CURLE_OK;
    *out = (struct http_answer){0};
    if (ok) {
        long status = 0;
        char *type = NULL;
        curl_easy_getinfo(h.call, CURLINFO_RESPONSE_CODE, &status);
        curl_easy_getinfo(h.call, CURLINFO_CONTENT_TYPE, &type);
        out->status = (int)status;
        out->content_type = type ? arena_strdup(a, type) : NULL;
        out->body = slice_of(arena_text(a, buf_slice(&answer)), answer.len);
        read_wanted(h.call, a, call);
    } else {
        failed(rc, call, &answer, e);
    }
    curl_slist_free_all(headers);
    give_back(c, h);
    return ok;
}

static enum err_code code_of(const char *slug) {
    static const enum err_code all[] = {
#define X(code, slug, http) code,
        ERR_CODES(X)
#undef X
    };
    for (size_t i = 0; slug && i < ARRAY_LEN(all); i++)
        if (strcmp(err_slug(all[i]), slug) == 0)
            return all[i];
    return ERR_UNAVAILABLE;
}

// A status alone may be that of anything on the way, a proxy that restarts or does not know the path: what is asked for
// may well be there, and nobody else has it.
bool http_refusal(const struct http_call *call, const struct http_answer *answer, struct err *e) {
    struct err bad;
    SCOPED_JSON(j) = answer->body.len ? json_parse_big(answer->body, answer->body.len, &bad) : NULL;
    const json_t *error = json_object_get(j, "error");
    const char *slug = json_string_value(json_object_get(error, "code"));
    const char *message = json_string_value(json_object_get(error, "message"));
    const char *hint = json_string_value(json_object_get(error, "hint"));
    char shown[256];
    if (message)
        err_set(e, code_of(slug), "%s", message);
    else
        err_set(e, ERR_UNAVAILABLE, "%s answered status %d", log_url(call->url, shown), answer->status);
    return err_hint(e, "%s", hint ? hint : "");
}

bool http_call_json(struct http_client *c, struct arena *a, const struct http_call *call, const json_t *in, int *status,
                    json_t **out, struct err *e) {
    struct http_call with = *call;
    struct http_answer answer;
    *out = NULL;
    *status = 0;
    if (in)
        with.body = slice_str(json_text(a, in));
    if (!http_call(c, a, &with, &answer, e))
        return false;
    *status = answer.status;
    if (answer.status > 299)
        return http_refusal(call, &answer, e);
    struct err bad;
    json_t *j = answer.body.len ? json_parse_big(answer.body, answer.body.len, &bad) : NULL;
    if (answer.body.len && !j) {
        char shown[256];
        return err_set(e, ERR_UNAVAILABLE, "%s answered no JSON: %s", log_url(call->url, shown), bad.msg);
    }
    *out = j;
    return true;
}

const char *http_percent_encode(struct arena *a, const char *text) {
    char *out = arena_alloc(a, 3 * strlen(text) + 1), *to = out;
    for (; *text; text++) {
        bool plain = (*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z') ||
                     (*text >= '0' && *text <= '9') || strchr("-._~", *text);
        if (plain)
            *to++ = *text;
        else
            to += snprintf(to, 4, "%%%02X", (unsigned)(uint8_t)*text);
    }
    *to = 0;
    return out;
}
