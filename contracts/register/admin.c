// SPDX-License-Identifier: Apache-2.0
// What only the owner may do beside images and policy, and the first call.
#include "args.h"
#include "dcap/p256_point.h"
#include "events.h"
#include "shown.h"

#define ALLOWANCE (10000 * MILLI_NEAR)

// Another root key makes quotes that anybody can forge; where money is, Intel's is the only one.
static void first_trust(struct dcap_trust *t, struct text root) {
    char buffer[CHAIN_ID_MAX];
    uint8_t key[64];
    dcap_trust_intel(t);
    if (!root.ptr)
        return;
    struct text chain = chain_id(buffer);
    require(!text_eq(chain, TEXT("mainnet")) && !text_eq(chain, TEXT("testnet")),
            "root_public_key: on this chain only Intel's root key counts");
    require(root.len == 128 && hex_take(key, root, sizeof key),
            "root_public_key must be x and y of a P-256 key, 128 hexadecimal digits");
    require(dcap_p256_on_curve(key), "root_public_key is no point of the curve P-256");
    dcap_trust_root(t, key);
}

ENTRY(new) {
    require(!state_exists(), "The contract has already been initialized");
    struct state *s = state_blank();
    s->owner = in->owner_id;
    s->first_registrar = in->worker_id;
    s->main = in->main_id;
    s->min_tcb_eval = in->min_tcb_eval.value;
    s->min_qe_eval = in->min_qe_eval.value;
    s->key_age_s = KEY_AGE_S;
    s->grace_s = GRACE_S;
    s->allowance = YOCTO(ALLOWANCE);
    s->accept = 1u << DCAP_UP_TO_DATE;
    first_trust(&s->trust, in->root_public_key);
    state_save(s);
}

static struct text account_or_null(const struct account *a) { return a->len ? account_text(a) : (struct text){0}; }

// --- who may register

ENTRY(set_init_worker_account) {
    struct state *s = owner_state();
    s->first_registrar = in->worker_id;
    state_save(s);
    log_setting("init_worker_account", account_or_null(&s->first_registrar));
}

static void change_registrars(struct state *s, const struct registrars *all, const char *what,
                              const struct account *a) {
    registrars_save(all);
    s->has_registrars = all->count > 0;
    state_save(s);
    log_setting(what, account_text(a));
}

ENTRY(add_registrar) {
    struct state *s = owner_state();
    struct registrars all;
    registrars_load(&all);
    require(all.count < REGISTRARS_MAX, "There are 16 registrars already");
    require(registrar_find(&all, &in->account_id) == all.count, "This account is a registrar already");
    all.account[all.count++] = in->account_id;
    change_registrars(s, &all, "registrar_added", &in->account_id);
}

ENTRY(remove_registrar) {
    struct state *s = owner_state();
    struct registrars all;
    registrars_load(&all);
    uint32_t at = registrar_find(&all, &in->account_id);
    require(at < all.count, "Not an added registrar; set_init_worker_account changes the first one");
    all.account[at] = all.account[--all.count];
    change_registrars(s, &all, "registrar_removed", &in->account_id);
}

ENTRY(set_outlayer_contract) {
    struct state *s = owner_state();
    s->main = in->main_id;
    state_save(s);
    log_setting("outlayer_contract_id", account_text(&s->main));
}

// --- ownership

static void propose_owner(const struct account *who) {
    struct state *s = owner_state();
    s->next_owner = *who;
    if (account_eq(&s->next_owner, &s->owner))
        s->next_owner.len = 0;
    state_save(s);
    log_account("owner_proposed", who);
}

ENTRY(set_owner) { propose_owner(&in->owner_id); }
ENTRY(transfer_ownership) { propose_owner(&in->owner_id); }

ENTRY(accept_owner) {
    struct state *s = state_load();
    struct account from = caller();
    require(account_eq(&from, &s->next_owner), "Only the account that set_owner named can accept");
    s->owner = from;
    s->next_owner.len = 0;
    state_save(s);
    log_account("owner_set", &s->owner);
}

// --- the next version

#define MIGRATE_GAS (200 * TGAS)
ENTRY(upgrade) {
    owner_state();
    promise_return(upgrade_to_input(MIGRATE_GAS));
}

// Runs in the new code right after it was deployed; when it stops, the old one stays, and nothing was said.
ENTRY(migrate) {
    state_load();
    struct out *o = event_open("contract_upgraded");
    member_hex(o, "code_hash", in->code_hash.given ? &in->code_hash.value : NULL);
    event_emit(o);
}

// --- views

#define S(kind, name, member) SHOWN(kind, name, struct state, member)
ENTRY(get_config) {
    static const struct shown members[] = {S(ACCOUNT, "owner_id", owner), S(ACCOUNT, "next_owner_id", next_owner),
                                           S(ACCOUNT, "init_worker_account", first_registrar),
                                           S(ACCOUNT, "outlayer_contract_id", main),
                                           S(HEX, "root_public_key", trust.root_key)};
    struct state *s = state_load();
    struct registrars all;
    struct out *o = reply_open('{');
    SHOW_ALL(o, members, s);
    member_open(o, "registrars", '[');
    registrars_load(&all);
    for (uint32_t i = 0; i < all.count; i++)
        put_string(o, account_text(&all.account[i]));
    put_close(o, ']');
    reply_close('}');
}

ENTRY(get_init_worker_account) {
    struct state *s = state_load();
    put_string(reply(), account_or_null(&s->first_registrar));
    reply_end();
}

static void answer_words(const char *json) {
    out_str(reply(), json);
    reply_end();
}

ENTRY(get_version) { answer_words("{\"version\":\"" CONTRACT_VERSION "\",\"state_version\":1}"); }
_Static_assert(STATE_VERSION == 1, "get_version says 1");

ENTRY(contract_source_metadata) {
    answer_words("{\"version\":\"" CONTRACT_VERSION "\",\"link\":null,\"standards\":["
                 "{\"standard\":\"nep297\",\"version\":\"1.0.0\"},"
                 "{\"standard\":\"nep330\",\"version\":\"1.2.0\"}]}");
}
