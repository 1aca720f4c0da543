// SPDX-License-Identifier: Apache-2.0
// `outlayer deploy`: the contract on any network, step by step and each only where it is missing; the cost is shown
// first.
#include "cli/commands.h"

#include "base/file.h"
#include "base/text.h"
#include "cli/deployment.h"
#include "cli/target.h"
#include "codec/hex.h"

#define WASM_MAX (4u << 20)
// What Intel called standard in August of 2026. Older sets hide what was found since.
#define MIN_TCB_EVAL 20
#define MIN_QE_EVAL 19
#define NUMBER_(n) #n
#define NUMBER(n) NUMBER_(n)

struct deploy_options {
    struct target_options target;
    const char *wasm, *owner, *operator_id, *operator_credentials, *worker_key, *allowance, *registrar, *root_key;
    struct arg_u64 min_tcb_eval, min_qe_eval;
    bool yes, json;
};

static const struct arg table[] = {
    TARGET_OPTIONS(struct deploy_options, target),
    ARG_OPTION(struct deploy_options, wasm, "--wasm", "FILE", "another contract code than the one built in"),
    ARG_OPTION(struct deploy_options, owner, "--owner", "ACCOUNT", "who may set prices (the contract's account)"),
    ARG_OPTION(struct deploy_options, operator_id, "--operator", "ACCOUNT",
               "whose keys may resolve (the contract's account)"),
    ARG_OPTION(struct deploy_options, operator_credentials, "--operator-credentials", "FILE",
               "full key of the operator, to add the worker's key"),
    ARG_OPTION(struct deploy_options, worker_key, "--worker-key", "FILE",
               "the worker's key file; made when it is not there"),
    ARG_OPTION(struct deploy_options, allowance, "--allowance", "AMOUNT", "what the worker's key may burn ('10 NEAR')"),
    ARG_OPTION(struct deploy_options, registrar, "--registrar", "ACCOUNT",
               "who registers keys of TEE workers with the register contract (its owner)"),
    ARG_OPTION(struct deploy_options, root_key, "--root-key", "HEX",
               "register contract: another root key than Intel's, on a devnet only: its simulator's"),
    ARG_NUMBER(struct deploy_options, min_tcb_eval, "--min-tcb-eval",
               "register contract: Intel's lowest set of TCB infos that counts (" NUMBER(MIN_TCB_EVAL) ")"),
    ARG_NUMBER(struct deploy_options, min_qe_eval, "--min-qe-eval",
               "register contract: the same of quoting enclaves (" NUMBER(MIN_QE_EVAL) ")"),
    ARG_SWITCH(struct deploy_options, yes, "--yes", "do not ask before spending"),
    ARG_SWITCH(struct deploy_options, json, "--json", "one JSON object on one line; implies --yes"),
};

struct deploy_keys {
    struct credentials contract, operator_account, worker;
    bool has_operator;
};

static bool worker_key(const struct deploy_options *o, const struct account_id *operator_id, const char *home,
                       struct arena *a, struct deploy_keys *k, const char **path, struct err *e) {
    *path = o->worker_key ? o->worker_key : arena_printf(a, "%s/keys/worker.json", home);
    if (access(*path, F_OK) == 0)
        return credentials_read(&k->worker, *path, e);
    if (!o->worker_key && !file_make_dirs(arena_printf(a, "%s/keys", home), 0700, e))
        return false;
    k->worker.account = *operator_id;
    secret_key_generate(&k->worker.secret);
    k->worker.public = secret_key_public(&k->worker.secret);
    return credentials_write(&k->worker, *path, e);
}

static bool find_operator(const struct deploy_options *o, const struct target *t, struct arena *a, struct deployment *d,
                          struct deploy_keys *k, struct err *e) {
    struct target with = *t;
    d->operator_id = k->contract.account;
    if (o->operator_id && !account_id_parse(&d->operator_id, slice_str(o->operator_id), e))
        return false;
    if (strcmp(d->operator_id.s, k->contract.account.s) == 0) {
        k->operator_account = k->contract;
        k->has_operator = true;
        return true;
    }
    with.credentials = o->operator_credentials;
    k->has_operator = target_credentials(&with, a, d->operator_id.s, &k->operator_account, e);
    // Without the operator's key the worker's key is not added; only a key that was named and is bad is an error.
    return k->has_operator || !o->operator_credentials;
}

// What the register contract would refuse is refused before the main contract is paid for.
static bool check_terms(const struct deploy_options *o, const struct target *t, struct err *e) {
    uint8_t key[64];
    struct account_id registrar;
    if (o->root_key && strcmp(t->network, "devnet") != 0) {
        err_set(e, ERR_USAGE, "--root-key is for a devnet, and the network is '%s'", t->network);
        return err_hint(e, "leave it out: quotes are believed under Intel's root key alone there");
    }
    if (o->root_key && !hex_decode_exact(key, sizeof key, slice_str(o->root_key), e)) {
        e->code = ERR_USAGE;
        err_wrap(e, "--root-key");
        return err_hint(e,
                        "it is x and y of the root key, 128 hexadecimal digits: root_key.hex of the simulator's home");
    }
    return !o->registrar || account_id_parse(&registrar, slice_str(o->registrar), e) || err_wrap(e, "--registrar");
}

static const struct register_terms *register_terms(const struct deploy_options *o, const struct deployment *d,
                                                   struct arena *a) {
    struct register_terms *t = arena_calloc(a, 1, sizeof *t);
    *t = (struct register_terms){.code = contract_register_wasm(),
                                 .root_key = o->root_key,
                                 .registrar = o->registrar ? o->registrar : arena_strdup(a, d->owner.s),
                                 .min_tcb_eval = o->min_tcb_eval.given ? o->min_tcb_eval.v : MIN_TCB_EVAL,
                                 .min_qe_eval = o->min_qe_eval.given ? o->min_qe_eval.v : MIN_QE_EVAL};
    return t;
}

static bool prepare(const struct deploy_options *o, const struct target *t, struct arena *a, struct deployment *d,
                    struct deploy_keys *k, const char **key_path, struct err *e) {
    d->rpc_url = t->rpc_url;
    d->code = contract_outlayer_wasm();
    if (!check_terms(o, t, e) || (o->wasm && !file_read(a, o->wasm, WASM_MAX, &d->code, e)) ||
        !target_credentials(t, a, t->contract, &k->contract, e) ||
        !yocto_parse(&d->allowance, o->allowance ? o->allowance : "10 NEAR", e) || !find_operator(o, t, a, d, k, e))
        return false;
    d->owner = k->contract.account;
    if (o->owner && !account_id_parse(&d->owner, slice_str(o->owner), e))
        return false;
    if (!worker_key(o, &d->operator_id, t->home, a, k, key_path, e))
        return false;
    d->contract = &k->contract;
    d->operator_key = k->has_operator ? &k->operator_account : NULL;
    d->worker_key = k->worker.public;
    // The register contract is on the operator's account, which the main contract's may not be.
    if (k->has_operator && strcmp(d->operator_id.s, k->contract.account.s) != 0)
        d->registering = register_terms(o, d, a);
    return true;
}

static void show_register(const struct deployment *d, const struct deployment_plan *p, FILE *to) {
    if (!d->registering)
        fprintf(to, "register  not deployed: it needs an --operator other than the contract, and its key\n");
    else
        fprintf(to, "register  %s on %s (%zu bytes), %s\n", p->register_code ? "to deploy" : "is there already",
                d->operator_id.s, p->register_bytes, p->register_init ? "to set up" : "set up already");
}

static void show_plan(const struct deployment *d, const struct deployment_plan *p, const struct target *t, FILE *to) {
    char storage[64], gas[64];
    fprintf(to, "network   %s (%s)\ncontract  %s, owner %s, operator %s\n", t->network, t->rpc_url,
            d->contract->account.s, d->owner.s, d->operator_id.s);
    fprintf(to, "code      %s (%zu bytes)\nset-up    %s\nworker    %s\n", p->code ? "to deploy" : "is there already",
            p->code_bytes, p->init ? "to do" : "is done already",
            p->key            ? "key to add"
            : d->operator_key ? "key is there already"
                              : "key not added: no key of the operator given (--operator-credentials)");
    show_register(d, p, to);
    fprintf(to, "cost      %s locked for storage, at most %s of gas\n", yocto_text(p->storage, storage),
            yocto_text(p->gas, gas));
}

static bool agreed(const struct deploy_options *o, const struct deployment_plan *p) {
    const bool nothing = !p->code && !p->init && !p->key && !p->register_code && !p->register_init;
    if (o->yes || o->json || nothing)
        return true;
    char answer[8] = "";
    fprintf(stderr, "Go on? [y/N] ");
    return fgets(answer, sizeof answer, stdin) && (answer[0] == 'y' || answer[0] == 'Y');
}

static void show_result(const struct deploy_options *o, const struct deployment *d, const struct deployment_result *r,
                        const char *key_path, struct arena *a) {
    char spent[64], gas[32];
    if (o->json) {
        SCOPED_JSON(j) = json_object();
        json_set_text(j, "contract_id", d->contract->account.s);
        json_set_text(j, "operator_id", d->operator_id.s);
        json_set_text(j, "worker_key_file", key_path);
        json_set_text(j, "worker_public_key", public_key_text(a, &d->worker_key));
        json_set_text(j, "deploy_transaction", r->deploy_transaction);
        json_set_text(j, "register_contract_id", d->registering ? d->operator_id.s : NULL);
        json_set_text(j, "register_transaction", r->register_transaction);
        json_set_text(j, "key_transaction", r->key_transaction);
        json_set_u64(j, "gas_burnt", r->gas_burnt);
        json_set_u128(j, "tokens_burnt", r->tokens_burnt.v);
        print_json_line(a, j);
        return;
    }
    printf("done      %s, %s burnt\n", gas_text((struct gas){r->gas_burnt}, gas), yocto_text(r->tokens_burnt, spent));
    if (r->deploy_transaction)
        printf("          deployed in %s\n", r->deploy_transaction);
    if (r->register_transaction)
        printf("          register contract deployed in %s\n", r->register_transaction);
    if (r->key_transaction)
        printf("          key added in %s\n", r->key_transaction);
    printf("\nA worker for this contract: OPERATOR_ACCOUNT_ID=%s OPERATOR_PRIVATE_KEY from %s (docs/operate.md)\n",
           d->operator_id.s, key_path);
}

static bool deploy(const struct deploy_options *o, struct arena *a, struct deploy_keys *k, struct err *e) {
    struct target t;
    struct deployment d = {0};
    struct deployment_plan plan;
    struct deployment_result r;
    const char *key_path;
    if (!target_find(&t, a, &o->target, e))
        return false;
    bool ok = prepare(o, &t, a, &d, k, &key_path, e) && deployment_look(&d, a, &plan, e);
    if (ok) {
        show_plan(&d, &plan, &t, o->json ? stderr : stdout);
        ok = agreed(o, &plan) || err_set(e, ERR_USAGE, "nothing was changed");
    }
    ok = ok && deployment_do(&d, &plan, a, &r, e);
    if (ok)
        show_result(o, &d, &r, key_path, a);
    target_release(&t);
    return ok;
}

int command_deploy(int argc, char **argv) {
    struct deploy_options o = {0};
    struct deploy_keys keys = {0};
    struct err e;
    bool help;
    if (!args_parse(&o, table, ARRAY_LEN(table), argc, argv, &help, &e))
        return command_failed(&e);
    if (help) {
        args_print_help("deploy", "deploys and sets up the contract on a network; repeating it changes nothing", table,
                        ARRAY_LEN(table));
        return CLI_OK;
    }
    struct arena *a = arena_new();
    bool ok = deploy(&o, a, &keys, &e);
    secret_key_wipe(&keys.contract.secret);
    secret_key_wipe(&keys.operator_account.secret);
    secret_key_wipe(&keys.worker.secret);
    arena_free_wiped(a);
    return ok ? CLI_OK : command_failed(&e);
}
