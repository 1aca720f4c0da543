// SPDX-License-Identifier: Apache-2.0
// `outlayer secrets …`: sealed on this machine, stored on chain, opened only for guests whose callers may use them.
#include "cli/commands.h"

#include "base/text.h"
#include "cli/repo.h"
#include "cli/secrets_access.h"
#include "cli/secrets_input.h"
#include "cli/secrets_remote.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "secrets/repo.h"
#include <sys/prctl.h>
#include <sys/resource.h>

#define LIST_PAGE 50
#define LIST_MAX 100000
#define PROFILE_DEFAULT "default"

struct secrets_options {
    struct target_options target;
    struct access_options access;
    const char *repo, *branch, *profile, *from, *owner, *env_file, *name, *type;
    bool json;
};

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
    ACCESS_OPTIONS(struct secrets_options, access),
    TARGET_OPTIONS(struct secrets_options, target),
    ARG_SWITCH(struct secrets_options, json, "--json", "end with one JSON value on one line"),
};

struct job {
    struct arena *a; // wiped
    const struct secrets_options *o;
    struct target target;
    struct credentials from;
    struct remote remote;
    struct scope scope;
};

static void finish(const struct job *j, json_t *result) {
    if (j->o->json)
        printf("%s\n", json_text(j->a, result));
    json_decref(result);
}

// --- what all of them need

static bool find_scope(struct job *j, struct err *e) {
    struct repo_ref repo;
    if (!j->o->repo) {
        err_set(e, ERR_USAGE, "no repository given");
        return err_hint(e, "--repo . takes this folder");
    }
    if (!repo_prepare(j->a, j->target.home, j->o->repo, NULL, &repo, e))
        return false;
    j->scope = (struct scope){.network = j->target.network,
                              .contract = j->target.contract,
                              .owner = j->from.account.s,
                              .branch = j->o->branch,
                              .profile = j->o->profile ? j->o->profile : PROFILE_DEFAULT};
    return repo_normal(j->a, slice_str(repo.repo), &j->scope.repo, e) && scope_check(&j->scope, e);
}

static bool find_access(struct job *j, struct access **out, struct err *e) {
    if (!access_from_options(&j->o->access, j->a, out, e))
        return false;
    if (*out)
        return true;
    *out = arena_calloc(j->a, 1, sizeof **out);
    **out = (struct access){.kind = ACCESS_WHITELIST, .accounts = &j->from.account, .count = 1};
    return true;
}

static void show_scope(const struct job *j, const struct access *access) {
    fprintf(stderr, "secrets     %s/%s for %s%s%s\n", j->scope.owner, j->scope.profile, j->scope.repo,
            j->scope.branch ? " at branch " : "", j->scope.branch ? j->scope.branch : "");
    if (access)
        fprintf(stderr, "access      %s\n", access_text(j->a, access));
}

// Stores a blob and says what it cost. `names` is taken.
static bool store(struct job *j, const char *blob, const struct access *access, json_t *names, struct err *e) {
    struct yocto deposit;
    const char *transaction;
    char amount[64];
    SCOPED_JSON(list) = names;
    if (!remote_estimate(&j->remote, &j->scope, blob, access, &deposit, e))
        return false;
    show_scope(j, access);
    fprintf(stderr, "deposit     %s for the storage; it comes back with `secrets delete`\n",
            yocto_text(deposit, amount));
    struct remote_call call = {.method = "store_secrets", .args = remote_name(&j->scope), .deposit = deposit};
    json_set_text(call.args, "encrypted_secrets_base64", blob);
    json_object_set_new(call.args, "access", access_json(access));
    if (!remote_send(&j->remote, &call, &transaction, NULL, e))
        return false;
    fprintf(stderr, "stored      %zu secrets\n", json_array_size(list));
    json_t *result = json_pack("{s:O,s:s,s:s,s:s?,s:s}", "names", list, "repo", j->scope.repo, "profile",
                               j->scope.profile, "branch", j->scope.branch, "transaction_hash", transaction);
    json_set_u128(result, "deposit", deposit.v);
    finish(j, result);
    return true;
}

// --- set, encrypt

static bool seal(struct job *j, json_t *names, const char **blob, struct err *e) {
    struct secrets values;
    struct sealing_key key;
    struct slice plain, sealed;
    if (!secrets_read(&values, j->a, j->o->env_file, e) || !secrets_print(j->a, &values, &plain, e) ||
        !remote_key(&j->remote, &j->scope, &key, e) ||
        !blob_seal(j->a, &j->scope, key.generation, key.public, plain, &sealed, e))
        return false;
    for (size_t i = 0; i < values.count; i++)
        json_array_append_new(names, json_string(values.items[i].name));
    *blob = base64_text(j->a, sealed);
    return true;
}

static bool run_set(struct job *j, struct err *e) {
    SCOPED_JSON(names) = json_array();
    struct access *access;
    const char *blob;
    return find_scope(j, e) && find_access(j, &access, e) && seal(j, names, &blob, e) &&
           store(j, blob, access, json_incref(names), e);
}

static bool run_encrypt(struct job *j, struct err *e) {
    SCOPED_JSON(names) = json_array();
    const char *blob;
    if (!find_scope(j, e) || !seal(j, names, &blob, e))
        return false;
    show_scope(j, NULL);
    if (j->o->json)
        finish(j, json_pack("{s:O,s:s}", "names", names, "encrypted_secrets_base64", blob));
    else
        printf("%s\n", blob);
    return true;
}

// --- generate, rotate

static bool existing(struct job *j, struct remote_row *row, bool needed, struct err *e) {
    if (!find_scope(j, e) || !remote_row(&j->remote, &j->scope, row, e))
        return false;
    if (row->blob || !needed)
        return true;
    err_set(e, ERR_NOT_FOUND, "Secrets not found: %s has stored none as profile %s for %s", j->scope.owner,
            j->scope.profile, j->scope.repo);
    return err_hint(e, "`outlayer secrets list` shows what is stored");
}

static bool regenerate(struct job *j, const struct remote_row *row, const char *name, const char *type, struct err *e) {
    struct generated made = {0};
    struct access *access;
    bool ok = row->access ? access_of_json(&access, j->a, row->access, e) : find_access(j, &access, e);
    ok = ok && remote_generate(&j->remote, &j->scope, row, name, type, &made, e) &&
         store(j, made.blob, access, json_incref(made.names), e);
    json_decref(made.names);
    return ok;
}

static bool run_generate(struct job *j, struct err *e) {
    struct remote_row row = {0};
    if (!j->o->name || !j->o->type) {
        err_set(e, ERR_USAGE, "generate needs a name and a type");
        return err_hint(e, "outlayer secrets generate --repo . --name " PROTECTED_PREFIX "TOKEN --type hex32");
    }
    if (strncmp(j->o->name, PROTECTED_PREFIX, strlen(PROTECTED_PREFIX)) != 0)
        return err_set(e, ERR_USAGE, "the name '%s' of a generated secret must begin with " PROTECTED_PREFIX,
                       j->o->name);
    if (!secret_name_check(slice_str(j->o->name), MADE_BY_KEYSTORE, e))
        return false;
    bool ok = existing(j, &row, false, e) && regenerate(j, &row, j->o->name, j->o->type, e);
    json_decref(row.access);
    return ok;
}

static bool run_rotate(struct job *j, struct err *e) {
    struct remote_row row = {0};
    bool ok = existing(j, &row, true, e) && regenerate(j, &row, NULL, NULL, e);
    json_decref(row.access);
    return ok;
}

// --- access, delete

static bool change_access(struct job *j, const struct remote_row *row, const struct access *access, struct err *e) {
    struct yocto need;
    const char *transaction;
    char amount[64];
    if (!remote_estimate(&j->remote, &j->scope, row->blob, access, &need, e))
        return false;
    struct yocto more = {need.v > row->deposit.v ? need.v - row->deposit.v : 0};
    show_scope(j, access);
    fprintf(stderr, "deposit     %s more\n", yocto_text(more, amount));
    struct remote_call call = {.method = "update_access", .args = remote_name(&j->scope), .deposit = more};
    json_object_set_new(call.args, "new_access", access_json(access));
    if (!remote_send(&j->remote, &call, &transaction, NULL, e))
        return false;
    json_t *result = json_pack("{s:o,s:s}", "access", access_json(access), "transaction_hash", transaction);
    json_set_u128(result, "deposit", more.v);
    finish(j, result);
    return true;
}

static bool run_access(struct job *j, struct err *e) {
    struct remote_row row = {0};
    struct access *access;
    if (!access_from_options(&j->o->access, j->a, &access, e))
        return false;
    if (!access) {
        err_set(e, ERR_USAGE, "say who may use them");
        return err_hint(e, "--allow alice.near,bob.near, --all, --pattern, … (--help)");
    }
    bool ok = existing(j, &row, true, e) && change_access(j, &row, access, e);
    json_decref(row.access);
    return ok;
}

static bool run_delete(struct job *j, struct err *e) {
    struct remote_row row = {0};
    const char *transaction;
    char amount[64];
    SCOPED_JSON(event) = NULL;
    struct yocto back = {0};
    bool ok = existing(j, &row, true, e);
    json_decref(row.access);
    if (!ok)
        return false;
    show_scope(j, NULL);
    struct remote_call call = {.method = "delete_secrets", .args = remote_name(&j->scope), .event = "secrets_deleted"};
    if (!remote_send(&j->remote, &call, &transaction, &event, e) ||
        !json_get_u128(event, "storage_deposit", &back.v, e))
        return false;
    fprintf(stderr, "deleted     %s came back\n", yocto_text(back, amount));
    json_t *result = json_pack("{s:s}", "transaction_hash", transaction);
    json_set_u128(result, "refunded", back.v);
    finish(j, result);
    return true;
}

// --- list

static void show_row(const struct job *j, const json_t *row) {
    struct access *access;
    struct yocto deposit = {0};
    char amount[64];
    const char *branch = json_string_value(json_object_get(row, "branch"));
    bool known = access_of_json(&access, j->a, json_object_get(row, "access"), NULL);
    (void)json_get_u128(row, "storage_deposit", &deposit.v, NULL);
    printf("%-20s %-40s %-16s %-14s %s\n", json_string_value(json_object_get(row, "profile")),
           json_string_value(json_object_get(row, "repo")), branch ? branch : "(any branch)",
           yocto_text(deposit, amount), known ? access_text(j->a, access) : "?");
}

static bool run_list(struct job *j, struct err *e) {
    const char *owner = j->o->owner ? j->o->owner : j->from.account.s;
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
        json_array_foreach(all, i, row) show_row(j, row);
    }
    finish(j, all);
    return true;
}

// --- the command

static const struct {
    const char *name;
    bool (*run)(struct job *j, struct err *e);
} actions[] = {{"set", run_set},       {"list", run_list},         {"delete", run_delete},  {"access", run_access},
               {"rotate", run_rotate}, {"generate", run_generate}, {"encrypt", run_encrypt}};

static bool run(size_t action, const struct secrets_options *o, struct arena *a, struct err *e) {
    struct job j = {.a = a, .o = o};
    if (!target_find(&j.target, a, &o->target, e))
        return false;
    bool ok = target_credentials(&j.target, a, o->from, &j.from, e) &&
              remote_open(&j.remote, a, &j.target, &j.from, e) && actions[action].run(&j, e);
    remote_close(&j.remote);
    secret_key_wipe(&j.from.secret);
    target_release(&j.target);
    return ok;
}

static int usage(void) {
    struct err e;
    err_set(&e, ERR_USAGE, "say what to do with secrets");
    err_hint(&e, "outlayer secrets set | list | delete | access | generate | rotate | encrypt (--help)");
    return command_failed(&e);
}

int command_secrets(int argc, char **argv) {
    struct secrets_options o = {0};
    struct err e;
    bool help = argc > 0 && strcmp(argv[0], "--help") == 0;
    size_t i = 0;
    while (argc > 0 && i < ARRAY_LEN(actions) && strcmp(argv[0], actions[i].name) != 0)
        i++;
    if (!help && (argc < 1 || i == ARRAY_LEN(actions)))
        return usage();
    if (!help && !args_parse(&o, table, ARRAY_LEN(table), argc - 1, argv + 1, &help, &e))
        return command_failed(&e);
    if (help) {
        args_print_help("secrets set|list|delete|access|generate|rotate|encrypt",
                        "values for guests that nobody else can read", table, ARRAY_LEN(table));
        return CLI_OK;
    }
    struct rlimit none = {0, 0};
    prctl(PR_SET_DUMPABLE, 0);
    setrlimit(RLIMIT_CORE, &none);
    json_wipe_memory();
    struct arena *a = arena_new();
    bool ok = run(i, &o, a, &e);
    arena_free_wiped(a);
    return ok ? CLI_OK : command_failed(&e);
}
