// SPDX-License-Identifier: Apache-2.0
// The first contract: everybody has a counter.
//
//   add{by?}                 anyone: the caller's counter grows by 1, or by `by`; answers what it is now
//   get{account_id}          view: a counter, 0 for whoever has none
//   reset                    anyone: the caller's counter goes
//
// Stored in map 'c': account -> the number, 8 bytes, little endian.
#include "sdk/sdk.h"

static const struct map counters = {'c', {0}};

static uint64_t count_of(const struct account *a) {
    uint8_t bytes[8];
    struct rec_in value;
    return map_get(counters, account_text(a), bytes, sizeof bytes, &value) ? rec_take_u64(&value) : 0;
}

static void answer_count(uint64_t n) {
    char buffer[24];
    struct out o = OUT(buffer);
    put_number(&o, n);
    answer_json(&o);
}

METHOD(CALL, add) {
    struct add_call {
        struct maybe_u64 by;
    } in = {0};
    static const struct json_field fields[] = {OPTIONAL(struct add_call, by)};
    static const struct json_shape shape = JSON_SHAPE(fields, CLOSED);
    static const struct event_name counted = {"counter", "1.0.0", "counted"};
    json_arguments(&in, &shape);
    struct account who = caller();
    uint64_t n;
    require(!__builtin_add_overflow(count_of(&who), in.by.given ? in.by.value : 1, &n), "The counter is full");
    map_put(counters, account_text(&who), (struct text){(const char *)&n, sizeof n});
    char buffer[256];
    struct out o = OUT(buffer);
    event_begin(&o, &counted);
    member_string(&o, "account_id", account_text(&who));
    member_number(&o, "count", n);
    event_emit(&o);
    answer_count(n);
}

METHOD(VIEW, get) {
    struct get_call {
        struct account account_id;
    } in = {0};
    static const struct json_field fields[] = {REQUIRED(struct get_call, account_id)};
    static const struct json_shape shape = JSON_SHAPE(fields, CLOSED);
    json_arguments(&in, &shape);
    answer_count(count_of(&in.account_id));
}

METHOD(CALL, reset) {
    struct account who = caller();
    require(map_remove(counters, account_text(&who)), "There is no counter of yours");
}
