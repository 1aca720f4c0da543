// SPDX-License-Identifier: Apache-2.0
// The views: they change nothing and cost a caller outside of the chain nothing.
#include "events.h"

#define VIEW_MAX (2u * 1024 * 1024) // an output of OUTPUT_JSON_MAX bytes as an array of numbers
static char view_buffer[VIEW_MAX];

METHOD(VIEW, get_stats) {
    struct state s = state_load();
    struct out o = OUT(view_buffer);
    json_open(&o, '[');
    json_number(&o, s.executions);
    json_amount(&o, s.fees_collected);
    json_close(&o, ']');
    answer_json(&o);
}

static void put_prices(struct out *o, const struct fees *f) {
    json_open(o, '[');
    json_amount(o, f->base);
    json_amount(o, f->per_million_instructions);
    json_amount(o, f->per_ms);
    json_amount(o, f->per_compile_ms);
    json_close(o, ']');
}

METHOD(VIEW, get_pricing) {
    struct state s = state_load();
    struct out o = OUT(view_buffer);
    put_prices(&o, &s.fees);
    answer_json(&o);
}

METHOD(VIEW, get_config) {
    struct state s = state_load();
    struct out o = OUT(view_buffer);
    json_open(&o, '[');
    json_string(&o, account_text(&s.owner));
    json_string(&o, account_text(&s.operator));
    json_close(&o, ']');
    answer_json(&o);
}

METHOD(VIEW, get_max_limits) {
    struct out o = OUT(view_buffer);
    json_open(&o, '[');
    json_number(&o, MAX_INSTRUCTIONS);
    json_number(&o, MAX_EXECUTION_SECONDS);
    json_number(&o, MAX_BUILD_SECONDS);
    json_close(&o, ']');
    answer_json(&o);
}

METHOD(VIEW, is_paused) { answer_text(state_load().paused ? TEXT("true") : TEXT("false")); }

METHOD(VIEW, estimate_execution_cost) {
    struct limits limits = limits_read();
    struct state s = state_load();
    struct out o = OUT(view_buffer);
    json_amount(&o, price_required(&s.fees, &limits));
    answer_json(&o);
}

// As it is stored: bytes whatever the kind.
static void put_stored_output(struct out *o, const struct request *q) {
    json_key(o, "pending_output");
    if (q->output.kind == OUTPUT_NONE) {
        json_null(o);
        return;
    }
    json_open(o, '{');
    json_key(o, output_names[q->output.kind]);
    json_bytes(o, output_load(q));
    json_close(o, '}');
}

static void put_times_and_prices(struct out *o, const struct request *q) {
    char digits[20];
    struct out ns = OUT(digits);
    out_number(&ns, q->timestamp);
    json_put_string(o, "timestamp_ns", out_text(&ns));
    json_put_number(o, "build_seconds", q->build_seconds);
    json_key(o, "pricing");
    put_prices(o, &q->fees);
    json_put_bool(o, "answered", q->answered);
}

// The request's members in the order that clients know, then what is added to them.
static void put_request(struct out *o, const struct request *q) {
    json_open(o, '{');
    json_put_number(o, "request_id", q->id);
    json_key(o, "data_id");
    json_bytes(o, HASH_TEXT(q->data_id));
    json_put_string(o, "sender_id", account_text(&q->sender));
    put_source(o, q);
    put_limits(o, &q->limits);
    json_key(o, "payment");
    out_amount(o, q->payment);
    json_put_number(o, "timestamp", q->timestamp);
    json_put_null(o, "secrets_ref");
    json_put_string(o, "response_format", text_of(format_names[q->format]));
    json_put_null(o, "input_data");
    json_put_string(o, "payer_account_id", account_text(&q->payer));
    put_stored_output(o, q);
    json_put_bool(o, "output_submitted", q->output.kind != OUTPUT_NONE);
    json_put_hex(o, "input_hash", q->has_input ? &q->input_hash : NULL);
    json_put_number(o, "input_length", q->input_len);
    json_put_amount(o, "payment_yocto", q->payment);
    put_times_and_prices(o, q);
    json_close(o, '}');
}

METHOD(VIEW, get_request) {
    struct request q;
    struct out o = OUT(view_buffer);
    if (request_load(request_id_read(), &q))
        put_request(&o, &q);
    else
        json_null(&o);
    answer_json(&o);
}

METHOD(VIEW, get_pending_output) {
    struct request q;
    struct out o = OUT(view_buffer);
    if (!request_load(request_id_read(), &q) || q.output.kind == OUTPUT_NONE) {
        answer_text(TEXT("null"));
        return;
    }
    struct text bytes = output_load(&q);
    json_open(&o, '{');
    json_key(&o, output_names[q.output.kind]);
    if (q.output.kind == OUTPUT_BYTES)
        json_bytes(&o, bytes);
    else if (q.output.kind == OUTPUT_TEXT)
        json_string(&o, bytes);
    else
        json_value(&o, bytes);
    json_close(&o, '}');
    answer_json(&o);
}

METHOD(VIEW, has_pending_output) {
    struct request q;
    bool any = request_load(request_id_read(), &q) && q.output.kind != OUTPUT_NONE;
    answer_text(any ? TEXT("true") : TEXT("false"));
}
