// SPDX-License-Identifier: Apache-2.0
// What anybody may see of executions: lists, and one whole execution. Parameters were checked by their tables before.
#include "coordinator/api.h"
#include "coordinator/routes.h"

#include "base/text.h"
#include "crypto/hash.h"
#include "protocol/attestation.h"
#include <inttypes.h>

#define LIST_DEFAULT 50
#define LIST_BYTES_MAX (16u << 20)

// Ours, or the reference's word for the same.
static const char *either(struct http_request *r, const char *name, const char *other) {
    const char *text = http_query(r, name);
    return text ? text : http_query(r, other);
}

static struct queue_filter filter_of(struct http_request *r) {
    const char *module = http_query(r, "wasm_hash");
    struct hash hash;
    char hex[65];
    return (struct queue_filter){
        .transaction_hash = http_query(r, "transaction_hash"),
        .contract_id = http_query(r, "contract_id"),
        .sender_id = either(r, "sender", "user_account_id"),
        .payer_id = http_query(r, "payer"),
        .repo = either(r, "repo", "github_repo"),
        .worker_id = either(r, "worker", "worker_id"),
        .outcome = http_query(r, "outcome"),
        .failure = http_query(r, "failure"),
        .wasm_hash = module && hash_from_hex(&hash, slice_str(module), NULL)
                         ? arena_strdup(http_arena(r), hash_hex(&hash, hex)) // as it is stored
                         : NULL,
        .state = http_query(r, "state"),
        .has_request = http_query(r, "request_id") != NULL,
        .request_id = api_number(r, "request_id", 0),
        .from_ms = api_number(r, "from", 0),
        .to_ms = api_number(r, "to", INT64_MAX),
        .limit = api_number(r, "limit", LIST_DEFAULT),
        .offset = api_number(r, "offset", 0),
        .before = api_number(r, "before", INT64_MAX),
    };
}

// --- lists -------------------------------------------------------------------------------------------------------

struct list_question {
    struct coordinator *c;
    struct queue_filter filter;
    bool for_reference; // with its members, as a bare array
    const char *key;    // under which the answer is kept; NULL: it is looked up each time
};

// The words that the reference has for how an execution stands.
static const char *reference_status(const json_t *row) {
    const char *state = json_string_value(json_object_get(row, "state"));
    const char *outcome = json_string_value(json_object_get(row, "outcome"));
    const char *failure = json_string_value(json_object_get(row, "failure"));
    if (!outcome)
        return strcmp(state, execution_text(EXECUTION_QUEUED)) == 0 ? "pending" : "in_progress";
    if (strcmp(outcome, "success") == 0)
        return "completed";
    if (!failure || strcmp(failure, "platform") == 0)
        return strcmp(outcome, "guest_failed") == 0 ? "execution_failed" : "failed";
    return strcmp(failure, "build") == 0    ? "compilation_failed"
           : strcmp(failure, "access") == 0 ? "access_denied"
                                            : "execution_failed";
}

static void show_as(json_t *row, const char *as, const char *name) {
    json_t *value = json_object_get(row, name);
    json_object_set_new(row, as, value ? json_incref(value) : json_null());
}

// One row stands for the whole request: it is what the reference calls the job that executes.
static void add_reference(json_t *row) {
    static const char *const same[][2] = {{"job_id", "id"},
                                          {"error_details", "error"},
                                          {"execution_time_ms", "time_ms"},
                                          {"compile_time_ms", "compile_time_ms"},
                                          {"instructions_used", "instructions"},
                                          {"resolve_tx_id", "resolve_tx_id"},
                                          {"user_account_id", "sender_id"},
                                          {"near_payment_yocto", "payment"},
                                          {"actual_cost_yocto", "charged"},
                                          {"github_repo", "repo"},
                                          {"github_commit", "commit"},
                                          {"data_id", "data_id"}};
    const char *outcome = json_string_value(json_object_get(row, "outcome"));
    for (size_t i = 0; i < ARRAY_LEN(same); i++)
        show_as(row, same[i][0], same[i][1]);
    json_object_set_new(row, "job_type", json_string("execute"));
    json_object_set_new(row, "success", json_boolean(outcome && strcmp(outcome, "success") == 0));
    json_object_set_new(row, "status", json_string(reference_status(row)));
    json_object_set_new(row, "compile_cost_yocto", json_null()); // nobody charges it apart
}

static json_t *last_of(json_t *list) { return json_array_get(list, json_array_size(list) - 1); }

// Where the list goes on. A page that is not full was the last one.
static const char *cursor(struct http_request *r, const struct queue_filter *f, json_t *list) {
    if (!f->limit || json_array_size(list) < f->limit)
        return NULL;
    return arena_printf(http_arena(r), "%" PRIu64, (uint64_t)json_integer_value(json_object_get(last_of(list), "id")));
}

static const char *whole_list(struct http_request *r, const struct list_question *q, struct slice rows, struct err *e) {
    struct arena *a = http_arena(r);
    json_t *list = json_parse_big(rows, LIST_BYTES_MAX, e), *row;
    size_t i;
    if (!list)
        return NULL;
    const char *next = cursor(r, &q->filter, list);
    if (q->for_reference)
        json_array_foreach(list, i, row)
            add_reference(row);
    SCOPED_JSON(answer) = q->for_reference ? list : json_pack("{s:o, s:s?}", "executions", list, "next", next);
    return json_text(a, answer);
}

static void list_now(struct http_request *r, void *ctx) {
    struct list_question *q = ctx;
    struct err e;
    SCOPED_BUF(out, LIST_BYTES_MAX);
    struct db *db = readers_take(q->c->readers);
    bool ok = queue_list(q->c->queue, db, &q->filter, http_arena(r), &out, &e);
    readers_put(q->c->readers, db);
    if (ok && out.full)
        ok = err_set(&e, ERR_TOO_LARGE, "these executions are too many for one answer") ||
             err_hint(&e, "ask with limit=");
    const char *text = ok ? whole_list(r, q, buf_slice(&out), &e) : NULL;
    if (!text)
        http_reply_err(r, &e);
    else if (q->key)
        kept_answers_put(q->c->kept, r, q->key, slice_str(text));
    else
        public_reply(r, slice_str(text));
}

// What everybody looks at is kept; a question for one execution or transaction is about what is now. No two questions
// have one key: one for an empty text is not the one for any, and a text may have whatever stands between two of them.
static const char *kept_key(struct arena *a, const struct list_question *q) {
    const struct queue_filter *f = &q->filter;
    const char *const texts[] = {f->contract_id, f->sender_id, f->payer_id,  f->repo, f->worker_id,
                                 f->outcome,     f->failure,   f->wasm_hash, f->state};
    const char *key = arena_printf(a, "list %d %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64,
                                   q->for_reference, f->limit, f->offset, f->before, f->from_ms, f->to_ms);
    if (f->transaction_hash || f->has_request)
        return NULL;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        key = texts[i] ? arena_printf(a, "%s %zu:%s", key, strlen(texts[i]), texts[i]) : arena_printf(a, "%s -", key);
    return strlen(key) < KEPT_KEY_MAX ? key : NULL;
}

static void list(struct http_request *r, struct coordinator *c, bool for_reference) {
    struct list_question *q = arena_calloc(http_arena(r), 1, sizeof *q);
    *q = (struct list_question){.c = c, .filter = filter_of(r), .for_reference = for_reference};
    q->key = kept_key(http_arena(r), q);
    if (!q->key || !kept_answers_reply(c->kept, r, q->key))
        readers_run(c->readers, r, coordinator_has_token(r), list_now, q);
}

void public_jobs(struct http_request *r, void *ctx) { list(r, ctx, true); }
void public_executions(struct http_request *r, void *ctx) { list(r, ctx, false); }

// --- one execution -----------------------------------------------------------------------------------------------

static void copy_members(json_t *to, const json_t *from, const char *const *names) {
    for (; *names; names++) {
        json_t *value = json_object_get(from, *names);
        json_object_set_new(to, *names, value ? json_incref(value) : json_null());
    }
}

// What the worker that answered has hashed (protocol/attestation.h), and that hash, which the chain has, too.
static json_t *attested_parts(const struct queue_detail *d, const json_t *row, struct err *e) {
    struct attestation x;
    char hex[65];
    json_t *o = json_parse(slice_str(d->evidence), LIST_BYTES_MAX, e);
    if (!o || !attestation_read(&x, o, e) || !json_get_text(row, "contract_id", &x.contract_id, e) ||
        !json_get_u64(row, "request_id", &x.request_id, e)) {
        json_decref(o);
        return NULL;
    }
    struct hash digest = attestation_hash(&x);
    json_set_text(o, "contract_id", x.contract_id);
    json_set_u64(o, "request_id", x.request_id);
    json_object_set_new(o, "complete", json_true());
    json_set_text(o, "attestation_digest", hash_hex(&digest, hex));
    return o;
}

// What the coordinator knows of that where no worker has told it. The input itself is its sender's: its hash and length
// are shown.
static json_t *known_parts(const struct coordinator *c, const json_t *row, const json_t *task, struct arena *a) {
    static const char *const of_row[] = {"contract_id", "request_id", "sender_id",   "repo",         "commit",
                                         "build_key",   "wasm_hash",  "output_hash", "instructions", NULL};
    static const char *const of_task[] = {"data_id", "resource_limits", "secrets_ref", NULL};
    static const char *const of_worker[] = {"price_list", "engine", "measurement", "attestation_digest"};
    const json_t *source = json_object_get(task, "code_source"), *input = json_object_get(task, "input_data");
    const char *text = json_is_string(input) ? json_string_value(input) : "";
    struct hash hash = sha256(slice_of(text, json_is_string(input) ? json_string_length(input) : 0));
    const char *outcome = json_string_value(json_object_get(row, "outcome"));
    char hex[65];
    json_t *o = json_object();
    json_set_text(o, "network", c->network);
    copy_members(o, row, of_row);
    copy_members(o, task, of_task);
    json_t *target = json_object_get(source, "build_target");
    json_object_set_new(o, "build_target",
                        json_is_string(target) ? json_incref(target) : json_string(DEFAULT_BUILD_TARGET));
    json_set_text(o, "input_hash", arena_strdup(a, hash_hex(&hash, hex)));
    json_object_set_new(o, "success", json_boolean(outcome && strcmp(outcome, "success") == 0));
    json_t *height = json_object_get(json_object_get(task, "context"), "block_height");
    json_object_set_new(o, "block_height", height ? json_incref(height) : json_null());
    for (size_t i = 0; i < ARRAY_LEN(of_worker); i++)
        json_object_set_new(o, of_worker[i], json_null());
    json_object_set_new(o, "complete", json_false());
    return o;
}

static json_t *execution_json(const struct coordinator *c, const struct queue_detail *d, struct arena *a,
                              struct err *e) {
    static const char *const of_task[] = {
        "data_id", "response_format", "resource_limits", "secrets_ref", "context", "refused", NULL};
    SCOPED_JSON(task) = json_parse_big(slice_str(d->task), LIST_BYTES_MAX, e);
    json_t *row = task ? json_parse_big(slice_str(d->row), LIST_BYTES_MAX, e) : NULL;
    json_t *timeline = row ? json_parse(slice_str(d->timeline), LIST_BYTES_MAX, e) : NULL;
    json_t *parts = !timeline ? NULL : d->evidence ? attested_parts(d, row, e) : known_parts(c, row, task, a);
    if (!parts) {
        json_decref(row);
        json_decref(timeline);
        return NULL;
    }
    json_object_set_new(row, "digest_parts", parts);
    copy_members(row, task, of_task);
    json_set_u64(row, "input_bytes", json_string_length(json_object_get(task, "input_data")));
    json_object_set_new(row, "timeline", timeline);
    return row;
}

json_t *execution_detail(struct coordinator *c, struct db *db, struct arena *a, const struct execution_key *key,
                         struct err *e) {
    struct queue_detail d = {0};
    if (!queue_detail(c->queue, db, key, a, &d, e))
        return NULL;
    if (d.found)
        return execution_json(c, &d, a, e);
    err_set(e, ERR_NOT_FOUND, "request %" PRIu64 " of %s is not known here", key->request_id, key->contract_id);
    err_hint(e, "it is older than what is kept, or no worker has told of it yet; the chain knows");
    return NULL;
}

static void show_execution(struct http_request *r, void *ctx) {
    struct coordinator *c = ctx;
    struct execution_key key = {http_param(r, "contract_id"), 0};
    struct err e;
    BUG_ON(!text_u64(slice_str(http_param(r, "request_id")), &key.request_id));
    struct db *db = readers_take(c->readers);
    SCOPED_JSON(answer) = execution_detail(c, db, http_arena(r), &key, &e);
    readers_put(c->readers, db);
    if (answer)
        public_reply(r, slice_str(json_text(http_arena(r), answer)));
    else
        http_reply_err(r, &e);
}

void public_execution(struct http_request *r, void *ctx) {
    struct coordinator *c = ctx;
    readers_run(c->readers, r, coordinator_has_token(r), show_execution, c);
}
