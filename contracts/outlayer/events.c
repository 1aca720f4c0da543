// SPDX-License-Identifier: Apache-2.0
#include "events.h"
#include "reply.h"

#define PREVIEW_MAX 256

struct out *event_open(const char *event) {
    const struct event_name name = {"near-outlayer", "1.0.0", event};
    struct out *o = reply();
    event_begin(o, &name);
    return o;
}

void log_event(const char *event, const char *member, struct text value) {
    struct out *o = event_open(event);
    put_key(o, member);
    put_value(o, value);
    event_emit(o);
}

void log_account(const char *event, const char *member, const struct account *a) {
    struct out *o = event_open(event);
    member_string(o, member, account_text(a));
    event_emit(o);
}

void log_number(const char *before, uint64_t n, const char *after) {
    struct out *o = reply();
    out_str(o, before);
    out_number(o, n);
    out_str(o, after);
    log_line(o);
}

#define Q(kind, name, member) JSON_MEMBER(kind, name, struct request, member)
static const struct json_member request_members[] = {
    Q(U64, "request_id", id),
    Q(ACCOUNT, "sender_id", sender),
    JSON_OBJECT("code_source"),
    Q(TEXT, "repo", repo),
    Q(TEXT, "commit", commit),
    Q(TEXT, "build_target", build_target),
    JSON_OBJECT_END,
    JSON_OBJECT("resource_limits"),
    Q(U64, "max_instructions", limits.max_instructions),
    Q(U32, "max_memory_mb", limits.max_memory_mb),
    Q(U64, "max_execution_seconds", limits.max_execution_seconds),
    JSON_OBJECT_END,
};
#define SENDER_AND_SOURCE_END 7

void put_sender_to_limits(struct out *o, const struct request *q) {
    put_members(o, request_members + 1, sizeof request_members / sizeof request_members[0] - 1, q);
}

void put_secrets_ref(struct out *o, const struct request *q) {
    if (!q->secrets_profile.ptr) {
        member_null(o, "secrets_ref");
        return;
    }
    static const struct json_member members[] = {
        JSON_OBJECT("secrets_ref"),
        Q(TEXT, "profile", secrets_profile),
        Q(ACCOUNT, "account_id", secrets_owner),
        JSON_OBJECT_END,
    };
    PUT_ALL(o, members, q);
}

static const struct json_member payment_members[] = {
    Q(AMOUNT, "payment", payment),
    Q(U64, "timestamp", timestamp),
};
static const struct json_member yield_members[] = {
    Q(HASH_BYTES, "data_id", data_id),
    Q(U64, "timestamp", timestamp),
};

void log_requested(const struct request *q, struct text input) {
    struct out *o = event_open("execution_requested");
    put_key(o, "request_data");
    put_quoted_open(o);
    PUT_ALL(o, request_members, q);
    member_string(o, "input_data", input.ptr ? input : TEXT(""));
    put_secrets_ref(o, q);
    member_string(o, "response_format", text_of(format_names[q->format]));
    PUT_ALL(o, payment_members, q);
    put_quoted_close(o);
    PUT_ALL(o, yield_members, q);
    event_emit(o);
}

void put_usage(struct out *o, const struct usage *u) {
    static const struct json_member members[] = {
        JSON_OBJECT("resources_used"),
        JSON_MEMBER(U64, "instructions", struct usage, instructions),
        JSON_MEMBER(U64, "time_ms", struct usage, time_ms),
        JSON_MEMBER(MAYBE_U64, "compile_time_ms", struct usage, compile_time_ms),
        JSON_OBJECT_END,
    };
    PUT_ALL(o, members, u);
}

static void put_output(struct out *o, const struct output *output) {
    bool any = output->kind != OUTPUT_NONE, shown = output->kind == OUTPUT_TEXT || output->kind == OUTPUT_JSON;
    struct hash hash = output->hash.given || !any ? output->hash.value : sha256_of(output->bytes);
    member_hex(o, "output_hash", any ? &hash : NULL);
    member_number(o, "output_length", output->bytes.len);
    member_string(o, "output_preview", shown ? text_cut(output->bytes, PREVIEW_MAX) : (struct text){0});
}

static const struct json_member end_members[] = {
    JSON_MEMBER(AMOUNT, "payment_charged", struct end, charged),
    JSON_MEMBER(AMOUNT, "payment_refunded", struct end, refunded),
};
static const struct json_member answer_members[] = {
    JSON_MEMBER(MAYBE_HASH, "wasm_hash", struct answer, wasm_hash),
    JSON_MEMBER(MAYBE_HASH, "attestation_digest", struct answer, attestation_digest),
};

struct text error_text(const struct answer *a) {
    return a->success ? (struct text){0} : a->error.ptr ? a->error : TEXT("Unknown error");
}

void put_failure(struct out *o, const struct answer *a) {
    member_string(o, "failure", a->success ? (struct text){0} : text_of(failure_names[a->failure]));
}

void log_completed(const struct request *q, const struct end *end) {
    const struct answer *a = end->answer;
    struct out *o = event_open("execution_completed");
    put_members(o, request_members + 1, SENDER_AND_SOURCE_END - 1, q);
    put_usage(o, &a->resources_used);
    member_bool(o, "success", a->success);
    member_string(o, "error_message", error_text(a));
    PUT_ALL(o, end_members, end);
    member_string(o, "compilation_note", a->compilation_note);
    member_number(o, "timestamp", now_ns());
    member_number(o, "request_id", q->id);
    put_failure(o, a);
    put_output(o, &a->output);
    PUT_ALL(o, answer_members, a);
    event_emit(o);
    o->len = 0;
    out_str(o, "[[yNEAR charged: \"");
    out_amount(o, end->charged);
    out_str(o, "\"]]");
    log_line(o);
}

void log_extended(const struct request *q) {
    static const struct json_member members[] = {
        Q(U64, "request_id", id),
        Q(HASH_BYTES, "data_id", data_id),
        Q(U8, "extensions", extensions),
        Q(U64, "timestamp", extended),
    };
    struct out *o = event_open("execution_extended");
    PUT_ALL(o, members, q);
    event_emit(o);
}

void log_cancelled(const struct request *q, const struct account *by) {
    struct out *o = event_open("execution_cancelled");
    member_number(o, "request_id", q->id);
    member_string(o, "cancelled_by", account_text(by));
    event_emit(o);
}

void put_prices(struct out *o, const struct fees *f) {
    put_open(o, '[');
    for (size_t i = 0; i < PRICES; i++)
        put_amount(o, f->all[i]);
    put_close(o, ']');
}

void log_pricing(const struct fees *f) {
    struct out *o = event_open("pricing_set");
    put_key(o, "prices");
    put_prices(o, f);
    event_emit(o);
}

void put_refund(struct out *o, const struct refund *r) {
    static const struct json_member members[] = {
        JSON_MEMBER(MAYBE_U64, "request_id", struct refund, request_id),
        JSON_MEMBER(ACCOUNT, "payer_account_id", struct refund, payer),
        JSON_MEMBER(ACCOUNT, "sender_id", struct refund, sender),
        JSON_MEMBER(AMOUNT, "amount", struct refund, amount),
    };
    PUT_ALL(o, members, r);
}

void log_refund(const char *event, const struct refund *r) {
    struct out *o = event_open(event);
    put_refund(o, r);
    event_emit(o);
}

void log_secrets(const char *event, const struct secret_name *n, struct yocto deposit) {
    struct out *o = event_open(event);
    member_string(o, "owner", account_text(&n->owner));
    member_string(o, "repo", n->repo);
    member_string(o, "branch", n->branch);
    member_string(o, "profile", n->profile);
    member_amount(o, "storage_deposit", deposit);
    member_number(o, "timestamp", now_ns());
    event_emit(o);
}
