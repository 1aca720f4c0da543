// SPDX-License-Identifier: Apache-2.0
// set, encrypt, generate, rotate: what is sealed here or in the keystore, and stored.
#include "cli/secrets_input.h"
#include "cli/secrets_job.h"
#include "codec/hex.h"

static bool find_access(struct job *j, struct access **out, struct err *e) {
    if (!access_from_options(&j->o->access, j->a, out, e))
        return false;
    if (*out)
        return true;
    *out = arena_calloc(j->a, 1, sizeof **out);
    **out = (struct access){.kind = ACCESS_WHITELIST, .accounts = &j->from.account, .count = 1};
    return true;
}

// Stores a blob and says what it cost. `names` is taken.
static bool store(struct job *j, const char *blob, const struct access *access, json_t *names, struct err *e) {
    struct yocto deposit;
    const char *transaction;
    char amount[64];
    SCOPED_JSON(list) = names;
    if (!remote_estimate(&j->remote, &j->scope, blob, access, &deposit, e))
        return false;
    job_show_scope(j, access);
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
    job_finish(j, result);
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

bool secrets_run_set(struct job *j, struct err *e) {
    SCOPED_JSON(names) = json_array();
    struct access *access;
    const char *blob;
    return job_find_scope(j, e) && find_access(j, &access, e) && seal(j, names, &blob, e) &&
           store(j, blob, access, json_incref(names), e);
}

bool secrets_run_encrypt(struct job *j, struct err *e) {
    SCOPED_JSON(names) = json_array();
    const char *blob;
    if (!job_find_scope(j, e) || !seal(j, names, &blob, e))
        return false;
    job_show_scope(j, NULL);
    if (j->o->json)
        job_finish(j, json_pack("{s:O,s:s}", "names", names, "encrypted_secrets_base64", blob));
    else
        printf("%s\n", blob);
    return true;
}

// --- generate, rotate

static bool regenerate(struct job *j, const struct remote_row *row, const char *name, const char *type, struct err *e) {
    struct generated made = {0};
    struct access *access;
    bool ok = row->access ? access_of_json(&access, j->a, row->access, e) : find_access(j, &access, e);
    ok = ok && remote_generate(&j->remote, &j->scope, row, name, type, &made, e) &&
         store(j, made.blob, access, json_incref(made.names), e);
    json_decref(made.names);
    return ok;
}

bool secrets_run_generate(struct job *j, struct err *e) {
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
    bool ok = job_find_row(j, &row, false, e) && regenerate(j, &row, j->o->name, j->o->type, e);
    json_decref(row.access);
    return ok;
}

bool secrets_run_rotate(struct job *j, struct err *e) {
    struct remote_row row = {0};
    bool ok = job_find_row(j, &row, true, e) && regenerate(j, &row, NULL, NULL, e);
    json_decref(row.access);
    return ok;
}
