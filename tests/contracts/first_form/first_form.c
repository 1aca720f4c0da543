// SPDX-License-Identifier: Apache-2.0
// A contract of the first form, for tests of workers: what near-outlayer 1.0.0 itself takes, shows, logs and answers,
// as far as workers meet it (docs/request.md), written from its public behaviour. It checks no names, shows a request's
// input instead of its hash, leaves a null limit null, resumes its yield with the response as JSON, logs a Json output
// whole, and its execution_completed names no request.
//
//   new{owner_id, operator_id}   anyone, once
//   request_execution            anyone, with a deposit
//   resolve_execution, submit_execution_output_and_resolve   the operator
//   on_execution_response        this contract
//   get_request, get_config, get_pricing   views
// Stored: "STATE" {owner, operator, next id}; 'r' id: the request; 'o' id: a stored output's JSON.
#include "sdk/sdk.h"

#define CALLBACK_TGAS 50
#define BASE MILLI_NEAR
#define PER_MILLION (MILLI_NEAR / 10000000)
#define PER_MS (MILLI_NEAR / 10000)
#define TEXT_MAX 65536u
#define OUTPUT_MAX (1024u * 1024)
static const struct text state_key = {"STATE", 5};
static char big[2 * OUTPUT_MAX], other[2 * OUTPUT_MAX];

struct state {
    struct account owner_id, operator_id;
    uint64_t next;
};
static const struct rec_field state_fields[] = {REC_WHO(struct state, owner_id), REC_WHO(struct state, operator_id),
                                                REC_RAW(struct state, next)};
static const struct rec_shape state_shape = REC_SHAPE(state_fields);

static void save(const struct state *s) {
    uint8_t bytes[256];
    struct rec_out r = REC_OUT(bytes);
    rec_put_shape(&r, &state_shape, s);
    store_put(state_key, REC_TEXT(r));
}

static struct state load(void) {
    uint8_t bytes[256];
    size_t len = 0;
    struct state s = {0};
    require(store_get(state_key, bytes, sizeof bytes, &len), "The contract is not initialized");
    struct rec_in r = {bytes, bytes + len};
    rec_take_shape(&r, &state_shape, &s);
    return s;
}

METHOD(CALL, new) {
    static const struct json_field fields[] = {REQUIRED(struct state, owner_id), REQUIRED(struct state, operator_id)};
    static const struct json_shape shape = JSON_SHAPE(fields, OPEN);
    struct state s = {0};
    json_arguments(&s, &shape);
    save(&s);
}

// --- requests

struct request {
    uint64_t id, timestamp;
    struct account sender_id, payer_account_id;
    struct text repo, commit, build_target, input_data, response_format;
    struct maybe_u64 max_instructions, max_memory_mb, max_execution_seconds;
    struct text profile;
    struct account account_id;
    struct yocto payment;
    struct hash data_id;
    bool submitted;
};
#define Q(kind, member) REC_##kind(struct request, member)
static const struct rec_field request_fields[] = {Q(RAW, id),
                                                  Q(RAW, timestamp),
                                                  Q(WHO, sender_id),
                                                  Q(WHO, payer_account_id),
                                                  Q(STRING, repo),
                                                  Q(STRING, commit),
                                                  Q(STRING, build_target),
                                                  Q(STRING, input_data),
                                                  Q(STRING, response_format),
                                                  Q(RAW, max_instructions),
                                                  Q(RAW, max_memory_mb),
                                                  Q(RAW, max_execution_seconds),
                                                  Q(STRING, profile),
                                                  Q(WHO, account_id),
                                                  Q(RAW, payment),
                                                  Q(RAW, data_id),
                                                  Q(RAW, submitted)};
static const struct rec_shape request_shape = REC_SHAPE(request_fields);

static void save_request(const struct request *q) {
    static uint8_t bytes[TEXT_MAX];
    struct rec_out r = REC_OUT(bytes);
    struct key key = key_of('r', q->id);
    rec_put_shape(&r, &request_shape, q);
    store_put(KEY_TEXT(key), REC_TEXT(r));
}

static bool load_request(uint64_t id, struct request *q) {
    static uint8_t bytes[TEXT_MAX];
    size_t len = 0;
    struct key key = key_of('r', id);
    if (!store_get(KEY_TEXT(key), bytes, sizeof bytes, &len))
        return false;
    struct rec_in r = {bytes, bytes + len};
    rec_take_shape(&r, &request_shape, q);
    return true;
}

static void put_limit(struct out *o, const char *name, const struct maybe_u64 *n) {
    if (n->given)
        member_number(o, name, n->value);
    else
        member_null(o, name);
}

static void put_source(struct out *o, const struct request *q) {
    member_string(o, "sender_id", account_text(&q->sender_id));
    member_open(o, "code_source", '{');
    member_string(o, "repo", q->repo.ptr ? q->repo : TEXT(""));
    member_string(o, "commit", q->commit.ptr ? q->commit : TEXT(""));
    member_string(o, "build_target", q->build_target);
    put_close(o, '}');
}

static void put_limits(struct out *o, const struct request *q) {
    member_open(o, "resource_limits", '{');
    put_limit(o, "max_instructions", &q->max_instructions);
    put_limit(o, "max_memory_mb", &q->max_memory_mb);
    put_limit(o, "max_execution_seconds", &q->max_execution_seconds);
    put_close(o, '}');
}

static void put_secrets(struct out *o, const struct request *q) {
    if (!q->account_id.len) {
        member_null(o, "secrets_ref");
        return;
    }
    member_open(o, "secrets_ref", '{');
    member_string(o, "profile", q->profile.ptr ? q->profile : TEXT(""));
    member_string(o, "account_id", account_text(&q->account_id));
    put_close(o, '}');
}

static void put_data_id(struct out *o, const struct request *q) {
    put_key(o, "data_id");
    put_bytes(o, HASH_TEXT(q->data_id));
}

static void put_request_data(struct out *o, const struct request *q) {
    member_number(o, "request_id", q->id);
    put_source(o, q);
    put_limits(o, q);
    member_string(o, "input_data", q->input_data.ptr ? q->input_data : TEXT(""));
    put_secrets(o, q);
    member_string(o, "response_format", q->response_format);
    member_amount(o, "payment", q->payment);
    member_number(o, "timestamp", q->timestamp);
}

static const struct event_name requested = {"near-outlayer", "1.0.0", "execution_requested"};
static const struct event_name completed = {"near-outlayer", "1.0.0", "execution_completed"};

static void log_requested(const struct request *q) {
    struct out o = OUT(big);
    event_begin(&o, &requested);
    put_key(&o, "request_data");
    put_quoted_open(&o);
    put_request_data(&o, q);
    put_quoted_close(&o);
    put_data_id(&o, q);
    member_number(&o, "timestamp", q->timestamp);
    event_emit(&o);
}

static const struct json_field source_fields[] = {REQUIRED(struct request, repo), REQUIRED(struct request, commit),
                                                  OPTIONAL(struct request, build_target)};
static const struct json_shape source_shape = JSON_SHAPE(source_fields, OPEN);
static const struct json_field limit_fields[] = {OPTIONAL(struct request, max_instructions),
                                                 OPTIONAL(struct request, max_memory_mb),
                                                 OPTIONAL(struct request, max_execution_seconds)};
static const struct json_shape limit_shape = JSON_SHAPE(limit_fields, OPEN);
static const struct json_field secrets_fields[] = {REQUIRED(struct request, profile),
                                                   REQUIRED(struct request, account_id)};
static const struct json_shape secrets_shape = JSON_SHAPE(secrets_fields, OPEN);
static struct request asked;

// Inner objects have their members in `asked` itself.
static void read_inner(struct json_in *in, void *out, const void *more) {
    (void)out;
    if (more == &limit_shape)
        asked.max_instructions.given = asked.max_memory_mb.given = asked.max_execution_seconds.given = false;
    json_read_shape(in, &asked, more);
}

METHOD(PAYABLE, request_execution) {
    static const struct json_field fields[] = {JSON_FIELD_AS("code_source", 0, true, read_inner, &source_shape),
                                               JSON_FIELD_AS("resource_limits", 0, false, read_inner, &limit_shape),
                                               JSON_FIELD_AS("secrets_ref", 0, false, read_inner, &secrets_shape),
                                               OPTIONAL(struct request, input_data),
                                               OPTIONAL(struct request, response_format),
                                               OPTIONAL(struct request, payer_account_id)};
    static const struct json_shape shape = JSON_SHAPE(fields, OPEN);
    struct state s = load();
    char args[64];
    struct out o = OUT(args);
    asked.max_instructions = (struct maybe_u64){true, 1000000000};
    asked.max_memory_mb = (struct maybe_u64){true, 128};
    asked.max_execution_seconds = (struct maybe_u64){true, 60};
    json_arguments(&asked, &shape);
    if (!asked.response_format.ptr)
        asked.response_format = TEXT("Text");
    asked.id = s.next++;
    save(&s);
    asked.timestamp = now_ns();
    asked.sender_id = caller();
    asked.payment = deposit_attached();
    put_open(&o, '{');
    member_number(&o, "request_id", asked.id);
    put_close(&o, '}');
    struct promise answer = yield_create("on_execution_response", out_text(&o), CALLBACK_TGAS * TGAS, &asked.data_id);
    log_requested(&asked);
    save_request(&asked);
    promise_return(answer);
}

// --- answers

struct response {
    bool success;
    struct json_raw output, error, resources_used, compilation_note;
};
static const struct json_field response_fields[] = {
    REQUIRED(struct response, success), OPTIONAL(struct response, output), OPTIONAL(struct response, error),
    REQUIRED(struct response, resources_used), OPTIONAL(struct response, compilation_note)};
static const struct json_shape response_shape = JSON_SHAPE(response_fields, OPEN);
struct used {
    uint64_t instructions, time_ms;
    struct maybe_u64 compile_time_ms;
};
static const struct json_field used_fields[] = {REQUIRED(struct used, instructions), REQUIRED(struct used, time_ms),
                                                OPTIONAL(struct used, compile_time_ms)};
static const struct json_shape used_shape = JSON_SHAPE(used_fields, OPEN);
struct answer {
    uint64_t request_id;
    struct response response;
};
static struct answer given;

static void put_raw(struct out *o, const char *name, const struct json_raw *r) {
    put_key(o, name);
    put_value(o, r->text.ptr ? r->text : TEXT("null"));
}

static void put_used(struct out *o, const struct used *u) {
    member_open(o, "resources_used", '{');
    member_number(o, "instructions", u->instructions);
    member_number(o, "time_ms", u->time_ms);
    put_limit(o, "compile_time_ms", &u->compile_time_ms);
    put_close(o, '}');
}

static struct used used_of(const struct json_raw *r) {
    static char copy[512];
    struct used u = {0};
    require(r->text.len < sizeof copy, "resources_used is too long");
    memcpy(copy, r->text.ptr, r->text.len);
    json_document(copy, r->text.len, &u, &used_shape);
    return u;
}

static void resume(const struct request *q, const struct response *r) {
    struct out o = OUT(big);
    struct used u = used_of(&r->resources_used);
    put_open(&o, '{');
    member_bool(&o, "success", r->success);
    put_raw(&o, "output", &r->output);
    put_raw(&o, "error", &r->error);
    put_used(&o, &u);
    put_raw(&o, "compilation_note", &r->compilation_note);
    put_close(&o, '}');
    require(yield_resume(&q->data_id, out_text(&o)), "Unable to resume execution promise");
}

static void must_load(uint64_t id, struct request *q) {
    struct state s = load();
    struct account from = caller();
    require(account_eq(&from, &s.operator_id), "Only operator can call this");
    require(load_request(id, q), "Execution request not found");
}

METHOD(CALL, resolve_execution) {
    static const struct json_field fields[] = {REQUIRED(struct answer, request_id),
                                               REQUIRED_BY(struct answer, response, json_read_shape, &response_shape)};
    static const struct json_shape shape = JSON_SHAPE(fields, OPEN);
    struct request q;
    json_arguments(&given, &shape);
    must_load(given.request_id, &q);
    resume(&q, &given.response);
}

METHOD(CALL, submit_execution_output_and_resolve) {
    struct flat {
        uint64_t request_id;
        bool success;
        struct json_raw output, error, resources_used, compilation_note;
    };
    static const struct json_field fields[] = {
        REQUIRED(struct flat, request_id),     REQUIRED(struct flat, output),
        REQUIRED(struct flat, success),        OPTIONAL(struct flat, error),
        REQUIRED(struct flat, resources_used), OPTIONAL(struct flat, compilation_note)};
    static const struct json_shape shape = JSON_SHAPE(fields, OPEN);
    static struct flat in;
    struct request q;
    json_arguments(&in, &shape);
    must_load(in.request_id, &q);
    require(!q.submitted, "Output already submitted for this request");
    struct key key = key_of('o', q.id);
    store_put(KEY_TEXT(key), in.output.text);
    q.submitted = true;
    save_request(&q);
    resume(&q, &(struct response){.success = in.success,
                                  .error = in.error,
                                  .resources_used = in.resources_used,
                                  .compilation_note = in.compilation_note});
}

// --- the end

static struct yocto cost_of(const struct used *u) {
    struct yocto cost = yocto_mul(YOCTO(PER_MILLION), u->instructions / 1000000);
    uint64_t ms = u->time_ms + (u->compile_time_ms.given ? u->compile_time_ms.value : 0);
    return yocto_add(YOCTO(BASE), yocto_add(cost, yocto_mul(YOCTO(PER_MS), ms)));
}

static void log_completed(const struct request *q, const struct response *r, const struct used *u, struct yocto cost,
                          struct yocto refund) {
    struct out o = OUT(other);
    event_begin(&o, &completed);
    put_source(&o, q);
    put_used(&o, u);
    member_bool(&o, "success", r->success);
    put_raw(&o, "error_message", &r->error);
    member_amount(&o, "payment_charged", cost);
    member_amount(&o, "payment_refunded", refund);
    put_raw(&o, "compilation_note", &r->compilation_note);
    member_number(&o, "timestamp", now_ns());
    event_emit(&o);
}

// {"Kind":value}
static struct text value_in(struct text output, struct text *kind) {
    size_t n = 0;
    require(output.len > 5, "an output that is none");
    while (output.ptr[n + 2] != '"')
        n++;
    *kind = (struct text){output.ptr + 2, n};
    return (struct text){output.ptr + n + 4, output.len - n - 5};
}

static struct text bytes_of(struct text list) {
    static char bytes[OUTPUT_MAX];
    size_t len = 0;
    for (const char *p = list.ptr + 1, *end = list.ptr + list.len; p < end; p++) {
        uint8_t n = 0;
        if (*p < '0' || *p > '9')
            continue;
        for (; *p >= '0' && *p <= '9'; p++)
            n = (uint8_t)(n * 10 + (*p - '0'));
        bytes[len++] = (char)n;
    }
    return (struct text){bytes, len};
}

static void answer_output(struct text output) {
    struct text kind, value = value_in(output, &kind);
    struct out line = OUT(other);
    if (text_eq(kind, TEXT("Json"))) { // logged as it is, however long
        out_str(&line, "Execution completed successfully. Output: Json: ");
        out_raw(&line, value);
        log_line(&line);
    }
    if (!text_eq(kind, TEXT("Bytes"))) {
        answer_text(value);
        return;
    }
    struct out o = OUT(other);
    put_base64(&o, bytes_of(value));
    answer_json(&o);
}

static void forget(const struct request *q) {
    struct key request = key_of('r', q->id), output = key_of('o', q->id);
    store_remove(KEY_TEXT(request));
    store_remove(KEY_TEXT(output));
}

static void pay_back(const struct request *q, struct yocto refund) {
    promise_transfer(q->payer_account_id.len ? &q->payer_account_id : &q->sender_id, refund);
}

static void end_answered(const struct request *q) {
    static char payload[2048];
    static struct response r;
    size_t len = 0;
    struct key key = key_of('o', q->id);
    json_document(payload, register_copy(PROMISE_REGISTER, payload, sizeof payload), &r, &response_shape);
    struct used u = used_of(&r.resources_used);
    struct yocto cost = r.success ? cost_of(&u) : YOCTO(BASE);
    struct yocto refund = yocto_less(cost, q->payment) ? yocto_sub(q->payment, cost) : YOCTO(0);
    struct text output = r.output.text;
    if (q->submitted && store_get(KEY_TEXT(key), big, sizeof big, &len))
        output = (struct text){big, len};
    log_completed(q, &r, &u, cost, refund);
    if (r.success && output.ptr)
        answer_output(output);
    else
        answer_text(TEXT("null"));
    forget(q);
    pay_back(q, refund);
}

METHOD(CALLBACK, on_execution_response) {
    struct named {
        uint64_t request_id;
    } in = {0};
    static const struct json_field fields[] = {REQUIRED(struct named, request_id)};
    static const struct json_shape shape = JSON_SHAPE(fields, OPEN);
    struct request q;
    json_arguments(&in, &shape);
    if (!load_request(in.request_id, &q)) {
        answer_text(TEXT("null"));
    } else if (promise_succeeded()) {
        end_answered(&q);
    } else { // nobody answered: the base fee, and no event
        forget(&q);
        pay_back(&q, yocto_sub(q.payment, YOCTO(BASE)));
        answer_text(TEXT("null"));
    }
}

// --- views

METHOD(VIEW, get_request) {
    struct named {
        uint64_t request_id;
    } in = {0};
    static const struct json_field fields[] = {REQUIRED(struct named, request_id)};
    static const struct json_shape shape = JSON_SHAPE(fields, OPEN);
    struct request q;
    json_arguments(&in, &shape);
    if (!load_request(in.request_id, &q)) {
        answer_text(TEXT("null"));
        return;
    }
    struct out o = OUT(big);
    put_open(&o, '{');
    member_number(&o, "request_id", q.id);
    put_data_id(&o, &q);
    put_source(&o, &q);
    put_limits(&o, &q);
    put_key(&o, "payment");
    put_bare_amount(&o, q.payment);
    member_number(&o, "timestamp", q.timestamp);
    put_secrets(&o, &q);
    member_string(&o, "response_format", q.response_format);
    member_string(&o, "input_data", q.input_data);
    member_string(&o, "payer_account_id", account_text(q.payer_account_id.len ? &q.payer_account_id : &q.sender_id));
    member_null(&o, "pending_output");
    member_bool(&o, "output_submitted", q.submitted);
    put_close(&o, '}');
    answer_json(&o);
}

METHOD(VIEW, get_config) {
    struct state s = load();
    struct out o = OUT(big);
    put_open(&o, '[');
    put_string(&o, account_text(&s.owner_id));
    put_string(&o, account_text(&s.operator_id));
    put_close(&o, ']');
    answer_json(&o);
}

METHOD(VIEW, get_pricing) {
    struct out o = OUT(big);
    put_open(&o, '[');
    put_amount(&o, YOCTO(BASE));
    put_amount(&o, YOCTO(PER_MILLION));
    put_amount(&o, YOCTO(PER_MS));
    put_amount(&o, YOCTO(PER_MS));
    put_close(&o, ']');
    answer_json(&o);
}
