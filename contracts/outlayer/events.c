// SPDX-License-Identifier: Apache-2.0
#include "events.h"
#include "sdk/reply.h"

#define PREVIEW_MAX 256

struct out *event_open(const char *event) {
    const struct event_name name = {EVENT_STANDARD, EVENT_VERSION, event};
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
// The members that programs read, too: their names are protocol/contract.h's.
#define F(kind, name) Q(kind, #name, IN_REQUEST_##name),
#define L(kind, name, value) Q(kind, #name, limits.name),
#define JSON_MAYBE_TEXT JSON_TEXT // which writes null where there is none
#define IN_REQUEST_sender_id sender
#define IN_REQUEST_repo repo
#define IN_REQUEST_commit commit
#define IN_REQUEST_build_target build_target
#define IN_REQUEST_profile secrets_profile
#define IN_REQUEST_account_id secrets_owner
static const struct json_member request_members[] = {
    Q(U64, "request_id", id),       SENDER_MEMBER(F) JSON_OBJECT("code_source"), CODE_SOURCE_MEMBERS(F) JSON_OBJECT_END,
    JSON_OBJECT("resource_limits"), RESOURCE_LIMITS_MEMBERS(L) JSON_OBJECT_END,
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
        SECRETS_REF_MEMBERS(F) JSON_OBJECT_END,
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
    struct out *o = event_open(EVENT_NAME_REQUESTED);
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

// Without control characters, which many a reader of logs refuses: a settlement must not hide behind an output.
static struct text shown(struct text t) {
    static char preview[PREVIEW_MAX];
    for (size_t i = 0; i < t.len; i++)
        preview[i] = (uint8_t)t.ptr[i] < 0x20 || t.ptr[i] == 0x7f ? ' ' : t.ptr[i];
    return (struct text){preview, t.len};
}

void answer_end(struct answer *a, uint64_t request_id) {
    struct output *output = &a->output;
    a->request_id = request_id;
    a->ended_at = now_ns();
    if (!a->success) {
        a->failure_name = text_of(failure_names[a->failure]);
        if (!a->error.ptr)
            a->error = TEXT("Unknown error");
    } else {
        a->error.ptr = NULL;
    }
    if (output->kind != OUTPUT_NONE && !output->hash.given)
        output->hash = (struct maybe_hash){true, sha256_of(output->bytes)};
    a->output_length = (uint32_t)output->bytes.len;
    if (output->kind == OUTPUT_TEXT || output->kind == OUTPUT_JSON)
        a->preview = shown(text_cut(output->bytes, PREVIEW_MAX));
}

#define A(kind, name, member) JSON_MEMBER(kind, name, struct answer, member)
void put_failure(struct out *o, const struct answer *a) {
    static const struct json_member members[] = {A(TEXT, "error", error), A(TEXT, "failure", failure_name)};
    PUT_ALL(o, members, a);
}

void log_completed(const struct request *q, const struct answer *a) {
    static const struct json_member members[] = {
        A(BOOL, "success", success),
        A(TEXT, "error_message", error),
        A(AMOUNT, "payment_charged", charged),
        A(AMOUNT, "payment_refunded", refunded),
        A(TEXT, "compilation_note", compilation_note),
        A(U64, "timestamp", ended_at),
        A(U64, "request_id", request_id),
        A(TEXT, "failure", failure_name),
        A(MAYBE_HASH, "output_hash", output.hash),
        A(U32, "output_length", output_length),
        A(TEXT, "output_preview", preview),
        A(MAYBE_HASH, "wasm_hash", wasm_hash),
        A(MAYBE_HASH, "attestation_digest", attestation_digest),
    };
    struct out *o = event_open(EVENT_NAME_COMPLETED);
    put_members(o, request_members + 1, SENDER_AND_SOURCE_END - 1, q);
    put_usage(o, &a->resources_used);
    PUT_ALL(o, members, a);
    event_emit(o);
    o->len = 0;
    out_str(o, "[[yNEAR charged: \"");
    out_amount(o, a->charged);
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
    struct out *o = event_open(EVENT_NAME_EXTENDED);
    PUT_ALL(o, members, q);
    event_emit(o);
}

void log_cancelled(const struct request *q, const struct account *by) {
    struct out *o = event_open(EVENT_NAME_CANCELLED);
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

void log_secrets(const char *event, const struct secret_row *row) {
    static const struct json_member members[] = {
        JSON_MEMBER(ACCOUNT, "owner", struct secret_row, name.owner),
        JSON_MEMBER(TEXT, "repo", struct secret_row, name.repo),
        JSON_MEMBER(TEXT, "branch", struct secret_row, name.branch),
        JSON_MEMBER(TEXT, "profile", struct secret_row, name.profile),
        JSON_MEMBER(AMOUNT, "storage_deposit", struct secret_row, deposit),
        JSON_MEMBER(U64, "timestamp", struct secret_row, updated_at),
    };
    struct out *o = event_open(event);
    PUT_ALL(o, members, row);
    event_emit(o);
}
