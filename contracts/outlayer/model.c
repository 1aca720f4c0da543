// SPDX-License-Identifier: Apache-2.0
#include "model.h"

#define VERSION 1
#define RECORD_MAX 2048
static const struct text state_key = {"STATE", 5};
const char *const format_names[] = {"Bytes", "Text", "Json"};
const char *const output_names[] = {"", "Bytes", "Text", "Json"};

static void put_fees(struct rec_out *r, const struct fees *f) {
    rec_put_yocto(r, f->base);
    rec_put_yocto(r, f->per_million_instructions);
    rec_put_yocto(r, f->per_ms);
    rec_put_yocto(r, f->per_compile_ms);
}

static struct fees take_fees(struct rec_in *r) {
    struct fees f;
    f.base = rec_take_yocto(r);
    f.per_million_instructions = rec_take_yocto(r);
    f.per_ms = rec_take_yocto(r);
    f.per_compile_ms = rec_take_yocto(r);
    return f;
}

bool state_exists(void) { return store_has(state_key); }

struct state state_load(void) {
    uint8_t bytes[512];
    size_t len = 0;
    require(store_get(state_key, bytes, sizeof bytes, &len), "The contract is not initialized");
    struct rec_in r = {bytes, bytes + len};
    struct state s;
    rec_take_version(&r, VERSION);
    s.owner = rec_take_account(&r);
    s.operator= rec_take_account(&r);
    s.paused = rec_take_u8(&r);
    s.fees = take_fees(&r);
    s.next_request_id = rec_take_u64(&r);
    s.executions = rec_take_u64(&r);
    s.fees_collected = rec_take_yocto(&r);
    return s;
}

void state_save(const struct state *s) {
    uint8_t bytes[512];
    struct rec_out r = REC_OUT(bytes);
    rec_put_u8(&r, VERSION);
    rec_put_account(&r, &s->owner);
    rec_put_account(&r, &s->operator);
    rec_put_u8(&r, s->paused);
    put_fees(&r, &s->fees);
    rec_put_u64(&r, s->next_request_id);
    rec_put_u64(&r, s->executions);
    rec_put_yocto(&r, s->fees_collected);
    store_put(state_key, REC_TEXT(r));
}

static void take_optional_parts(struct rec_in *r, struct request *q) {
    q->secrets_profile = rec_take_text_or_null(r);
    if (q->secrets_profile.ptr)
        q->secrets_owner = rec_take_account(r);
    q->has_input = rec_take_u8(r);
    if (q->has_input) {
        q->input_hash = rec_take_hash(r);
        q->input_len = rec_take_u32(r);
    }
    q->output.kind = rec_take_u8(r);
    if (q->output.kind != OUTPUT_NONE) {
        q->output.len = rec_take_u32(r);
        q->output.hash = rec_take_hash(r);
    }
    q->answered = rec_take_u8(r);
    if (q->answered)
        q->charge = rec_take_yocto(r);
}

static void put_optional_parts(struct rec_out *r, const struct request *q) {
    rec_put_text(r, q->secrets_profile);
    if (q->secrets_profile.ptr)
        rec_put_account(r, &q->secrets_owner);
    rec_put_u8(r, q->has_input);
    if (q->has_input) {
        rec_put_hash(r, &q->input_hash);
        rec_put_u32(r, q->input_len);
    }
    rec_put_u8(r, (uint8_t)q->output.kind);
    if (q->output.kind != OUTPUT_NONE) {
        rec_put_u32(r, q->output.len);
        rec_put_hash(r, &q->output.hash);
    }
    rec_put_u8(r, q->answered);
    if (q->answered)
        rec_put_yocto(r, q->charge);
}

bool request_load(uint64_t id, struct request *q) {
    static uint8_t bytes[RECORD_MAX];
    size_t len = 0;
    struct key key = key_of('r', id);
    if (!store_get(KEY_TEXT(key), bytes, sizeof bytes, &len))
        return false;
    struct rec_in r = {bytes, bytes + len};
    rec_take_version(&r, VERSION);
    *q = (struct request){.id = id, .data_id = rec_take_hash(&r)};
    q->sender = rec_take_account(&r);
    q->payer = rec_take_account(&r);
    q->repo = rec_take_text(&r);
    q->commit = rec_take_text(&r);
    q->build_target = rec_take_text_or_null(&r);
    q->limits.max_instructions = rec_take_u64(&r);
    q->limits.max_memory_mb = rec_take_u32(&r);
    q->limits.max_execution_seconds = rec_take_u64(&r);
    q->payment = rec_take_yocto(&r);
    q->timestamp = rec_take_u64(&r);
    q->format = rec_take_u8(&r);
    q->fees = take_fees(&r);
    q->build_seconds = rec_take_u32(&r);
    take_optional_parts(&r, q);
    return true;
}

struct request request_must_load(uint64_t id) {
    struct request q;
    require(request_load(id, &q), "Execution request not found");
    return q;
}

void request_save(const struct request *q) {
    uint8_t bytes[RECORD_MAX];
    struct rec_out r = REC_OUT(bytes);
    struct key key = key_of('r', q->id);
    rec_put_u8(&r, VERSION);
    rec_put_hash(&r, &q->data_id);
    rec_put_account(&r, &q->sender);
    rec_put_account(&r, &q->payer);
    rec_put_text(&r, q->repo);
    rec_put_text(&r, q->commit);
    rec_put_text(&r, q->build_target);
    rec_put_u64(&r, q->limits.max_instructions);
    rec_put_u32(&r, q->limits.max_memory_mb);
    rec_put_u64(&r, q->limits.max_execution_seconds);
    rec_put_yocto(&r, q->payment);
    rec_put_u64(&r, q->timestamp);
    rec_put_u8(&r, (uint8_t)q->format);
    put_fees(&r, &q->fees);
    rec_put_u32(&r, q->build_seconds);
    put_optional_parts(&r, q);
    store_put(KEY_TEXT(key), REC_TEXT(r));
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

void output_save(struct request *q, enum output_kind kind, struct text bytes) {
    struct key key = key_of('o', q->id);
    store_put(KEY_TEXT(key), bytes);
    q->output = (struct stored_output){kind, (uint32_t)bytes.len, sha256_of(bytes)};
    request_save(q);
}
