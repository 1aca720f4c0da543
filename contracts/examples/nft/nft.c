// SPDX-License-Identifier: Apache-2.0
// Unique tokens: NEP-171 with enumeration (NEP-181), metadata (NEP-177) and events (nep171 1.0.0); without approvals,
// so only the owner of a token can move it.
//
//   new{owner_id, metadata}                                             anyone, once
//   nft_mint{token_id, token_owner_id, token_metadata?}                 the contract's owner, with what the token's
//                                                                       storage binds; the rest goes back
//   nft_transfer{receiver_id, token_id, approval_id?, memo?}            the token's owner, with 1 yoctoNEAR
//   nft_transfer_call{receiver_id, token_id, msg, approval_id?, memo?}  the same, then receiver_id's nft_on_transfer;
//   nft_resolve_transfer                                                this contract itself: if that answers true or
//                                                                       fails the token comes back
//   views: nft_token{token_id}, nft_metadata, nft_total_supply, nft_tokens{from_index?, limit?},
//          nft_supply_for_owner{account_id}, nft_tokens_for_owner{account_id, from_index?, limit?}
//
// Stored under STATE: version, owner; under "m": the contract's metadata; in map 't': token -> version, owner, metadata
// (JSON text, "null" for none); in list 'a': the ids of all tokens, as minted; in the sets 'o' of each owner: the ids
// of their tokens. No token is ever destroyed. Minting pays for what the token binds wherever it goes: for the longest
// owner.
#include "sdk/sdk.h"

#define METADATA_MAX 4096u // bytes of JSON, of a token and of the contract
#define MESSAGE_MAX (64u * 1024)
#define TOKEN_ID_MAX 128u
#define PAGE_MAX 50             // tokens that one view answers
#define RESOLVE_GAS (10 * TGAS) // nft_resolve_transfer
#define OWN_GAS (5 * TGAS)      // for the rest of nft_transfer_call, making its promises included
#define LEAST_GAS (35 * TGAS)   // so that nft_on_transfer has some, too
static const struct text state_key = {"STATE", 5}, metadata_key = {"m", 1};
static const struct map tokens = {'t', {0}};
static const struct list all = {'a', {0}};

// --- what is stored

static struct account contract_owner(void) {
    uint8_t bytes[128];
    size_t len = 0;
    require(store_get(state_key, bytes, sizeof bytes, &len), "The contract is not initialized");
    struct rec_in r = {bytes, bytes + len};
    rec_take_version(&r, 1);
    return rec_take_account(&r);
}

static void set_contract_owner(const struct account *owner) {
    uint8_t bytes[128];
    struct rec_out r = REC_OUT(bytes);
    rec_put_u8(&r, 1);
    rec_put_account(&r, owner);
    store_put(state_key, REC_TEXT(r));
}

struct token {
    struct account owner;
    struct text metadata; // JSON
};
static uint8_t record[METADATA_MAX + 128]; // of the token in use

static bool token_get(struct text id, struct token *t) {
    struct rec_in r;
    if (!map_get(tokens, id, record, sizeof record, &r))
        return false;
    rec_take_version(&r, 1);
    t->owner = rec_take_account(&r);
    t->metadata = rec_take_text(&r);
    return true;
}

static void token_put(struct text id, const struct token *t) {
    static uint8_t bytes[METADATA_MAX + 128];
    struct rec_out r = REC_OUT(bytes);
    rec_put_u8(&r, 1);
    rec_put_account(&r, &t->owner);
    rec_put_text(&r, t->metadata);
    map_put(tokens, id, REC_TEXT(r));
}

static struct set tokens_of(const struct account *owner) { return (struct set){'o', account_text(owner)}; }

// --- events

static char line[LOG_BYTES_MAX + 1024];
struct event {
    const struct account *from, *to; // from NULL: minted
    struct text token_id, memo;      // memo NULL: none
};

static void emit(const struct event *e) {
    struct out o = OUT(line);
    event_begin(&o, &(struct event_name){"nep171", "1.0.0", e->from ? "nft_transfer" : "nft_mint"});
    if (e->from)
        member_string(&o, "old_owner_id", account_text(e->from));
    member_string(&o, e->from ? "new_owner_id" : "owner_id", account_text(e->to));
    member_open(&o, "token_ids", '[');
    put_string(&o, e->token_id);
    put_close(&o, ']');
    if (e->memo.ptr)
        member_string(&o, "memo", e->memo);
    event_emit(&o);
}

// --- rules

static void move(const struct event *e, struct token *t) {
    set_remove(tokens_of(e->from), e->token_id);
    set_add(tokens_of(e->to), e->token_id);
    t->owner = *e->to;
    token_put(e->token_id, t);
    emit(e);
}

static void transfer(const struct event *e) {
    struct token t;
    require(token_get(e->token_id, &t), "Token not found");
    require(account_eq(e->from, &t.owner), "Unauthorized: only the owner of the token may transfer it");
    require(!account_eq(e->from, e->to), "Current and next owner must differ");
    move(e, &t);
}

static void answer_count(uint32_t n) { // NEP-181: as a string
    char buffer[YOCTO_DIGITS + 2];
    struct out o = OUT(buffer);
    put_amount(&o, YOCTO(n));
    answer_json(&o);
}

// --- setting up

struct metadata {
    struct text spec, name, symbol, icon, base_uri, reference, reference_hash;
};

// Kept before it is looked at: reading decodes texts in place, and a stop undoes the keeping.
static void keep_metadata(struct text json) {
    static const struct json_field fields[] = {
        REQUIRED(struct metadata, spec),          REQUIRED(struct metadata, name),
        REQUIRED(struct metadata, symbol),        OPTIONAL(struct metadata, icon),
        OPTIONAL(struct metadata, base_uri),      OPTIONAL(struct metadata, reference),
        OPTIONAL(struct metadata, reference_hash)};
    static const struct json_shape shape = JSON_SHAPE(fields, CLOSED);
    struct metadata m = {0};
    require(json.len <= METADATA_MAX, "The metadata are longer than 4096 bytes");
    store_put(metadata_key, json);
    json_document((char *)(uintptr_t)json.ptr, json.len, &m, &shape);
    require(text_eq(m.spec, TEXT("nft-1.0.0")), "The metadata's spec should be nft-1.0.0");
}

METHOD(CALL, new) {
    struct new_args {
        struct account owner_id;
        struct json_raw metadata;
    };
    static const struct json_field fields[] = {REQUIRED(struct new_args, owner_id),
                                               REQUIRED(struct new_args, metadata)};
    static const struct json_shape shape = JSON_SHAPE(fields, CLOSED);
    struct new_args in = {0};
    json_arguments(&in, &shape);
    require(!store_has(state_key), "The contract has already been initialized");
    keep_metadata(in.metadata.text);
    set_contract_owner(&in.owner_id);
}

// --- minting

struct mint_args {
    struct account token_owner_id;
    struct text token_id;
    struct json_raw token_metadata;
};

static void check_mint(const struct mint_args *in) {
    struct account from = caller(), owner = contract_owner();
    struct text metadata = in->token_metadata.text;
    require(account_eq(&from, &owner), "Only the owner of the contract may mint");
    require(in->token_id.len >= 1 && in->token_id.len <= TOKEN_ID_MAX, "A token id has 1 to 128 bytes");
    require(metadata.len <= METADATA_MAX, "The token's metadata are longer than 4096 bytes");
    require(metadata.ptr[0] == '{' || text_eq(metadata, TEXT("null")), "The token's metadata should be an object");
    require(!map_has(tokens, in->token_id), "A token with this id exists already");
}

// The token is in three places with its owner's name, and may be the first of its owner.
static struct yocto storage_price(uint64_t grown, const struct account *owner) {
    uint64_t longest = 3 * (ACCOUNT_MAX - owner->len) + 47 + ACCOUNT_MAX;
    return yocto_mul(YOCTO(BYTE_STAKE), grown + longest);
}

static void take_price(struct yocto price) {
    struct yocto deposit = deposit_attached();
    struct account from = caller();
    if (yocto_less(deposit, price)) {
        char buffer[128];
        struct out o = OUT(buffer);
        out_str(&o, "Attach at least ");
        out_amount(&o, price);
        out_str(&o, " yoctoNEAR for the storage of this token");
        stop_out(&o);
    }
    if (yocto_less(price, deposit))
        promise_transfer(&from, yocto_sub(deposit, price));
}

METHOD(PAYABLE, nft_mint) {
    static const struct json_field fields[] = {REQUIRED(struct mint_args, token_id),
                                               REQUIRED(struct mint_args, token_owner_id),
                                               OPTIONAL(struct mint_args, token_metadata)};
    static const struct json_shape shape = JSON_SHAPE(fields, CLOSED);
    struct mint_args in = {.token_metadata.text = TEXT("null")};
    json_arguments(&in, &shape);
    check_mint(&in);
    uint64_t before = store_usage();
    token_put(in.token_id, &(struct token){in.token_owner_id, in.token_metadata.text});
    list_append(all, in.token_id);
    set_add(tokens_of(&in.token_owner_id), in.token_id);
    take_price(storage_price(store_usage() - before, &in.token_owner_id));
    emit(&(struct event){.to = &in.token_owner_id, .token_id = in.token_id});
}

// --- transfers

struct transfer_args {
    struct account receiver_id;
    struct text token_id, memo, msg;
    struct maybe_u64 approval_id; // there are no approvals
};

static struct transfer_args transfer_by(const struct account *from) {
    static const struct json_field fields[] = {
        REQUIRED(struct transfer_args, receiver_id), REQUIRED(struct transfer_args, token_id),
        OPTIONAL(struct transfer_args, approval_id), OPTIONAL(struct transfer_args, memo),
        OPTIONAL(struct transfer_args, msg)};
    static const struct json_shape shape = JSON_SHAPE(fields, OPEN);
    struct transfer_args in = {0};
    require(deposit_attached().v == 1, "Requires attached deposit of exactly 1 yoctoNEAR");
    json_arguments(&in, &shape);
    transfer(&(struct event){from, &in.receiver_id, in.token_id, in.memo});
    return in;
}

METHOD(PAYABLE, nft_transfer) {
    struct account from = caller();
    transfer_by(&from);
}

static struct promise call_receiver(const struct account *from, const struct transfer_args *in) {
    static char buffer[MESSAGE_MAX];
    struct out o = OUT(buffer);
    put_open(&o, '{');
    member_string(&o, "sender_id", account_text(from));
    member_string(&o, "previous_owner_id", account_text(from));
    member_string(&o, "token_id", in->token_id);
    member_string(&o, "msg", in->msg);
    put_close(&o, '}');
    return promise_call(&(struct promise_call){.account = in->receiver_id,
                                               .method = "nft_on_transfer",
                                               .args = out_text(&o),
                                               .gas = gas_left() - RESOLVE_GAS - OWN_GAS});
}

static struct promise then_resolve(struct promise first, const struct account *from, const struct transfer_args *in) {
    char buffer[6 * TOKEN_ID_MAX + 256];
    struct out o = OUT(buffer);
    put_open(&o, '{');
    member_string(&o, "owner_id", account_text(from));
    member_string(&o, "receiver_id", account_text(&in->receiver_id));
    member_string(&o, "token_id", in->token_id);
    put_close(&o, '}');
    return promise_then(
        first, &(struct promise_call){
                   .account = self(), .method = "nft_resolve_transfer", .args = out_text(&o), .gas = RESOLVE_GAS});
}

METHOD(PAYABLE, nft_transfer_call) {
    struct account from = caller();
    require(gas_left() > LEAST_GAS, "Attach at least 45 Tgas to transfer and call");
    struct transfer_args in = transfer_by(&from);
    require(in.msg.ptr, "A transfer with a call needs a msg");
    promise_return(then_resolve(call_receiver(&from, &in), &from, &in));
}

// Only a plain `false` lets the receiver keep the token.
static bool kept(void) {
    char answer[5];
    if (!promise_succeeded() || host_register_len(PROMISE_REGISTER) != sizeof answer)
        return false;
    return text_eq((struct text){answer, register_copy(PROMISE_REGISTER, answer, sizeof answer)}, TEXT("false"));
}

METHOD(CALLBACK, nft_resolve_transfer) {
    struct resolve_args {
        struct account owner_id, receiver_id;
        struct text token_id;
    };
    static const struct json_field fields[] = {REQUIRED(struct resolve_args, owner_id),
                                               REQUIRED(struct resolve_args, receiver_id),
                                               REQUIRED(struct resolve_args, token_id)};
    static const struct json_shape shape = JSON_SHAPE(fields, CLOSED);
    struct resolve_args in = {0};
    struct token t;
    json_arguments(&in, &shape);
    bool stays = kept();
    require(token_get(in.token_id, &t), "Token not found");
    if (!stays && account_eq(&t.owner, &in.receiver_id)) // otherwise the receiver has passed it on
        move(&(struct event){&in.receiver_id, &in.owner_id, in.token_id, {0}}, &t);
    else
        stays = true;
    answer_text(stays ? TEXT("true") : TEXT("false"));
}

// --- views

static char page_json[PAGE_MAX * (METADATA_MAX + 6 * TOKEN_ID_MAX + 256)];

static void put_token(struct out *o, struct text id) {
    struct token t;
    require(token_get(id, &t), "Token not found");
    put_open(o, '{');
    member_string(o, "token_id", id);
    member_string(o, "owner_id", account_text(&t.owner));
    put_key(o, "metadata");
    put_value(o, t.metadata);
    put_close(o, '}');
}

METHOD(VIEW, nft_token) {
    struct token_args {
        struct text token_id;
    };
    static const struct json_field fields[] = {REQUIRED(struct token_args, token_id)};
    static const struct json_shape shape = JSON_SHAPE(fields, OPEN);
    struct token_args in = {0};
    struct out o = OUT(page_json);
    json_arguments(&in, &shape);
    if (in.token_id.len <= TOKEN_ID_MAX && map_has(tokens, in.token_id))
        put_token(&o, in.token_id);
    else
        put_null(&o);
    answer_json(&o);
}

struct page_args {
    struct account account_id;
    struct maybe_yocto from_index; // NEP-181: as a string
    struct maybe_u64 limit;
};

static void answer_page(struct list ids, const struct page_args *in) {
    struct out o = OUT(page_json);
    char buf[TOKEN_ID_MAX];
    struct text id;
    struct yocto from = yocto_min(in->from_index.value, YOCTO(UINT64_MAX));
    struct page p =
        page_of(list_count(ids), (struct maybe_u64){in->from_index.given, (uint64_t)from.v}, in->limit, PAGE_MAX);
    put_open(&o, '[');
    for (uint32_t i = p.from; i < p.to && list_get(ids, i, buf, sizeof buf, &id); i++)
        put_token(&o, id);
    put_close(&o, ']');
    answer_json(&o);
}

METHOD(VIEW, nft_tokens) {
    static const struct json_field fields[] = {OPTIONAL(struct page_args, from_index),
                                               OPTIONAL(struct page_args, limit)};
    static const struct json_shape shape = JSON_SHAPE(fields, OPEN);
    struct page_args in = {0};
    json_arguments(&in, &shape);
    answer_page(all, &in);
}

METHOD(VIEW, nft_tokens_for_owner) {
    static const struct json_field fields[] = {REQUIRED(struct page_args, account_id),
                                               OPTIONAL(struct page_args, from_index),
                                               OPTIONAL(struct page_args, limit)};
    static const struct json_shape shape = JSON_SHAPE(fields, OPEN);
    struct page_args in = {0};
    json_arguments(&in, &shape);
    answer_page(set_elements(tokens_of(&in.account_id)), &in);
}

METHOD(VIEW, nft_supply_for_owner) {
    static const struct json_field fields[] = {REQUIRED(struct page_args, account_id)};
    static const struct json_shape shape = JSON_SHAPE(fields, OPEN);
    struct page_args in = {0};
    json_arguments(&in, &shape);
    answer_count(set_count(tokens_of(&in.account_id)));
}

METHOD(VIEW, nft_total_supply) { answer_count(list_count(all)); }

METHOD(VIEW, nft_metadata) {
    size_t len = 0;
    require(store_get(metadata_key, page_json, sizeof page_json, &len), "The contract is not initialized");
    answer_text((struct text){page_json, len});
}
