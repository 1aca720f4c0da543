// SPDX-License-Identifier: Apache-2.0
#include "cli/tee_job.h"

#include "cli/commands.h"
#include "cli/payer.h"

void tee_finish(const struct tee_job *j, json_t *result) {
    if (j->o->json)
        print_json_line(j->a, result);
    json_decref(result);
}

static const char *first_of(const char *a, const char *b, const char *c) {
    const char *all[] = {a, b, c};
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        if (all[i] && all[i][0])
            return all[i];
    return NULL;
}

const char *tee_setting(const struct tee_job *j, const char *option, const char *variable, const char *session_key) {
    const json_t *session = j->target.session;
    return first_of(option, getenv(variable),
                    session ? json_string_value(json_object_get(session, session_key)) : NULL);
}

// --- the register contract

static bool read_network(struct tee_job *j, struct err *e) {
    SCOPED_JSON(status) = NULL;
    const char *id;
    if (!rpc_call(j->registry.rpc, j->a, "status", json_array(), 0, &status, e) ||
        !json_get_text(status, "chain_id", &id, e))
        return err_wrap(e, "the chain's id");
    j->network = arena_strdup(j->a, id);
    return true;
}

static void show_sent(void *ctx, const char *method, const char *hash) {
    (void)ctx;
    fprintf(stderr, "transaction   %s (%s)\n", hash, method);
}

// No register contract can trust another root on a public network, so it is none, or the server that answers lies.
static bool root_is_possible(const struct tee_job *j, struct err *e) {
    if (!j->config.simulated || strcmp(j->target.network, "devnet") == 0)
        return true;
    return err_set(e, ERR_FORBIDDEN, "%s on %s is said to trust another root than Intel's", j->registry.account.s,
                   j->target.network);
}

bool tee_open_register(struct tee_job *j, struct err *e) {
    const char *account;
    if (!target_find(&j->target, j->a, &j->o->target, e))
        return false;
    account = tee_setting(j, j->o->register_contract, "REGISTER_CONTRACT_ID", "register_contract_id");
    if (!account) {
        err_set(e, ERR_SETTINGS, "no register contract for network '%s'", j->target.network);
        return err_hint(e, "give --register ACCOUNT or REGISTER_CONTRACT_ID: it is on the operator's account");
    }
    j->registry.sent = show_sent;
    j->key_path = j->o->key ? j->o->key : arena_printf(j->a, "%s/keys/tee-worker.json", j->target.home);
    return account_id_parse(&j->registry.account, slice_str(account), e) &&
           rpc_new(&j->registry.rpc, j->target.rpc_url, e) && read_network(j, e) &&
           registry_config(&j->registry, j->a, &j->config, e) && root_is_possible(j, e);
}

// --- the agent

bool tee_open_agent(struct tee_job *j, struct err *e) {
    const struct dstack_where where = {.endpoint =
                                           tee_setting(j, j->o->agent, "DSTACK_SIMULATOR_ENDPOINT", "dstack_endpoint")};
    return dstack_open(&j->agent, j->a, &where, e);
}

bool tee_open_payer(struct tee_job *j, const char *account, struct err *e) {
    bool ok = payer_find(&j->target, j->a, account ? account : j->o->from, &j->payer, e);
    j->registry.payer = ok ? &j->payer : NULL;
    return ok;
}

void tee_close(struct tee_job *j) {
    dstack_close(&j->agent);
    rpc_free(j->registry.rpc);
    secret_key_wipe(&j->payer.secret);
    target_release(&j->target);
}
