// SPDX-License-Identifier: Apache-2.0
// A fungible token: NEP-141 with metadata (NEP-148), storage management (NEP-145) and events (nep141 1.0.0).
//
//   new{owner_id, total_supply, metadata}                     anyone, once; everything is the owner's
//   ft_transfer{receiver_id, amount, memo?}                   holders, with 1 yoctoNEAR
//   ft_transfer_call{receiver_id, amount, msg, memo?}         the same, then receiver_id's ft_on_transfer
//   ft_resolve_transfer                                       this contract itself: what that did not use comes back;
//                                                             answers what was used
//   storage_deposit{account_id?, registration_only?}          anyone, with at least the minimum; the rest goes back
//   storage_unregister{force?}, storage_withdraw{amount?}     holders, with 1 yoctoNEAR
//   views: ft_balance_of{account_id}, ft_total_supply, ft_metadata, storage_balance_of{account_id},
//          storage_balance_bounds
//
// Stored under STATE: version, total supply; under "m": the metadata's JSON text; in map 'b': account -> balance. Who
// has no entry in 'b' is not registered and cannot receive. All balances together are the total supply. NEAR that the
// contract holds for others is STORAGE_PRICE for each registered account, the first owner's excepted.
#include "sdk/sdk.h"

#define METADATA_MAX (64u * 1024)
#define MESSAGE_MAX (64u * 1024)
#define ENTRY_BYTES (42 + ACCOUNT_MAX + sizeof(u128)) // see map.h; for the longest account
#define STORAGE_PRICE ((struct yocto){ENTRY_BYTES * BYTE_STAKE})
#define RESOLVE_GAS (5 * TGAS) // ft_resolve_transfer
#define OWN_GAS (5 * TGAS)     // for the rest of ft_transfer_call, making its promises included
#define LEAST_GAS (30 * TGAS)  // so that ft_on_transfer has some, too
static const struct text state_key = {"STATE", 5}, metadata_key = {"m", 1};
static const struct map balances = {'b', {0}};

// --- what is stored

static struct yocto total_supply(void) {
    uint8_t bytes[32];
    size_t len = 0;
    require(store_get(state_key, bytes, sizeof bytes, &len), "The contract is not initialized");
    struct rec_in r = {bytes, bytes + len};
    rec_take_version(&r, 1);
    return rec_take_yocto(&r);
}

static void set_total_supply(struct yocto total) {
    uint8_t bytes[32];
    struct rec_out r = REC_OUT(bytes);
    rec_put_u8(&r, 1);
    rec_put_yocto(&r, total);
    store_put(state_key, REC_TEXT(r));
}

static bool balance_of(const struct account *a, struct yocto *balance) {
    return map_get_yocto(balances, account_text(a), balance);
}

static void set_balance(const struct account *a, struct yocto balance) {
    map_put_yocto(balances, account_text(a), balance);
}

// --- events

static char line[LOG_BYTES_MAX + 1024];
enum change { MINT, TRANSFER, BURN };
struct event {
    enum change change;
    const struct account *from, *to; // MINT has no from, BURN no to
    struct yocto amount;
    struct text memo; // NULL: none
};

static void emit(const struct event *e) {
    static const char *const names[] = {"ft_mint", "ft_transfer", "ft_burn"};
    struct out o = OUT(line);
    event_begin(&o, &(struct event_name){"nep141", "1.0.0", names[e->change]});
    if (e->from)
        member_string(&o, e->to ? "old_owner_id" : "owner_id", account_text(e->from));
    if (e->to)
        member_string(&o, e->from ? "new_owner_id" : "owner_id", account_text(e->to));
    member_amount(&o, "amount", e->amount);
    if (e->memo.ptr)
        member_string(&o, "memo", e->memo);
    event_emit(&o);
}

// --- rules

static void require_one_yocto(void) {
    require(deposit_attached().v == 1, "Requires attached deposit of exactly 1 yoctoNEAR");
}

static struct yocto registered_balance(const struct account *a) {
    struct yocto balance;
    if (balance_of(a, &balance))
        return balance;
    char buffer[128];
    struct out o = OUT(buffer);
    out_str(&o, "The account ");
    out_raw(&o, account_text(a));
    out_str(&o, " is not registered");
    stop_out(&o);
}

static void transfer(const struct event *e) {
    require(!account_eq(e->from, e->to), "Sender and receiver should be different");
    require(e->amount.v > 0, "The amount should be a positive number");
    struct yocto from = registered_balance(e->from), to = registered_balance(e->to);
    require(!yocto_less(from, e->amount), "The account doesn't have enough balance");
    set_balance(e->from, yocto_sub(from, e->amount));
    set_balance(e->to, yocto_add(to, e->amount));
    emit(e);
}

static void answer_amount(struct yocto amount) {
    char buffer[YOCTO_DIGITS + 2];
    struct out o = OUT(buffer);
    put_amount(&o, amount);
    answer_json(&o);
}

// --- setting up

struct metadata {
    struct text spec, name, symbol, icon, reference, reference_hash;
    uint32_t decimals;
};

// Kept before it is looked at: reading decodes texts in place, and a stop undoes the keeping.
static void keep_metadata(struct text json) {
    static const struct json_field fields[] = {
        REQUIRED(struct metadata, spec),          REQUIRED(struct metadata, name), REQUIRED(struct metadata, symbol),
        REQUIRED(struct metadata, decimals),      OPTIONAL(struct metadata, icon), OPTIONAL(struct metadata, reference),
        OPTIONAL(struct metadata, reference_hash)};
    static const struct json_shape shape = JSON_SHAPE(fields, CLOSED);
    struct metadata m = {0};
    require(json.len <= METADATA_MAX, "The metadata are longer than 65536 bytes");
    store_put(metadata_key, json);
    json_document((char *)(uintptr_t)json.ptr, json.len, &m, &shape);
    require(text_eq(m.spec, TEXT("ft-1.0.0")), "The metadata's spec should be ft-1.0.0");
    require(m.decimals <= UINT8_MAX, "The metadata's decimals should be at most 255");
}

METHOD(CALL, new) {
    struct new_args {
        struct account owner_id;
        struct yocto total_supply;
        struct json_raw metadata;
    };
    static const struct json_field fields[] = {REQUIRED(struct new_args, owner_id),
                                               REQUIRED(struct new_args, total_supply),
                                               REQUIRED(struct new_args, metadata)};
    static const struct json_shape shape = JSON_SHAPE(fields, CLOSED);
    struct new_args in = {0};
    json_arguments(&in, &shape);
    require(!store_has(state_key), "The contract has already been initialized");
    keep_metadata(in.metadata.text);
    set_total_supply(in.total_supply);
    set_balance(&in.owner_id, in.total_supply);
    emit(&(struct event){MINT, NULL, &in.owner_id, in.total_supply, TEXT("new tokens are minted")});
}

// --- transfers

struct transfer_args {
    struct account receiver_id;
    struct yocto amount;
    struct text memo, msg;
};

METHOD(PAYABLE, ft_transfer) {
    static const struct json_field fields[] = {REQUIRED(struct transfer_args, receiver_id),
                                               REQUIRED(struct transfer_args, amount),
                                               OPTIONAL(struct transfer_args, memo)};
    static const struct json_shape shape = JSON_SHAPE(fields, OPEN);
    struct transfer_args in = {0};
    struct account from = caller();
    require_one_yocto();
    json_arguments(&in, &shape);
    transfer(&(struct event){TRANSFER, &from, &in.receiver_id, in.amount, in.memo});
}

static struct promise call_receiver(const struct account *from, const struct transfer_args *in) {
    static char buffer[MESSAGE_MAX];
    struct out o = OUT(buffer);
    put_open(&o, '{');
    member_string(&o, "sender_id", account_text(from));
    member_amount(&o, "amount", in->amount);
    member_string(&o, "msg", in->msg);
    put_close(&o, '}');
    return promise_call(&(struct promise_call){.account = in->receiver_id,
                                               .method = "ft_on_transfer",
                                               .args = out_text(&o),
                                               .gas = gas_left() - RESOLVE_GAS - OWN_GAS});
}

static struct promise then_resolve(struct promise first, const struct account *from, const struct transfer_args *in) {
    char buffer[256];
    struct out o = OUT(buffer);
    put_open(&o, '{');
    member_string(&o, "sender_id", account_text(from));
    member_string(&o, "receiver_id", account_text(&in->receiver_id));
    member_amount(&o, "amount", in->amount);
    put_close(&o, '}');
    return promise_then(
        first, &(struct promise_call){
                   .account = self(), .method = "ft_resolve_transfer", .args = out_text(&o), .gas = RESOLVE_GAS});
}

METHOD(PAYABLE, ft_transfer_call) {
    static const struct json_field fields[] = {
        REQUIRED(struct transfer_args, receiver_id), REQUIRED(struct transfer_args, amount),
        REQUIRED(struct transfer_args, msg), OPTIONAL(struct transfer_args, memo)};
    static const struct json_shape shape = JSON_SHAPE(fields, OPEN);
    struct transfer_args in = {0};
    struct account from = caller();
    require_one_yocto();
    require(gas_left() > LEAST_GAS, "Attach at least 40 Tgas to transfer and call");
    json_arguments(&in, &shape);
    transfer(&(struct event){TRANSFER, &from, &in.receiver_id, in.amount, in.memo});
    promise_return(then_resolve(call_receiver(&from, &in), &from, &in));
}

// What the receiver says it did not use: all of it if it failed or answered anything but an amount.
static struct yocto unused_of(struct yocto amount) {
    char answer[YOCTO_DIGITS + 2];
    struct yocto unused;
    if (!promise_succeeded() || host_register_len(PROMISE_REGISTER) > sizeof answer)
        return amount;
    size_t len = register_copy(PROMISE_REGISTER, answer, sizeof answer);
    bool quoted = len > 2 && answer[0] == '"' && answer[len - 1] == '"';
    return quoted && yocto_parse(&unused, (struct text){answer + 1, len - 2}) ? yocto_min(unused, amount) : amount;
}

METHOD(CALLBACK, ft_resolve_transfer) {
    struct resolve_args {
        struct account sender_id, receiver_id;
        struct yocto amount;
    };
    static const struct json_field fields[] = {REQUIRED(struct resolve_args, sender_id),
                                               REQUIRED(struct resolve_args, receiver_id),
                                               REQUIRED(struct resolve_args, amount)};
    static const struct json_shape shape = JSON_SHAPE(fields, CLOSED);
    struct resolve_args in = {0};
    struct yocto receiver, sender;
    json_arguments(&in, &shape);
    balance_of(&in.receiver_id, &receiver); // nothing if it has spent all of it or is gone
    struct yocto back = yocto_min(unused_of(in.amount), receiver);
    bool sender_there = balance_of(&in.sender_id, &sender);
    if (back.v > 0) {
        set_balance(&in.receiver_id, yocto_sub(receiver, back));
        if (sender_there)
            set_balance(&in.sender_id, yocto_add(sender, back));
        else
            set_total_supply(yocto_sub(total_supply(), back));
        emit(&(struct event){sender_there ? TRANSFER : BURN, &in.receiver_id, sender_there ? &in.sender_id : NULL, back,
                             TEXT("refund")});
    }
    answer_amount(sender_there ? yocto_sub(in.amount, back) : in.amount);
}

// --- storage

static void answer_storage(bool registered) {
    char buffer[128];
    struct out o = OUT(buffer);
    if (registered) {
        put_open(&o, '{');
        member_amount(&o, "total", STORAGE_PRICE);
        member_amount(&o, "available", YOCTO(0));
        put_close(&o, '}');
    } else {
        put_null(&o);
    }
    answer_json(&o);
}

METHOD(PAYABLE, storage_deposit) {
    struct deposit_args {
        struct account account_id;
        bool registration_only; // there is nothing beyond the registration to pay for
    };
    static const struct json_field fields[] = {OPTIONAL(struct deposit_args, account_id),
                                               OPTIONAL(struct deposit_args, registration_only)};
    static const struct json_shape shape = JSON_SHAPE(fields, OPEN);
    struct account from = caller();
    struct deposit_args in = {.account_id = from};
    struct yocto rest = deposit_attached(), balance;
    json_arguments(&in, &shape);
    total_supply(); // stops before the contract is set up
    if (!balance_of(&in.account_id, &balance)) {
        require(!yocto_less(rest, STORAGE_PRICE), "The attached deposit is less than the minimum storage balance");
        rest = yocto_sub(rest, STORAGE_PRICE);
        set_balance(&in.account_id, YOCTO(0));
    }
    if (rest.v > 0)
        promise_transfer(&from, rest);
    answer_storage(true);
}

METHOD(PAYABLE, storage_unregister) {
    struct unregister_args {
        bool force;
    };
    static const struct json_field fields[] = {OPTIONAL(struct unregister_args, force)};
    static const struct json_shape shape = JSON_SHAPE(fields, OPEN);
    struct account from = caller();
    struct unregister_args in = {0};
    struct yocto balance;
    require_one_yocto();
    json_arguments(&in, &shape);
    bool registered = balance_of(&from, &balance);
    require(balance.v == 0 || in.force, "Can't unregister the account with the positive balance without force");
    if (balance.v > 0) {
        set_total_supply(yocto_sub(total_supply(), balance));
        emit(&(struct event){BURN, &from, NULL, balance, TEXT("unregistered")});
    }
    if (registered) {
        map_remove(balances, account_text(&from));
        promise_transfer(&from, yocto_add(STORAGE_PRICE, YOCTO(1)));
    }
    answer_text(registered ? TEXT("true") : TEXT("false"));
}

METHOD(PAYABLE, storage_withdraw) {
    struct withdraw_args {
        struct maybe_yocto amount;
    };
    static const struct json_field fields[] = {OPTIONAL(struct withdraw_args, amount)};
    static const struct json_shape shape = JSON_SHAPE(fields, OPEN);
    struct withdraw_args in = {0};
    struct account from = caller();
    require_one_yocto();
    json_arguments(&in, &shape);
    registered_balance(&from);
    require(in.amount.value.v == 0, "The amount is greater than the available storage balance");
    answer_storage(true);
}

// --- views

static struct account account_argument(void) {
    struct account_args {
        struct account account_id;
    };
    static const struct json_field fields[] = {REQUIRED(struct account_args, account_id)};
    static const struct json_shape shape = JSON_SHAPE(fields, OPEN);
    struct account_args in = {0};
    json_arguments(&in, &shape);
    return in.account_id;
}

METHOD(VIEW, ft_balance_of) {
    struct account a = account_argument();
    struct yocto balance;
    balance_of(&a, &balance);
    answer_amount(balance);
}

METHOD(VIEW, storage_balance_of) {
    struct account a = account_argument();
    struct yocto balance;
    answer_storage(balance_of(&a, &balance));
}

METHOD(VIEW, storage_balance_bounds) {
    char buffer[128];
    struct out o = OUT(buffer);
    put_open(&o, '{');
    member_amount(&o, "min", STORAGE_PRICE);
    member_amount(&o, "max", STORAGE_PRICE);
    put_close(&o, '}');
    answer_json(&o);
}

METHOD(VIEW, ft_total_supply) { answer_amount(total_supply()); }

METHOD(VIEW, ft_metadata) {
    static char json[METADATA_MAX];
    size_t len = 0;
    require(store_get(metadata_key, json, sizeof json, &len), "The contract is not initialized");
    answer_text((struct text){json, len});
}
