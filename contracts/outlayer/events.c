// SPDX-License-Identifier: Apache-2.0
#include "events.h"

#define PREVIEW_MAX 256
#define BUFFER (8 * LOG_BYTES_MAX) // each byte of an input takes at most seven, and there is room for the rest

void event_open(struct out *o, const char *event) {
    const struct event_name name = {"near-outlayer", "1.0.0", event};
    event_begin(o, &name);
}

void log_event(const char *event, const char *member, struct text value) {
    char buffer[512];
    struct out o = OUT(buffer);
    event_open(&o, event);
    put_key(&o, member);
    put_value(&o, value);
    event_emit(&o);
}

void log_account(const char *event, const char *member, const struct account *a) {
    char buffer[ACCOUNT_MAX + 2];
    struct out o = OUT(buffer);
    put_string(&o, account_text(a));
    log_event(event, member, out_text(&o));
}

void log_number(const char *before, uint64_t n, const char *after) {
    char buffer[128];
    struct out o = OUT(buffer);
    out_str(&o, before);
    out_number(&o, n);
    out_str(&o, after);
    log_line(&o);
}

void put_source(struct out *o, const struct request *q) {
    member_open(o, "code_source", '{');
    member_string(o, "repo", q->repo);
    member_string(o, "commit", q->commit);
    member_string(o, "build_target", q->build_target);
    put_close(o, '}');
}

void put_limits(struct out *o, const struct limits *l) {
    member_open(o, "resource_limits", '{');
    member_number(o, "max_instructions", l->max_instructions);
    member_number(o, "max_memory_mb", l->max_memory_mb);
    member_number(o, "max_execution_seconds", l->max_execution_seconds);
    put_close(o, '}');
}

void put_secrets_ref(struct out *o, const struct request *q) {
    if (!q->secrets_profile.ptr) {
        member_null(o, "secrets_ref");
        return;
    }
    member_open(o, "secrets_ref", '{');
    member_string(o, "profile", q->secrets_profile);
    member_string(o, "account_id", account_text(&q->secrets_owner));
    put_close(o, '}');
}

void log_requested(const struct request *q, struct text input) {
    static char buffer[BUFFER];
    struct out o = OUT(buffer);
    require(input.len <= LOG_BYTES_MAX, "input_data is longer than an event can carry (16384 bytes with all the rest)");
    event_open(&o, "execution_requested");
    put_key(&o, "request_data");
    put_quoted_open(&o);
    member_number(&o, "request_id", q->id);
    member_string(&o, "sender_id", account_text(&q->sender));
    put_source(&o, q);
    put_limits(&o, &q->limits);
    member_string(&o, "input_data", input.ptr ? input : TEXT(""));
    put_secrets_ref(&o, q);
    member_string(&o, "response_format", text_of(format_names[q->format]));
    member_amount(&o, "payment", q->payment);
    member_number(&o, "timestamp", q->timestamp);
    put_quoted_close(&o);
    put_key(&o, "data_id");
    put_bytes(&o, HASH_TEXT(q->data_id));
    member_number(&o, "timestamp", q->timestamp);
    event_emit(&o);
}

void put_usage(struct out *o, const struct usage *u) {
    member_open(o, "resources_used", '{');
    member_number(o, "instructions", u->instructions);
    member_number(o, "time_ms", u->time_ms);
    if (u->compile_time_ms.given)
        member_number(o, "compile_time_ms", u->compile_time_ms.value);
    else
        member_null(o, "compile_time_ms");
    put_close(o, '}');
}

static void put_output(struct out *o, const struct output *output) {
    bool any = output->kind != OUTPUT_NONE, shown = output->kind == OUTPUT_TEXT || output->kind == OUTPUT_JSON;
    struct hash hash = output->hash.given || !any ? output->hash.value : sha256_of(output->bytes);
    member_hex(o, "output_hash", any ? &hash : NULL);
    member_number(o, "output_length", output->bytes.len);
    member_string(o, "output_preview", shown ? text_cut(output->bytes, PREVIEW_MAX) : (struct text){0});
}

struct text error_text(const struct answer *a) {
    return a->success ? (struct text){0} : a->error.ptr ? a->error : TEXT("Unknown error");
}

void put_failure(struct out *o, const struct answer *a) {
    member_string(o, "failure", a->success ? (struct text){0} : text_of(failure_names[a->failure]));
}

void log_completed(const struct request *q, const struct end *end) {
    static char buffer[BUFFER];
    struct out o = OUT(buffer);
    const struct answer *a = end->answer;
    event_open(&o, "execution_completed");
    member_string(&o, "sender_id", account_text(&q->sender));
    put_source(&o, q);
    put_usage(&o, &a->resources_used);
    member_bool(&o, "success", a->success);
    member_string(&o, "error_message", error_text(a));
    member_amount(&o, "payment_charged", end->charged);
    member_amount(&o, "payment_refunded", end->refunded);
    member_string(&o, "compilation_note", a->compilation_note);
    member_number(&o, "timestamp", now_ns());
    member_number(&o, "request_id", q->id);
    put_failure(&o, a);
    put_output(&o, &a->output);
    member_hex(&o, "wasm_hash", a->wasm_hash.given ? &a->wasm_hash.value : NULL);
    member_hex(&o, "attestation_digest", a->attestation_digest.given ? &a->attestation_digest.value : NULL);
    event_emit(&o);
    o.len = 0;
    out_str(&o, "[[yNEAR charged: \"");
    out_amount(&o, end->charged);
    out_str(&o, "\"]]");
    log_line(&o);
}

void log_extended(const struct request *q) {
    char buffer[512];
    struct out o = OUT(buffer);
    event_open(&o, "execution_extended");
    member_number(&o, "request_id", q->id);
    put_key(&o, "data_id");
    put_bytes(&o, HASH_TEXT(q->data_id));
    member_number(&o, "extensions", q->extensions);
    member_number(&o, "timestamp", q->extended);
    event_emit(&o);
}

void log_cancelled(const struct request *q, const struct account *by) {
    char buffer[256];
    struct out o = OUT(buffer);
    event_open(&o, "execution_cancelled");
    member_number(&o, "request_id", q->id);
    member_string(&o, "cancelled_by", account_text(by));
    event_emit(&o);
}

void put_prices(struct out *o, const struct fees *f) {
    put_open(o, '[');
    for (size_t i = 0; i < PRICES; i++)
        put_amount(o, f->all[i]);
    put_close(o, ']');
}

void log_pricing(const struct fees *f) {
    char buffer[512];
    struct out o = OUT(buffer);
    event_open(&o, "pricing_set");
    put_key(&o, "prices");
    put_prices(&o, f);
    event_emit(&o);
}

void put_refund(struct out *o, const struct refund *r) {
    put_key(o, "request_id");
    if (r->request_id.given)
        put_number(o, r->request_id.value);
    else
        put_null(o);
    member_string(o, "payer_account_id", account_text(&r->payer));
    member_string(o, "sender_id", account_text(&r->sender));
    member_amount(o, "amount", r->amount);
}

void log_refund(const char *event, const struct refund *r) {
    char buffer[512];
    struct out o = OUT(buffer);
    event_open(&o, event);
    put_refund(&o, r);
    event_emit(&o);
}

void log_secrets(const char *event, const struct secret_name *n, struct yocto deposit) {
    char buffer[4096]; // a branch of 255 bytes takes at most seven for each
    struct out o = OUT(buffer);
    event_open(&o, event);
    member_string(&o, "owner", account_text(&n->owner));
    member_string(&o, "repo", n->repo);
    member_string(&o, "branch", n->branch);
    member_string(&o, "profile", n->profile);
    member_amount(&o, "storage_deposit", deposit);
    member_number(&o, "timestamp", now_ns());
    event_emit(&o);
}
