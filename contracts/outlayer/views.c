// SPDX-License-Identifier: Apache-2.0
// The views: they change nothing and cost a caller outside of the chain nothing.
#include "settle.h"

#define VIEW_MAX (2u * 1024 * 1024) // an output of OUTPUT_JSON_MAX bytes as an array of numbers
static char view_buffer[VIEW_MAX];

ENTRY(get_stats) {
    struct state s = state_load();
    struct out o = OUT(view_buffer);
    put_open(&o, '[');
    put_number(&o, s.executions);
    put_amount(&o, s.fees_collected);
    put_close(&o, ']');
    answer_json(&o);
}

ENTRY(get_pricing) {
    struct state s = state_load();
    struct out o = OUT(view_buffer);
    put_prices(&o, &s.fees);
    answer_json(&o);
}

ENTRY(get_config) {
    struct state s = state_load();
    struct out o = OUT(view_buffer);
    put_open(&o, '[');
    put_string(&o, account_text(&s.owner));
    put_string(&o, account_text(&s.operator));
    put_close(&o, ']');
    answer_json(&o);
}

ENTRY(get_max_limits) {
    struct out o = OUT(view_buffer);
    put_open(&o, '[');
    put_number(&o, MAX_INSTRUCTIONS);
    put_number(&o, MAX_EXECUTION_SECONDS);
    put_number(&o, MAX_BUILD_SECONDS);
    put_close(&o, ']');
    answer_json(&o);
}

ENTRY(get_memory_limit) { answer_number(MAX_MEMORY_MB); }

ENTRY(is_paused) { answer_bool(state_load().paused); }

ENTRY(estimate_execution_cost) {
    struct limits limits = limits_of(&in->limits);
    struct state s = state_load();
    struct out o = OUT(view_buffer);
    put_amount(&o, price_required(&s.fees, &limits));
    answer_json(&o);
}

// As it is stored: bytes whatever the kind.
static void put_stored_output(struct out *o, const struct request *q) {
    put_key(o, "pending_output");
    if (q->output.kind == OUTPUT_NONE) {
        put_null(o);
        return;
    }
    put_open(o, '{');
    put_key(o, output_names[q->output.kind]);
    put_bytes(o, output_load(q));
    put_close(o, '}');
}

static void put_times_and_prices(struct out *o, const struct request *q) {
    char digits[20];
    struct out ns = OUT(digits);
    out_number(&ns, q->timestamp);
    member_string(o, "timestamp_ns", out_text(&ns));
    member_number(o, "build_seconds", q->build_seconds);
    put_key(o, "pricing");
    put_prices(o, &q->fees);
    member_bool(o, "answered", q->answered);
    member_number(o, "extensions", q->extensions);
    member_number(o, "extensions_left", extensions_left(q));
}

// The request's members in the order that clients know, then what is added to them.
static void put_request(struct out *o, const struct request *q) {
    put_open(o, '{');
    member_number(o, "request_id", q->id);
    put_key(o, "data_id");
    put_bytes(o, HASH_TEXT(q->data_id));
    member_string(o, "sender_id", account_text(&q->sender));
    put_source(o, q);
    put_limits(o, &q->limits);
    put_key(o, "payment");
    put_bare_amount(o, q->payment);
    member_number(o, "timestamp", q->timestamp);
    put_secrets_ref(o, q);
    member_string(o, "response_format", text_of(format_names[q->format]));
    member_null(o, "input_data");
    member_string(o, "payer_account_id", account_text(&q->payer));
    put_stored_output(o, q);
    member_bool(o, "output_submitted", q->output.kind != OUTPUT_NONE);
    member_hex(o, "input_hash", q->has_input ? &q->input_hash : NULL);
    member_number(o, "input_length", q->input_len);
    member_amount(o, "payment_yocto", q->payment);
    put_times_and_prices(o, q);
    put_close(o, '}');
}

ENTRY(get_request) {
    struct request q;
    struct out o = OUT(view_buffer);
    if (request_load(in->request_id.value, &q))
        put_request(&o, &q);
    else
        put_null(&o);
    answer_json(&o);
}

ENTRY(get_pending_request_ids) {
    struct state s = state_load();
    struct out o = OUT(view_buffer);
    uint64_t limit = in->limit.given ? in->limit.value : 100, id = in->from_index.value;
    put_open(&o, '[');
    for (id = id > s.lowest_open ? id : s.lowest_open; id < s.next_request_id && limit && s.open; id++) {
        struct key key = key_of('r', id);
        if (store_has(KEY_TEXT(key))) {
            put_number(&o, id);
            limit--;
        }
    }
    put_close(&o, ']');
    answer_json(&o);
}

ENTRY(get_pending_output) {
    struct request q;
    struct out o = OUT(view_buffer);
    if (!request_load(in->request_id.value, &q) || q.output.kind == OUTPUT_NONE) {
        answer_text(TEXT("null"));
        return;
    }
    struct text bytes = output_load(&q);
    put_open(&o, '{');
    put_key(&o, output_names[q.output.kind]);
    if (q.output.kind == OUTPUT_BYTES)
        put_bytes(&o, bytes);
    else if (q.output.kind == OUTPUT_TEXT)
        put_string(&o, bytes);
    else
        put_value(&o, bytes);
    put_close(&o, '}');
    answer_json(&o);
}

ENTRY(has_pending_output) {
    struct request q;
    answer_bool(request_load(in->request_id.value, &q) && q.output.kind != OUTPUT_NONE);
}

ENTRY(get_version) { answer_text(TEXT("{\"version\":\"" CONTRACT_VERSION "\",\"state_version\":2}")); }
_Static_assert(STATE_VERSION == 2, "get_version says 2");

ENTRY(contract_source_metadata) {
    answer_text(TEXT("{\"version\":\"" CONTRACT_VERSION "\",\"link\":null,\"standards\":["
                     "{\"standard\":\"nep297\",\"version\":\"1.0.0\"},"
                     "{\"standard\":\"nep330\",\"version\":\"1.2.0\"}]}"));
}
