// SPDX-License-Identifier: Apache-2.0
// The views: they change nothing and cost a caller outside of the chain nothing.
#include "sdk/reply.h"
#include "settle.h"

ENTRY(get_stats) {
    struct state s = state_load();
    struct out *o = reply_open('[');
    put_number(o, s.executions);
    put_amount(o, s.fees_collected);
    reply_close(']');
}

ENTRY(get_pricing) {
    struct state s = state_load();
    put_prices(reply(), &s.fees);
    reply_end();
}

ENTRY(get_config) {
    struct state s = state_load();
    struct out *o = reply_open('[');
    put_string(o, account_text(&s.owner));
    put_string(o, account_text(&s.first_operator));
    reply_close(']');
}

ENTRY(get_max_limits) {
    struct out *o = reply_open('[');
    put_number(o, MAX_INSTRUCTIONS);
    put_number(o, MAX_EXECUTION_SECONDS);
    put_number(o, MAX_BUILD_SECONDS);
    reply_close(']');
}

ENTRY(get_memory_limit) { answer_number(MAX_MEMORY_MB); }

ENTRY(is_paused) { answer_bool(state_load().paused); }

ENTRY(estimate_execution_cost) {
    struct limits limits = limits_of(&in->limits);
    struct state s = state_load();
    put_amount(reply(), price_required(&s.fees, &limits));
    reply_end();
}

// A stored output, null where there is none. as_stored: bytes whatever the kind.
static void put_pending_output(struct out *o, const struct request *q, bool as_stored) {
    uint8_t kind = q->output.kind;
    if (kind == OUTPUT_NONE) {
        put_null(o);
        return;
    }
    struct text bytes = output_load(q);
    put_open(o, '{');
    put_key(o, output_names[kind]);
    if (as_stored || kind == OUTPUT_BYTES)
        put_bytes(o, bytes);
    else if (kind == OUTPUT_TEXT)
        put_string(o, bytes);
    else
        put_value(o, bytes);
    put_close(o, '}');
}

// The request's members in the order that clients know, then what is added to them.
#define Q(kind, name, member) JSON_MEMBER(kind, name, struct request, member)
static const struct json_member request_begin[] = {
    Q(U64, "request_id", id),
    Q(HASH_BYTES, "data_id", data_id),
};
static const struct json_member request_payment[] = {
    Q(BARE_AMOUNT, "payment", payment),
    Q(U64, "timestamp", timestamp),
};
static const struct json_member request_more[] = {
    Q(BOOL, "output_submitted", output.kind),
    Q(MAYBE_HASH, "input_hash", input_hash),
    Q(U32, "input_length", input_len),
    Q(AMOUNT, "payment_yocto", payment),
    Q(U64_TEXT, "timestamp_ns", timestamp),
    Q(U32, "build_seconds", build_seconds),
    Q(BOOL, "answered", answered),
    Q(U8, "extensions", extensions),
};

static void put_request(struct out *o, const struct request *q) {
    put_open(o, '{');
    PUT_ALL(o, request_begin, q);
    put_sender_to_limits(o, q);
    PUT_ALL(o, request_payment, q);
    put_secrets_ref(o, q);
    member_string(o, "response_format", text_of(format_names[q->format]));
    member_null(o, "input_data");
    member_string(o, "payer_account_id", account_text(request_payer(q)));
    put_key(o, "pending_output");
    put_pending_output(o, q, true);
    PUT_ALL(o, request_more, q);
    put_key(o, "pricing");
    put_prices(o, &q->fees);
    member_number(o, "extensions_left", extensions_left(q));
    put_close(o, '}');
}

ENTRY(get_request) {
    struct request q;
    struct out *o = reply();
    if (request_load(in->request_id.value, &q))
        put_request(o, &q);
    else
        put_null(o);
    reply_end();
}

#define WALK_MAX 1000 // ids that one call looks at
ENTRY(get_pending_request_ids) {
    struct state s = state_load();
    struct out *o = reply_open('[');
    uint64_t limit = in->limit.given ? in->limit.value : 100, id = in->from_index.value;
    if (id < s.lowest_open)
        id = s.lowest_open;
    for (int left = WALK_MAX; left && limit && id < s.next_request_id; left--, id++) {
        if (request_pending(id)) {
            put_number(o, id);
            limit--;
        }
    }
    reply_close(']');
}

ENTRY(get_open_range) {
    struct state s = state_load();
    struct out *o = reply_open('[');
    put_number(o, s.lowest_open);
    put_number(o, s.next_request_id);
    reply_close(']');
}

ENTRY(get_pending_output) {
    struct request q;
    request_load(in->request_id.value, &q);
    put_pending_output(reply(), &q, false);
    reply_end();
}

ENTRY(has_pending_output) {
    struct request q;
    request_load(in->request_id.value, &q);
    answer_bool(q.output.kind != OUTPUT_NONE);
}

ENTRY(get_version) { answer_text(TEXT("{\"version\":\"" CONTRACT_VERSION "\",\"state_version\":3}")); }
_Static_assert(STATE_VERSION == 3, "get_version says 3");

ENTRY(contract_source_metadata) {
    answer_text(TEXT("{\"version\":\"" CONTRACT_VERSION "\",\"link\":null,\"standards\":["
                     "{\"standard\":\"nep297\",\"version\":\"1.0.0\"},"
                     "{\"standard\":\"nep330\",\"version\":\"1.2.0\"}]}"));
}
