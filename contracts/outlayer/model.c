// SPDX-License-Identifier: Apache-2.0
#include "model.h"

#define RECORD_MAX 2048
static const struct text state_key = {"STATE", 5};
#define X(name, text) text,
const char *const format_names[] = {RESPONSE_FORMATS(X)};
#undef X
const char *const output_names[] = {"", "Bytes", "Text", "Json"};

// --- the layouts, by version

#define S(kind, member) REC_##kind(struct state, member)
static const struct rec_field state_1[] = {S(WHO, owner),         S(WHO, first_operator),  S(RAW, paused),
                                           S(RAW, fees),          S(RAW, next_request_id), S(RAW, executions),
                                           S(RAW, fees_collected)};
// Version 2 did not have the last one.
static const struct rec_field state_3[] = {
    S(WHO, owner),
    S(WHO, first_operator),
    S(WHO, next_owner),
    S(RAW, paused),
    S(NUMBER, fees.base),
    S(NUMBER, fees.per_million_instructions),
    S(NUMBER, fees.per_ms),
    S(NUMBER, fees.per_compile_ms),
    S(NUMBER, next_request_id),
    S(NUMBER, lowest_open),
    S(RAW, seeking),
    S(NUMBER, open),
    S(NUMBER, executions),
    S(NUMBER, fees_collected),
    S(NUMBER, fees_withdrawn),
    S(NUMBER, owed),
};
#define STATE_FIELDS (sizeof state_3 / sizeof state_3[0])
static const struct rec_shape state_shapes[] = {
    REC_SHAPE(state_1), {state_3, STATE_FIELDS - 1}, {state_3, STATE_FIELDS}};

#define Q(kind, member) REC_##kind(struct request, member)
#define Q_FLAG(member, count) REC_FLAG(struct request, member, count)
static const struct rec_field request_1[] = {
    Q(RAW, data_id),
    Q(WHO, sender),
    Q(WHO, payer),
    Q(STRING, repo),
    Q(STRING, commit),
    Q(STRING, build_target),
    Q(RAW, limits.max_instructions),
    Q(RAW, limits.max_memory_mb),
    Q(RAW, limits.max_execution_seconds),
    Q(RAW, payment),
    Q(RAW, timestamp),
    Q(RAW, format),
    Q(RAW, fees),
    Q(RAW, build_seconds),
    Q_FLAG(input_hash.given, 2),
    Q(RAW, input_hash.value),
    Q(RAW, input_len),
    Q_FLAG(output.kind, 2),
    Q(RAW, output.len),
    Q(RAW, output.hash),
    Q_FLAG(answered, 1),
    Q(RAW, charge),
};
static const struct rec_field request_2[] = {
    Q(RAW, data_id),
    Q(WHO, sender),
    Q_FLAG(payer.len, 1),
    Q(WHO, payer),
    Q(STRING, repo),
    Q(STRING, commit),
    Q(STRING, build_target),
    Q(NUMBER, limits.max_instructions),
    Q(RAW, limits.max_memory_mb),
    Q(NUMBER, limits.max_execution_seconds),
    Q(NUMBER, payment),
    Q(RAW, timestamp),
    Q(RAW, format),
    Q(NUMBER, fees.base),
    Q(NUMBER, fees.per_million_instructions),
    Q(NUMBER, fees.per_ms),
    Q(NUMBER, fees.per_compile_ms),
    Q(RAW, build_seconds),
    Q(RAW, callback_tgas),
    Q_FLAG(input_hash.given, 2),
    Q(RAW, input_hash.value),
    Q(RAW, input_len),
    Q_FLAG(output.kind, 2),
    Q(RAW, output.len),
    Q(RAW, output.hash),
    Q_FLAG(answered, 1),
    Q(NUMBER, charge),
    Q(RAW, extending),
    Q_FLAG(extensions, 1),
    Q(RAW, extended),
    Q_FLAG(secrets_owner.len, 2),
    Q(STRING, secrets_profile),
    Q(WHO, secrets_owner),
};
static const struct rec_shape request_shapes[] = {REC_SHAPE(request_1), REC_SHAPE(request_2), REC_SHAPE(request_2)};

struct record {
    uint8_t bytes[RECORD_MAX], version; // 1 to STATE_VERSION
    size_t len;
};

// false: nothing is stored there. What is read points into *rec.
static bool load(struct text key, struct record *rec, const struct rec_shape shapes[static STATE_VERSION], void *to) {
    if (!store_get(key, rec->bytes, sizeof rec->bytes, &rec->len))
        return false;
    struct rec_in r = {rec->bytes, rec->bytes + rec->len};
    rec->version = rec_take_u8(&r);
    require(rec->version - 1u < STATE_VERSION, "A stored record is of another version of this contract");
    rec_take_shape(&r, &shapes[rec->version - 1], to);
    return true;
}

static void save(struct text key, const struct rec_shape shapes[static STATE_VERSION], const void *from) {
    uint8_t bytes[RECORD_MAX];
    struct rec_out r = REC_OUT(bytes);
    rec_put_u8(&r, STATE_VERSION);
    rec_put_shape(&r, &shapes[STATE_VERSION - 1], from);
    store_put(key, REC_TEXT(r));
}

// --- state

bool state_exists(void) { return store_has(state_key); }

static uint8_t load_state(struct state *s) {
    struct record rec;
    *s = (struct state){0};
    require(load(state_key, &rec, state_shapes, s), "The contract is not initialized");
    return rec.version;
}

struct state state_load(void) {
    struct state s;
    require(load_state(&s) == STATE_VERSION, "The state is older than the code: migrate has to be called");
    return s;
}

void state_save(const struct state *s) { save(state_key, state_shapes, s); }

// Older versions did not sum up what they owed, and the first one did not count its open requests. Refunds that they
// kept are not found, so the sum may wrap around when these are claimed; it is only added up again, and compared.
bool state_migrate(void) {
    struct state s;
    struct request q;
    if (load_state(&s) == STATE_VERSION)
        return false;
    uint64_t from = s.lowest_open, id = s.lowest_open = s.next_request_id;
    s.owed = state_fees(&s);
    s.open = 0;
    s.seeking = false;
    while (id-- > from) {
        if (!request_load(id, &q))
            continue;
        s.lowest_open = id;
        s.open++;
        s.owed.v += q.payment.v;
    }
    state_save(&s);
    return true;
}

struct yocto state_fees(const struct state *s) {
    return yocto_sub(s->fees_collected, s->fees_withdrawn);
}

bool request_pending(uint64_t id) {
    struct key key = key_of('r', id);
    return store_has(KEY_TEXT(key));
}

void state_closed(struct state *s, uint64_t id) {
    if (--s->open == 0) {
        s->lowest_open = s->next_request_id;
        s->seeking = false;
        return;
    }
    s->seeking |= id == s->lowest_open;
    for (int i = 0; i < 2 && s->seeking && s->lowest_open < s->next_request_id; i++) {
        if (request_pending(s->lowest_open))
            s->seeking = false;
        else
            s->lowest_open++;
    }
}

// --- requests

bool request_load(uint64_t id, struct request *q) {
    static struct record rec;
    struct key key = key_of('r', id);
    *q = (struct request){.id = id};
    bool pending = load(KEY_TEXT(key), &rec, request_shapes, q);
    q->bytes = (uint32_t)(RECORD_BYTES + sizeof key.b + rec.len);
    return pending;
}

const struct account *request_payer(const struct request *q) { return q->payer.len ? &q->payer : &q->sender; }

void request_must_load(uint64_t id, struct request *q) { require(request_load(id, q), REFUSED_NOT_FOUND); }

void request_save(const struct request *q) {
    struct key key = key_of('r', q->id);
    save(KEY_TEXT(key), request_shapes, q);
}

void request_remove(const struct request *q) {
    struct key key = key_of('r', q->id), output = key_of('o', q->id);
    store_remove(KEY_TEXT(key));
    if (q->output.kind != OUTPUT_NONE)
        store_remove(KEY_TEXT(output));
}

struct text output_load(const struct request *q) {
    static char bytes[OUTPUT_JSON_MAX];
    size_t len = 0;
    struct key key = key_of('o', q->id);
    require(store_get(KEY_TEXT(key), bytes, sizeof bytes, &len), "The stored output is missing");
    return (struct text){bytes, len};
}

void output_save(struct request *q, uint8_t kind, struct text bytes) {
    struct key key = key_of('o', q->id);
    store_put(KEY_TEXT(key), bytes);
    q->output = (struct stored_output){kind, (uint32_t)bytes.len, sha256_of(bytes)};
    request_save(q);
}
