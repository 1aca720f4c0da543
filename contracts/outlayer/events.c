// SPDX-License-Identifier: Apache-2.0
#include "events.h"

#define PREVIEW_MAX 256
#define INNER_MAX (8 * LOG_BYTES_MAX) // each input byte takes at most six, and there is room for the rest
#define OUTER_MAX (2 * INNER_MAX)
static const struct event_name requested = {"near-outlayer", "1.0.0", "execution_requested"};
static const struct event_name completed = {"near-outlayer", "1.0.0", "execution_completed"};
static const struct event_name redirected = {"near-outlayer", "1.0.0", "refund_redirected"};

void log_number(const char *before, uint64_t n, const char *after) {
    char buffer[128];
    struct out o = OUT(buffer);
    out_str(&o, before);
    out_number(&o, n);
    out_str(&o, after);
    log_line(&o);
}

void put_source(struct out *o, const struct request *q) {
    json_put_open(o, "code_source", '{');
    json_put_string(o, "repo", q->repo);
    json_put_string(o, "commit", q->commit);
    json_put_string(o, "build_target", q->build_target);
    json_close(o, '}');
}

void put_limits(struct out *o, const struct limits *l) {
    json_put_open(o, "resource_limits", '{');
    json_put_number(o, "max_instructions", l->max_instructions);
    json_put_number(o, "max_memory_mb", l->max_memory_mb);
    json_put_number(o, "max_execution_seconds", l->max_execution_seconds);
    json_close(o, '}');
}

static struct text request_data(const struct request *q, struct text input) {
    static char buffer[INNER_MAX];
    struct out o = OUT(buffer);
    json_open(&o, '{');
    json_put_number(&o, "request_id", q->id);
    json_put_string(&o, "sender_id", account_text(&q->sender));
    put_source(&o, q);
    put_limits(&o, &q->limits);
    json_put_string(&o, "input_data", input.ptr ? input : TEXT(""));
    json_put_null(&o, "secrets_ref");
    json_put_string(&o, "response_format", text_of(format_names[q->format]));
    json_put_amount(&o, "payment", q->payment);
    json_put_number(&o, "timestamp", q->timestamp);
    json_put_number(&o, "build_seconds", q->build_seconds);
    json_close(&o, '}');
    return out_text(&o);
}

void log_requested(const struct request *q, struct text input) {
    static char buffer[OUTER_MAX];
    struct out o = OUT(buffer);
    require(input.len <= LOG_BYTES_MAX, "input_data is longer than an event can carry (16384 bytes with all the rest)");
    event_begin(&o, &requested);
    json_put_string(&o, "request_data", request_data(q, input));
    json_key(&o, "data_id");
    json_bytes(&o, HASH_TEXT(q->data_id));
    json_put_number(&o, "timestamp", q->timestamp);
    event_emit(&o);
}

static void put_usage(struct out *o, const struct usage *u) {
    json_put_open(o, "resources_used", '{');
    json_put_number(o, "instructions", u->instructions);
    json_put_number(o, "time_ms", u->time_ms);
    if (u->compile_time_ms.given)
        json_put_number(o, "compile_time_ms", u->compile_time_ms.value);
    else
        json_put_null(o, "compile_time_ms");
    json_close(o, '}');
}

static void put_output(struct out *o, const struct output *output) {
    bool any = output->kind != OUTPUT_NONE, shown = output->kind == OUTPUT_TEXT || output->kind == OUTPUT_JSON;
    struct hash hash = output->hash.given || !any ? output->hash.value : sha256_of(output->bytes);
    json_put_hex(o, "output_hash", any ? &hash : NULL);
    json_put_number(o, "output_length", output->bytes.len);
    json_put_string(o, "output_preview", shown ? text_cut(output->bytes, PREVIEW_MAX) : (struct text){0});
}

void log_completed(const struct request *q, const struct end *end) {
    static char buffer[OUTER_MAX];
    struct out o = OUT(buffer);
    const struct answer *a = end->answer;
    event_begin(&o, &completed);
    json_put_string(&o, "sender_id", account_text(&q->sender));
    put_source(&o, q);
    put_usage(&o, &a->resources_used);
    json_put_bool(&o, "success", a->success);
    json_put_string(&o, "error_message",
                    a->success     ? (struct text){0}
                    : a->error.ptr ? a->error
                                   : TEXT("Unknown error"));
    json_put_amount(&o, "payment_charged", end->charged);
    json_put_amount(&o, "payment_refunded", end->refunded);
    json_put_string(&o, "compilation_note", a->compilation_note);
    json_put_number(&o, "timestamp", now_ns());
    json_put_number(&o, "request_id", q->id);
    json_put_string(&o, "failure", a->success ? (struct text){0} : text_of(failure_names[a->failure]));
    put_output(&o, &a->output);
    json_put_hex(&o, "wasm_hash", a->wasm_hash.given ? &a->wasm_hash.value : NULL);
    json_put_hex(&o, "attestation_digest", a->attestation_digest.given ? &a->attestation_digest.value : NULL);
    event_emit(&o);
    o.len = 0;
    out_str(&o, "[[yNEAR charged: \"");
    out_amount(&o, end->charged);
    out_str(&o, "\"]]");
    log_line(&o);
}

void log_redirected(const struct refund *r) {
    char buffer[512];
    struct out o = OUT(buffer);
    event_begin(&o, &redirected);
    json_put_number(&o, "request_id", r->request_id);
    json_put_string(&o, "payer_account_id", account_text(&r->payer_account_id));
    json_put_string(&o, "sender_id", account_text(&r->sender_id));
    json_put_amount(&o, "amount", r->amount);
    event_emit(&o);
}
