// SPDX-License-Identifier: Apache-2.0
#include "worker/first_form.h"

#include "base/text.h"

#define PRICES 4

static u128 times(u128 a, u128 b) {
    u128 out;
    return __builtin_mul_overflow(a, b, &out) ? ~(u128)0 : out;
}

static u128 plus(u128 a, u128 b) {
    u128 out;
    return __builtin_add_overflow(a, b, &out) ? ~(u128)0 : out;
}

uint64_t build_seconds_bought(const struct request_limits *l, u128 payment, const u128 prices[static PRICES]) {
    u128 run = times(times(prices[2], 1000), l->max_execution_seconds);
    u128 required = plus(prices[0], plus(times(prices[1], l->max_instructions / 1000000), run));
    u128 rest = payment > required ? payment - required : 0, second = times(prices[3], 1000);
    u128 bought = second ? rest / second : MAX_BUILD_SECONDS;
    uint64_t seconds = l->max_execution_seconds;
    uint64_t most = seconds + MIN_BUILD_SECONDS < WINDOW_SECONDS ? WINDOW_SECONDS - seconds : MIN_BUILD_SECONDS;
    if (bought > most)
        return most;
    return bought < MIN_BUILD_SECONDS ? MIN_BUILD_SECONDS : (uint64_t)bought;
}

bool first_form_build_seconds(struct chain_request *r, struct rpc *rpc, struct arena *a, const char *contract_id,
                              struct err *e) {
    SCOPED_JSON(list) = rpc_view_json(rpc, a, contract_id, VIEW_PRICING, NULL, e);
    u128 prices[PRICES];
    if (!list)
        return false;
    for (size_t i = 0; i < PRICES; i++) {
        const char *text = json_string_value(json_array_get(list, i));
        if (!text || !text_u128(slice_str(text), &prices[i]))
            return err_set(e, ERR_CHAIN, "get_pricing of '%s' has no price %zu", contract_id, i);
    }
    r->build_seconds = build_seconds_bought(&r->limits, r->payment, prices);
    return true;
}
