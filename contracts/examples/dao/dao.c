// SPDX-License-Identifier: Apache-2.0
// A DAO as others see it: who has which role, in the shape of Sputnik DAO v2, and how much voting weight is delegated
// to whom. It has no proposals; what asks for roles, such as an access condition, cannot tell the difference.
//
//   new{policy, config?}                     anyone, once; the caller becomes the owner
//   set_policy{policy}                       the owner
//   delegate{account_id, amount: "u128"}     the owner: this account's weight is now amount (0 takes it away)
//   get_policy, get_config                   views: the JSON as it was given
//   delegation_balance_of{account_id}        view: "u128", "0" for strangers
//   delegation_total_supply                  view: "u128"
//
// A policy is {"roles":[{"name":…,"kind":"Everyone"|{"Group":[accounts]}|{"Member":"least weight, u128"},…},…],…}; what
// else is in it is kept and not looked at. Stored under STATE: version, owner, all weights together; under "p" and "c":
// JSON texts; in map 'd': account -> weight. The contract's own balance pays for its state; no money moves.
#include "sdk/sdk.h"

#define POLICY_MAX (64u * 1024)
#define CONFIG_MAX 4096u
static const struct text state_key = {"STATE", 5}, policy_key = {"p", 1}, config_key = {"c", 1};
static const struct map weights = {'d', {0}};

struct state {
    struct account owner;
    struct yocto total;
};

static struct state load(void) {
    uint8_t bytes[128];
    size_t len = 0;
    require(store_get(state_key, bytes, sizeof bytes, &len), "The contract is not initialized");
    struct rec_in r = {bytes, bytes + len};
    rec_take_version(&r, 1);
    struct state s = {.owner = rec_take_account(&r)};
    s.total = rec_take_yocto(&r);
    return s;
}

static void save(const struct state *s) {
    uint8_t bytes[128];
    struct rec_out r = REC_OUT(bytes);
    rec_put_u8(&r, 1);
    rec_put_account(&r, &s->owner);
    rec_put_yocto(&r, s->total);
    store_put(state_key, REC_TEXT(r));
}

static struct state load_as_owner(void) {
    struct state s = load();
    struct account from = caller();
    require(account_eq(&from, &s.owner), "Only the owner of the DAO may do this");
    return s;
}

// --- the shape of a policy

static void read_accounts(struct json_in *in) {
    struct account member;
    json_expect(in, '[');
    if (json_take(in, ']'))
        return;
    do
        json_read_account(in, &member, NULL);
    while (json_take(in, ','));
    json_expect(in, ']');
}

static void read_kind(struct json_in *in, void *out, const void *more) {
    (void)more;
    bool plain = !json_take(in, '{');
    struct text name = json_take_string(in);
    bool group = text_eq(name, TEXT("Group")), member = text_eq(name, TEXT("Member"));
    if (plain ? !text_eq(name, TEXT("Everyone")) : !group && !member)
        json_stop(in, ": expected \"Everyone\", {\"Group\":[accounts]} or {\"Member\":\"least weight\"}");
    if (plain)
        return;
    json_expect(in, ':');
    if (group)
        read_accounts(in);
    else
        json_read_yocto(in, out, NULL);
    json_expect(in, '}');
}

static void read_roles(struct json_in *in, void *out, const void *more) {
    (void)out, (void)more;
    struct role {
        struct text name;
        struct yocto kind; // of a Member: the least weight
    };
    static const struct json_field fields[] = {REQUIRED(struct role, name),
                                               REQUIRED_BY(struct role, kind, read_kind, NULL)};
    static const struct json_shape shape = JSON_SHAPE(fields, OPEN);
    json_expect(in, '[');
    if (json_take(in, ']'))
        return;
    do {
        struct role role = {0};
        json_read_shape(in, &role, &shape);
    } while (json_take(in, ','));
    json_expect(in, ']');
}

struct policy {
    char roles; // are looked at only
};
static const struct json_field policy_fields[] = {REQUIRED_BY(struct policy, roles, read_roles, NULL)};
static const struct json_shape policy_shape = JSON_SHAPE(policy_fields, OPEN);

// Kept before it is looked at: reading decodes texts in place, and a stop undoes the keeping.
static void keep_policy(struct text policy) {
    struct policy p;
    require(policy.len <= POLICY_MAX, "The policy is longer than 65536 bytes");
    store_put(policy_key, policy);
    json_document((char *)(uintptr_t)policy.ptr, policy.len, &p, &policy_shape);
}

// --- setting up

METHOD(CALL, new) {
    struct new_args {
        struct json_raw policy, config;
    };
    static const struct json_field fields[] = {REQUIRED(struct new_args, policy), OPTIONAL(struct new_args, config)};
    static const struct json_shape shape = JSON_SHAPE(fields, CLOSED);
    struct new_args in = {.config.text = TEXT("null")};
    json_arguments(&in, &shape);
    require(!store_has(state_key), "The contract has already been initialized");
    require(in.config.text.len <= CONFIG_MAX, "The config is longer than 4096 bytes");
    store_put(config_key, in.config.text);
    keep_policy(in.policy.text);
    save(&(struct state){.owner = caller()});
}

METHOD(CALL, set_policy) {
    struct policy_args {
        struct json_raw policy;
    };
    static const struct json_field fields[] = {REQUIRED(struct policy_args, policy)};
    static const struct json_shape shape = JSON_SHAPE(fields, CLOSED);
    struct policy_args in = {0};
    load_as_owner();
    json_arguments(&in, &shape);
    keep_policy(in.policy.text);
}

METHOD(CALL, delegate) {
    struct delegate_args {
        struct account account_id;
        struct yocto amount;
    };
    static const struct json_field fields[] = {REQUIRED(struct delegate_args, account_id),
                                               REQUIRED(struct delegate_args, amount)};
    static const struct json_shape shape = JSON_SHAPE(fields, CLOSED);
    struct state s = load_as_owner();
    struct delegate_args in = {0};
    struct yocto before;
    json_arguments(&in, &shape);
    map_get_yocto(weights, account_text(&in.account_id), &before);
    s.total = yocto_add(yocto_sub(s.total, before), in.amount);
    save(&s);
    if (in.amount.v)
        map_put_yocto(weights, account_text(&in.account_id), in.amount);
    else
        map_remove(weights, account_text(&in.account_id));
}

// --- views

static void answer_stored(struct text key) {
    static char json[POLICY_MAX];
    size_t len = 0;
    require(store_get(key, json, sizeof json, &len), "The contract is not initialized");
    answer_text((struct text){json, len});
}

static void answer_amount(struct yocto amount) {
    char buffer[YOCTO_DIGITS + 2];
    struct out o = OUT(buffer);
    put_amount(&o, amount);
    answer_json(&o);
}

METHOD(VIEW, get_policy) { answer_stored(policy_key); }
METHOD(VIEW, get_config) { answer_stored(config_key); }

METHOD(VIEW, delegation_balance_of) {
    struct balance_args {
        struct account account_id;
    };
    static const struct json_field fields[] = {REQUIRED(struct balance_args, account_id)};
    static const struct json_shape shape = JSON_SHAPE(fields, OPEN);
    struct balance_args in = {0};
    struct yocto weight;
    json_arguments(&in, &shape);
    map_get_yocto(weights, account_text(&in.account_id), &weight);
    answer_amount(weight);
}

METHOD(VIEW, delegation_total_supply) { answer_amount(load().total); }
