// SPDX-License-Identifier: Apache-2.0
// `outlayer secrets …`: sealed on this machine, stored on chain, opened only for guests whose callers may use them.
#include "cli/commands.h"

#include "base/text.h"
#include "cli/secrets_job.h"
#include "codec/json.h"
#include <sys/prctl.h>
#include <sys/resource.h>

#define LIST_PAGE 50
#define LIST_MAX 100000

static const struct arg table[] = {
    ARG_OPTION(struct secrets_options, repo, "--repo", "REPO", "a folder here, https://host/owner/name, or owner/name"),
    ARG_OPTION(struct secrets_options, branch, "--branch", "B", "only for builds of this branch (any branch)"),
    ARG_OPTION(struct secrets_options, profile, "--profile", "P", "a name for these secrets (" PROFILE_DEFAULT ")"),
    ARG_OPTION(struct secrets_options, from, "--from", "ACCOUNT", "their owner, who pays for the storage"),
    ARG_OPTION(struct secrets_options, owner, "--owner", "ACCOUNT", "list: whose (--from)"),
    ARG_OPTION(struct secrets_options, env_file, "--env-file", "FILE",
               "set, encrypt: NAME=value lines (standard input, or a prompt)"),
    ARG_OPTION(struct secrets_options, name, "--name", "N", "generate: PROTECTED_… name"),
    ARG_OPTION(struct secrets_options, type, "--type", "T",
               "generate: hex16, hex32, hex64, ed25519, ed25519_seed, password[:N]"),
    ARG_NUMBER(struct secrets_options, before, "--before", "audit: only lines whose number is less (the newest)"),
    ACCESS_OPTIONS(struct secrets_options, access),
    TARGET_OPTIONS(struct secrets_options, target),
    ARG_SWITCH(struct secrets_options, json, "--json", "end with one JSON value on one line"),
};

// --- access, delete

static bool change_access(struct secrets_job *j, const struct remote_row *row, const struct access *access,
                          struct err *e) {
    struct yocto need;
    const char *transaction;
    char amount[64];
    if (!remote_estimate(&j->remote, &j->scope, row->blob, access, &need, e))
        return false;
    struct yocto more = {need.v > row->deposit.v ? need.v - row->deposit.v : 0};
    job_show_scope(j);
    fprintf(stderr, "access      %s\n", access_text(j->a, access));
    fprintf(stderr, "deposit     %s more\n", yocto_text(more, amount));
    struct remote_call call = {.method = "update_access", .args = remote_name(&j->scope), .deposit = more};
    json_object_set_new(call.args, "new_access", access_json(access));
    if (!remote_send(&j->remote, &call, &transaction, NULL, e))
        return false;
    json_t *result = json_pack("{s:o,s:s}", "access", access_json(access), "transaction_hash", transaction);
    json_set_u128(result, "deposit", more.v);
    job_finish(j, result);
    return true;
}

static bool run_access(struct secrets_job *j, struct err *e) {
    struct remote_row row = {0};
    struct access *access;
    if (!access_from_options(&j->o->access, j->a, &access, e))
        return false;
    if (!access) {
        err_set(e, ERR_USAGE, "say who may use them");
        return err_hint(e, "--allow alice.near,bob.near, --all, --pattern, … (--help)");
    }
    bool ok = job_find_row(j, &row, true, e) && change_access(j, &row, access, e);
    json_decref(row.access);
    return ok;
}

static bool run_delete(struct secrets_job *j, struct err *e) {
    struct remote_row row = {0};
    const char *transaction;
    char amount[64];
    SCOPED_JSON(event) = NULL;
    struct yocto back = {0};
    bool ok = job_find_row(j, &row, true, e);
    json_decref(row.access);
    if (!ok)
        return false;
    job_show_scope(j);
    struct remote_call call = {.method = "delete_secrets", .args = remote_name(&j->scope), .event = "secrets_deleted"};
    if (!remote_send(&j->remote, &call, &transaction, &event, e) ||
        !json_get_u128(event, "storage_deposit", &back.v, e))
        return false;
    fprintf(stderr, "deleted     %s came back\n", yocto_text(back, amount));
    json_t *result = json_pack("{s:s}", "transaction_hash", transaction);
    json_set_u128(result, "refunded", back.v);
    job_finish(j, result);
    return true;
}

// --- list

// Rows are strangers' words where --owner names one.
static const char *shown(const struct secrets_job *j, const char *text) {
    return printable_line(j->a, text ? text : "?");
}

static void show_row(const struct secrets_job *j, const json_t *row) {
    struct access *access;
    struct yocto deposit = {0};
    char amount[64];
    const char *branch = json_string_value(json_object_get(row, "branch"));
    bool known = access_of_json(&access, j->a, json_object_get(row, "access"), NULL);
    (void)json_get_u128(row, "storage_deposit", &deposit.v, NULL);
    printf("%-20s %-40s %-16s %-14s %s\n", shown(j, json_string_value(json_object_get(row, "profile"))),
           shown(j, json_string_value(json_object_get(row, "repo"))), branch ? shown(j, branch) : "(any branch)",
           yocto_text(deposit, amount), known ? shown(j, access_text(j->a, access)) : "?");
}

static bool run_list(struct secrets_job *j, struct err *e) {
    const char *owner = j->from.account.s;
    json_t *all = json_array(), *row;
    size_t i, got = LIST_PAGE;
    for (size_t from = 0; got == LIST_PAGE && from < LIST_MAX; from += got) {
        SCOPED_JSON(args) = json_pack("{s:s,s:I,s:I}", "account_id", owner, "from_index", (json_int_t)from, "limit",
                                      (json_int_t)LIST_PAGE);
        SCOPED_JSON(page) = rpc_view_json(j->remote.rpc, j->a, j->target.contract, "list_user_secrets", args, e);
        if (!page || !json_is_array(page)) {
            json_decref(all);
            return page ? err_set(e, ERR_CHAIN, "list_user_secrets gave no list") : false;
        }
        got = json_array_size(page);
        json_array_extend(all, page);
    }
    if (!j->o->json) {
        printf("%-20s %-40s %-16s %-14s %s\n", "PROFILE", "REPOSITORY", "BRANCH", "DEPOSIT", "FOR");
        json_array_foreach(all, i, row)
            show_row(j, row);
    }
    job_finish(j, all);
    return true;
}

// --- the command

static const struct {
    const char *name;
    bool (*run)(struct secrets_job *j, struct err *e);
    bool signs; // with the owner's key
} actions[] = {{"set", secrets_run_set, true},
               {"list", run_list, false},
               {"delete", run_delete, true},
               {"access", run_access, true},
               {"generate", secrets_run_generate, true},
               {"rotate", secrets_run_rotate, true},
               {"encrypt", secrets_run_encrypt, false},
               {"audit", secrets_run_audit, true}};

// Where nothing is signed a name is enough: the key may be in a wallet.
static bool find_owner(struct secrets_job *j, bool signs, struct err *e) {
    const char *named = j->o->owner ? j->o->owner : j->o->from;
    return !signs && named ? account_id_parse(&j->from.account, slice_str(named), e)
                           : target_credentials(&j->target, j->a, j->o->from, &j->from, e);
}

static bool run(size_t action, const struct secrets_options *o, struct arena *a, struct err *e) {
    struct secrets_job j = {.a = a, .o = o};
    if (!target_find(&j.target, a, &o->target, e))
        return false;
    bool ok = find_owner(&j, actions[action].signs, e) && remote_open(&j.remote, a, &j.target, &j.from, e) &&
              actions[action].run(&j, e);
    remote_close(&j.remote);
    secret_key_wipe(&j.from.secret);
    target_release(&j.target);
    return ok;
}

static bool check_options(const char *action, const struct secrets_options *o, struct err *e) {
    const struct arg_use uses[] = {{access_option_given(&o->access), "set, generate, access"},
                                   {o->env_file ? "--env-file" : NULL, "set, encrypt"},
                                   {o->name ? "--name" : NULL, "generate"},
                                   {o->type ? "--type" : NULL, "generate"},
                                   {o->before.given ? "--before" : NULL, "audit"},
                                   {o->owner ? "--owner" : NULL, "list"}};
    return args_check_uses("secrets", action, uses, ARRAY_LEN(uses), e);
}

static const struct args_command command = {
    .name = "secrets",
    .about = "values for guests that nobody else can read",
    .missing = "say what to do with secrets",
    .hint = "outlayer secrets set | list | delete | access | generate | rotate | encrypt | audit (--help)",
    ARGS_ACTIONS(actions),
    ARGS_TABLE(table)};

int command_secrets(int argc, char **argv) {
    struct secrets_options o = {0};
    struct err e;
    bool help;
    size_t i;
    if (!args_action(&i, &o, &command, argc, argv, &help, &e))
        return command_failed(&e);
    if (help)
        return CLI_OK;
    if (!check_options(actions[i].name, &o, &e))
        return command_failed(&e);
    struct rlimit none = {0, 0};
    prctl(PR_SET_DUMPABLE, 0);
    setrlimit(RLIMIT_CORE, &none);
    json_wipe_memory();
    struct arena *a = arena_new();
    bool ok = run(i, &o, a, &e);
    arena_free_wiped(a);
    return ok ? CLI_OK : command_failed(&e);
}
