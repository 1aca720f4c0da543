// SPDX-License-Identifier: Apache-2.0
#include "cli/collateral_chain.h"

#include "cli/payer.h"
#include "codec/hex.h"
#include "protocol/register.h"

// What a new kind of platform binds is 0.12 NEAR; what is beyond comes back.
#define STRANGERS_DEPOSIT (NEAR_ONE / 4)

static const char *register_account(const struct collateral_job *j, const struct target *t) {
    const char *variable = getenv("REGISTER_CONTRACT_ID");
    if (j->o->register_contract)
        return j->o->register_contract;
    if (variable && variable[0])
        return variable;
    return t->session ? json_string_value(json_object_get(t->session, "register_contract_id")) : NULL;
}

static bool is_account(const json_t *j, const char *account) {
    return json_is_string(j) && strcmp(json_string_value(j), account) == 0;
}

static bool is_registrar(const json_t *config, const char *account) {
    const json_t *one;
    size_t i;
    json_array_foreach(json_object_get(config, "registrars"), i, one)
        if (is_account(one, account))
            return true;
    return is_account(json_object_get(config, "owner_id"), account) ||
           is_account(json_object_get(config, "init_worker_account"), account);
}

// The root that the contract trusts, and who pays.
static bool read_config(struct collateral_chain *c, struct collateral_job *j, bool pays, struct err *e) {
    SCOPED_JSON(config) = rpc_view_json(c->remote.rpc, j->a, c->target.contract, VIEW_REGISTER_CONFIG, NULL, e);
    const char *root;
    uint8_t key[64];
    if (!config || !json_get_text(config, "root_public_key", &root, e) ||
        !hex_decode_exact(key, sizeof key, slice_str(root), e))
        return err_wrap(e, "register contract %s", c->target.contract);
    c->registrar = pays && is_registrar(config, c->from.account.s);
    if (j->attest.other_root || memcmp(key, j->attest.trust.root_key, sizeof key) == 0)
        return true;
    // No register contract can do that there, so it is none, or the server that answers lies.
    if (strcmp(c->target.network, "devnet") != 0)
        return err_set(e, ERR_FORBIDDEN, "%s on %s is said to trust another root than Intel's", c->target.contract,
                       c->target.network);
    dcap_trust_root(&j->attest.trust, key);
    j->attest.other_root = true;
    fprintf(stderr, "note        %s trusts another root than Intel's\n", c->target.contract);
    return true;
}

static bool read_now(struct collateral_chain *c, struct collateral_job *j, struct err *e) {
    struct rpc_block block;
    if (j->attest.now_given)
        return true;
    if (!rpc_final_block(c->remote.rpc, j->a, &block, e))
        return false;
    j->attest.now = block.timestamp_ns / 1000000000u;
    return true;
}

// What is missing is no error here: whoever looks at files only needs no chain.
static bool find_register(struct collateral_chain *c, struct collateral_job *j, bool pays, struct err *e) {
    struct err why;
    bool there = target_find(&c->target, j->a, &j->o->target, &why);
    const char *account = register_account(j, &c->target);
    c->known = there && account;
    if (c->known) {
        c->target.contract = account;
        return true;
    }
    if (account || (pays && !there)) {
        *e = why;
        return false;
    }
    if (!pays)
        return true;
    err_set(e, ERR_SETTINGS, "no register contract for network '%s'", c->target.network);
    return err_hint(e, "give --register ACCOUNT or REGISTER_CONTRACT_ID: it is on the operator's account");
}

// A devnet's `up` has a server of collateral, too.
static bool session_servers(struct collateral_chain *c, struct collateral_job *j, struct err *e) {
    const char *variable = getenv("PCCS_URL");
    const json_t *session = c->target.session;
    const char *url = session ? json_string_value(json_object_get(session, "pccs_url")) : NULL;
    return !url || j->o->attest.pccs || (variable && variable[0]) ||
           pcs_addresses_read(&j->attest.addresses, j->a, url, e);
}

bool chain_open(struct collateral_chain *out, struct collateral_job *j, bool pays, struct err *e) {
    *out = (struct collateral_chain){0};
    if (!find_register(out, j, pays, e))
        return false;
    if (!out->known)
        return true;
    return (!pays || payer_find(&out->target, j->a, j->o->from, &out->from, e)) &&
           remote_open(&out->remote, j->a, &out->target, pays ? &out->from : NULL, e) && session_servers(out, j, e) &&
           read_config(out, j, pays, e) && read_now(out, j, e);
}

void chain_close(struct collateral_chain *c) {
    if (c->remote.a)
        remote_close(&c->remote);
    secret_key_wipe(&c->from.secret);
    target_release(&c->target);
}

bool chain_kept(struct collateral_chain *c, struct collateral_job *j, struct kept_parts *out, struct err *e) {
    struct rpc *rpc = c->remote.rpc;
    SCOPED_JSON(args) = json_object();
    SCOPED_JSON(all) = rpc_view_json(rpc, j->a, c->target.contract, VIEW_COLLATERAL, args, e);
    if (!all)
        return false;
    SCOPED_JSON(force) = rpc_view_json(rpc, j->a, c->target.contract, VIEW_COLLATERAL_STATUS, args, e);
    return force && kept_read(out, all, force, e);
}

bool chain_push(struct collateral_chain *c, struct collateral_job *j, const struct collateral *from,
                const bool parts[static COLLATERAL_PARTS], const char **transaction, struct err *e) {
    struct collateral some = {0};
    for (enum collateral_part p = 0; p < COLLATERAL_PARTS; p++)
        if (parts[p])
            collateral_take(&some, from, p);
    some.pck_crl_issuer_chain = from->pck_crl_issuer_chain; // by which the root's list is verified, too
    struct remote_call call = {.method = METHOD_UPDATE_COLLATERAL,
                               .args = json_pack("{s:o}", "collateral", collateral_json(&some, j->a)),
                               .deposit = {c->registrar ? 0 : STRANGERS_DEPOSIT}};
    return remote_send(&c->remote, &call, transaction, NULL, e);
}
