// SPDX-License-Identifier: Apache-2.0
#include "worker/coordinator_client.h"

#include "builder/build.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/sync.h"
#include "http/client.h"
#include <inttypes.h>
#include <pthread.h>
#include <time.h>

#define CALL_MS 10000
#define HEARTBEAT_MS 4000 // of what the heart says, too: other leases run out meanwhile
#define LOCK_MS 4000
#define WASM_MS 60000
#define NOW_BELIEVED_MS 60000
#define WASM_MAX (64u << 20)

struct api {
    pthread_mutex_t time;     // for whoever writes the next two: no date's time takes the place of a word's
    _Atomic int64_t ahead_ms; // of the monotonic clock is the coordinator's; 0: not known
    uint64_t dates_from_ms;   // until then a coordinator's own word is believed before dates
    atomic_uint_fast64_t unnamed_until_ms; // until then polls do not name what is at hand
    struct http_client *http;
    struct api_settings set;
    size_t base_len; // without a slash behind
};

bool api_new(struct api **out, const struct api_settings *s, struct err *e) {
    size_t n = strlen(s->base_url);
    while (n && s->base_url[n - 1] == '/')
        n--;
    if (strncmp(s->base_url, "http://", 7) != 0 && strncmp(s->base_url, "https://", 8) != 0) {
        err_set(e, ERR_SETTINGS, "API_BASE_URL is not an http or https address");
        return err_hint(e, "the coordinator's address, such as http://127.0.0.1:8080");
    }
    struct api *api = xcalloc(1, sizeof *api);
    pthread_mutex_init(&api->time, NULL);
    api->http = http_client_new();
    api->set = *s;
    api->base_len = n;
    *out = api;
    return true;
}

void api_free(struct api *api) {
    if (!api)
        return;
    http_client_free(api->http);
    pthread_mutex_destroy(&api->time);
    free(api);
}

static struct http_call call_of(struct api *api, struct arena *a, const char *method, const char *path,
                                uint64_t timeout_ms) {
    return (struct http_call){.method = method,
                              .url = arena_printf(a, "%.*s%s", (int)api->base_len, api->set.base_url, path),
                              .bearer = api->set.token,
                              .request_id = log_trace(),
                              .timeout_ms = timeout_ms,
                              .connect_ms = timeout_ms < 5000 ? timeout_ms : 5000,
                              .cancel = api->set.cancel};
}

// When an answer was made; of a second its middle. That is by the clock of the machine that the coordinator runs on,
// and deadlines may go by its database's.
static void see_date(struct api *api, const char *date) {
    struct tm t = {0};
    const char *end = date ? strptime(date, "%a, %d %b %Y %H:%M:%S GMT", &t) : NULL;
    time_t s = end && !*end ? timegm(&t) : 0;
    if (s <= 0)
        return;
    pthread_mutex_lock(&api->time);
    if (clock_mono_ms() >= api->dates_from_ms)
        api->ahead_ms = (int64_t)s * 1000 + 500 - (int64_t)clock_mono_ms();
    pthread_mutex_unlock(&api->time);
}

static void see_now(struct api *api, const json_t *answer) {
    const json_t *now = json_object_get(answer, "now_ms");
    json_int_t ms = json_is_integer(now) ? json_integer_value(now) : 0;
    if (ms <= 0)
        return;
    pthread_mutex_lock(&api->time);
    api->ahead_ms = (int64_t)ms - (int64_t)clock_mono_ms();
    api->dates_from_ms = deadline_in(NOW_BELIEVED_MS);
    pthread_mutex_unlock(&api->time);
}

uint64_t api_now_ms(const struct api *api) {
    int64_t ahead_ms = api->ahead_ms;
    return ahead_ms ? (uint64_t)((int64_t)clock_mono_ms() + ahead_ms) : clock_wall_ms();
}

// A JSON call whose answer nobody needs.
static bool tell(struct api *api, struct arena *a, const char *method, const char *path, uint64_t timeout_ms,
                 const json_t *in, struct err *e) {
    struct http_call call = call_of(api, a, method, path, timeout_ms);
    struct http_wanted date = {.name = "Date"};
    SCOPED_JSON(out) = NULL;
    int status;
    call.wanted = &date;
    call.wanted_count = 1;
    bool ok = http_call_json(api->http, a, &call, in, &status, &out, e);
    if (ok) { // a proxy's refusal says when the proxy made it
        see_now(api, out);
        see_date(api, date.value);
    }
    return ok;
}

// --- leases

static const char *poll_path(struct api *api, struct arena *a, const struct poll_wish *w, bool named) {
    const struct api_settings *s = &api->set;
    return arena_printf(a, "/tasks/poll?timeout=%" PRIu64 "&worker_id=%s&network=%s&contract_id=%s%s%s%s%s",
                        w->timeout_s, http_percent_encode(a, s->worker_id), http_percent_encode(a, s->network),
                        http_percent_encode(a, s->contract_id), s->role ? "&capabilities=" : "", s->role ? s->role : "",
                        named ? "&at_hand=" : "", named ? w->at_hand : "");
}

static bool poll_once(struct api *api, struct arena *a, const struct poll_wish *w, bool named, json_t **answer,
                      struct err *e) {
    struct http_call call = call_of(api, a, "GET", poll_path(api, a, w, named), w->timeout_s * 1000 + CALL_MS);
    int status;
    call.cancel = w->stop;
    return http_call_json(api->http, a, &call, NULL, &status, answer, e);
}

// An older coordinator does not know what is named as at hand. Whatever else it refuses it refuses once more.
static bool ask_for_work(struct api *api, struct arena *a, const struct poll_wish *w, json_t **answer, struct err *e) {
    bool named = w->at_hand[0] && clock_mono_ms() >= atomic_load(&api->unnamed_until_ms);
    if (poll_once(api, a, w, named, answer, e))
        return true;
    if (!named || e->code != ERR_INVALID)
        return false;
    atomic_store(&api->unnamed_until_ms, deadline_in(api->set.unnamed_ms ? api->set.unnamed_ms : API_UNNAMED_MS));
    log_info("the coordinator does not take what is at hand here: %s", e->msg);
    return poll_once(api, a, w, false, answer, e);
}

bool api_poll(struct api *api, struct arena *a, const struct poll_wish *w, struct lease *out, bool *got,
              struct err *e) {
    SCOPED_JSON(answer) = NULL;
    *got = false;
    if (!ask_for_work(api, a, w, &answer, e))
        return false;
    if (!answer)
        return true;
    bool ok = lease_parse(out, a, answer, e);
    *got = ok || (out->token && out->task.contract_id && out->task.request_id <= TASK_NUMBER_MAX);
    return ok;
}

static json_t *body_of(const struct lease_id *id) {
    json_t *j = json_object();
    json_set_text(j, "contract_id", id->contract_id);
    json_set_u64(j, "request_id", id->request_id);
    json_set_text(j, "token", id->token);
    return j;
}

bool api_heartbeat(struct api *api, struct arena *a, const struct lease_id *id, const char *stage, uint64_t dead_at_ms,
                   struct err *e) {
    SCOPED_JSON(j) = body_of(id);
    if (stage)
        json_set_text(j, "stage", stage);
    if (dead_at_ms)
        json_set_u64(j, "dead_at_ms", dead_at_ms);
    return tell(api, a, "POST", "/tasks/heartbeat", HEARTBEAT_MS, j, e);
}

bool api_fail(struct api *api, struct arena *a, const struct lease_id *id, const char *reason, bool retry,
              struct err *e) {
    SCOPED_JSON(j) = body_of(id);
    json_set_text(j, "reason", reason);
    json_object_set_new(j, "retry", json_boolean(retry));
    return tell(api, a, "POST", "/tasks/fail", HEARTBEAT_MS, j, e);
}

bool api_hand_over(struct api *api, struct arena *a, const struct lease_id *id, const char *next, const char *reason,
                   struct err *e) {
    SCOPED_JSON(j) = body_of(id);
    json_set_text(j, "next", next);
    json_set_text(j, "reason", reason);
    return tell(api, a, "POST", "/tasks/hand-over", CALL_MS, j, e);
}

// A coordinator of before there were these parts refuses the whole: the end itself matters more. The newest first.
static const char *const newer_parts[][2] = {{REPORT_BUILD_LOG, REPORT_STDERR}, {"attestation", NULL}};

static bool leave_out(json_t *report, const char *const names[static 2]) {
    bool had = false;
    for (size_t i = 0; i < 2 && names[i]; i++)
        had |= json_object_del(report, names[i]) == 0;
    return had;
}

bool api_complete(struct api *api, struct arena *a, const struct lease_id *id, const json_t *report, struct err *e) {
    SCOPED_JSON(j) = body_of(id);
    json_object_update_missing(j, (json_t *)(uintptr_t)report);
    bool ok = tell(api, a, "POST", "/tasks/complete", CALL_MS, j, e);
    for (size_t i = 0; !ok && i < ARRAY_LEN(newer_parts); i++)
        if ((e->code == ERR_INVALID || e->code == ERR_TOO_LARGE) && leave_out(j, newer_parts[i]))
            ok = tell(api, a, "POST", "/tasks/complete", CALL_MS, j, e);
    return ok;
}

// --- locks

bool api_lock(struct api *api, struct arena *a, const char *key, uint64_t ttl_s, bool *acquired, struct err *e) {
    struct http_call call = call_of(api, a, "POST", "/locks/acquire", LOCK_MS);
    SCOPED_JSON(in) = json_object();
    SCOPED_JSON(out) = NULL;
    int status;
    json_set_text(in, "lock_key", key);
    json_set_text(in, "worker_id", api->set.worker_id);
    json_set_u64(in, "ttl_seconds", ttl_s);
    return http_call_json(api->http, a, &call, in, &status, &out, e) && json_get_bool(out, "acquired", acquired, e);
}

bool api_unlock(struct api *api, struct arena *a, const char *key, struct err *e) {
    const char *path = arena_printf(a, "/locks/release/%s?worker_id=%s", http_percent_encode(a, key),
                                    http_percent_encode(a, api->set.worker_id));
    return tell(api, a, "DELETE", path, LOCK_MS, NULL, e);
}

// --- modules and build records

// What is kept by its hash.
static bool download(struct api *api, struct arena *a, const char *from, const struct hash *hash, size_t max,
                     struct slice *out, struct err *e) {
    char hex[65];
    struct http_call call = call_of(api, a, "GET", arena_printf(a, "%s/%s", from, hash_hex(hash, hex)), WASM_MS);
    struct http_answer answer;
    call.max_answer = max;
    if (!http_call(api->http, a, &call, &answer, e))
        return false;
    if (answer.status != 200)
        return http_refusal(&call, &answer, e) || err_wrap(e, "%s/%.12s of the coordinator", from, hex);
    struct hash got = sha256(answer.body);
    if (!hash_eq(&got, hash))
        return err_set(e, ERR_CORRUPT, "the coordinator gave other bytes than those of %s/%.12s", from, hex);
    *out = answer.body;
    return true;
}

bool api_wasm_get(struct api *api, struct arena *a, const struct hash *hash, struct slice *out, struct err *e) {
    return download(api, a, "/wasm", hash, WASM_MAX, out, e);
}

bool api_lock_file_get(struct api *api, struct arena *a, const struct hash *hash, struct slice *out, struct err *e) {
    return download(api, a, "/cargo-lock", hash, BUILD_LOCK_MAX, out, e);
}

static bool upload(struct api *api, struct arena *a, const char *to, const struct hash *hash, struct slice bytes,
                   const char *type, struct err *e) {
    char hex[65];
    struct http_call call =
        call_of(api, a, "POST", arena_printf(a, "%s/upload?sha256=%s", to, hash_hex(hash, hex)), WASM_MS);
    SCOPED_JSON(out) = NULL;
    int status;
    call.body = bytes;
    call.content_type = type;
    return http_call_json(api->http, a, &call, NULL, &status, &out, e);
}

bool api_wasm_put(struct api *api, struct arena *a, const struct hash *hash, struct slice wasm, struct err *e) {
    return upload(api, a, "/wasm", hash, wasm, "application/wasm", e);
}

bool api_lock_file_put(struct api *api, struct arena *a, const struct hash *hash, struct slice lock, struct err *e) {
    return upload(api, a, "/cargo-lock", hash, lock, "text/plain; charset=utf-8", e);
}

bool api_records_get(struct api *api, struct arena *a, const struct hash *build_key, struct build_record **out,
                     size_t *count, struct err *e) {
    char hex[65];
    struct http_call call =
        call_of(api, a, "GET", arena_printf(a, "/builds/%s?all=true", hash_hex(build_key, hex)), CALL_MS);
    SCOPED_JSON(j) = NULL;
    int status;
    if (!http_call_json(api->http, a, &call, NULL, &status, &j, e))
        return false;
    return (j && records_parse(out, count, a, j, e)) || err_wrap(e, "build record %.12s of the coordinator", hex);
}

bool api_record_put(struct api *api, struct arena *a, const struct build_record *r, struct err *e) {
    char hex[65];
    SCOPED_JSON(j) = record_json(a, r);
    return tell(api, a, "PUT", arena_printf(a, "/builds/%s", hash_hex(&r->build_key, hex)), CALL_MS, j, e);
}

bool api_announce(struct api *api, struct arena *a, const struct worker_state *s, struct err *e) {
    SCOPED_JSON(j) = json_object();
    json_set_text(j, "worker_id", api->set.worker_id);
    json_set_text(j, "version", api->set.version);
    json_t *list = json_array();
    for (struct slice left = slice_str(s->capabilities); left.len;) {
        const uint8_t *comma = memchr(left.ptr, ',', left.len);
        size_t n = comma ? (size_t)(comma - left.ptr) : left.len;
        json_array_append_new(list, json_stringn((const char *)left.ptr, n));
        left = slice_skip(left, n + 1);
    }
    json_object_set_new(j, "capabilities", list);
    json_set_u64(j, "building", s->building);
    json_set_u64(j, "running", s->running);
    json_set_u64(j, "submitting", s->submitting);
    json_set_u64(j, "free_slots", s->free_slots);
    if (s->block_height) {
        json_set_u64(j, "block_height", s->block_height);
        json_set_u64(j, "blocks_behind", s->blocks_behind);
    }
    json_set_text(j, "operator_id", api->set.operator_id);
    json_set_text(j, "public_key", api->set.public_key);
    json_set_u64(j, "started_at_ms", api->set.started_ms);
    return tell(api, a, "POST", "/workers/heartbeat", HEARTBEAT_MS, j, e);
}
