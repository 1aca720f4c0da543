// SPDX-License-Identifier: Apache-2.0
// set, encrypt, generate, rotate: what is sealed here or in the keystore, and stored.
#include "cli/secrets_input.h"
#include "cli/secrets_job.h"
#include "codec/hex.h"

// A blob to be stored.
struct storing {
    const char *blob; // base64
    json_t *names;    // all that it holds; released by who made it
    uint32_t generation;
    const struct access *access;
    bool kept; // the condition is the stored one
};

// The condition from the options; without them a row keeps its own, and a new one is for its owner alone.
static bool find_access(struct secrets_job *j, const struct remote_row *row, struct storing *out, struct err *e) {
    struct access *access;
    if (!access_from_options(&j->o->access, j->a, &access, e))
        return false;
    out->kept = !access && row->blob;
    if (out->kept && !access_of_json(&access, j->a, row->access, e)) {
        err_wrap(e, "the stored condition cannot be read");
        return err_hint(e, "say who may use them: --allow alice.near,bob.near, --all, … (--help)");
    }
    if (!access) {
        access = arena_calloc(j->a, 1, sizeof *access);
        *access = (struct access){.kind = ACCESS_WHITELIST, .accounts = &j->from.account, .count = 1};
    }
    out->access = access;
    return true;
}

// Stores it and says what it cost. *result is what --json ends with.
static bool store(struct secrets_job *j, const struct storing *w, json_t **result, struct err *e) {
    struct yocto deposit;
    const char *transaction;
    char amount[64];
    if (!remote_estimate(&j->remote, &j->scope, w->blob, w->access, &deposit, e))
        return false;
    job_show_scope(j);
    fprintf(stderr, "access      %s%s\n", access_text(j->a, w->access), w->kept ? " (as it was)" : "");
    fprintf(stderr, "deposit     %s for the storage; it comes back with `secrets delete`\n",
            yocto_text(deposit, amount));
    struct remote_call call = {.method = "store_secrets", .args = remote_name(&j->scope), .deposit = deposit};
    json_set_text(call.args, "encrypted_secrets_base64", w->blob);
    json_object_set_new(call.args, "access", access_json(w->access));
    if (!remote_send(&j->remote, &call, &transaction, NULL, e))
        return false;
    size_t count = json_array_size(w->names);
    fprintf(stderr, "stored      %zu secret%s\n", count, count == 1 ? "" : "s");
    *result = remote_name(&j->scope);
    json_object_set(*result, "names", w->names);
    json_object_set_new(*result, "access", access_json(w->access));
    json_set_u64(*result, "generation", w->generation);
    json_set_u128(*result, "deposit", deposit.v);
    json_set_text(*result, "transaction_hash", transaction);
    return true;
}

// --- set, encrypt

static bool seal(struct secrets_job *j, struct storing *out, struct err *e) {
    struct secrets values;
    struct sealing_key key;
    struct slice plain, sealed;
    if (!secrets_read(&values, j->a, j->o->env_file, e) || !secrets_print(j->a, &values, &plain, e) ||
        !remote_key(&j->remote, &j->scope, &key, e) ||
        !blob_seal(j->a, &j->scope, key.generation, key.public, plain, &sealed, e))
        return false;
    out->names = json_array();
    for (size_t i = 0; i < values.count; i++)
        json_array_append_new(out->names, json_string(values.items[i].name));
    out->blob = base64_text(j->a, sealed);
    out->generation = key.generation;
    return true;
}

static bool set(struct secrets_job *j, const struct remote_row *row, struct err *e) {
    struct storing w = {0};
    json_t *result;
    if (!find_access(j, row, &w, e))
        return false;
    if (row->blob)
        fprintf(stderr, "replaces    every value that is stored there, generated ones (" PROTECTED_PREFIX "…) too\n");
    bool ok = seal(j, &w, e) && store(j, &w, &result, e);
    if (ok) {
        json_object_set_new(result, "replaced", json_boolean(row->blob));
        job_finish(j, result);
    }
    json_decref(w.names);
    return ok;
}

bool secrets_run_set(struct secrets_job *j, struct err *e) {
    struct remote_row row = {0};
    bool ok = job_find_row(j, &row, false, e) && set(j, &row, e);
    json_decref(row.access);
    return ok;
}

bool secrets_run_encrypt(struct secrets_job *j, struct err *e) {
    struct storing w = {0};
    if (!job_find_scope(j, e) || !seal(j, &w, e))
        return false;
    job_show_scope(j);
    if (j->o->json)
        job_finish(j, json_pack("{s:O,s:s}", "names", w.names, "encrypted_secrets_base64", w.blob));
    else
        printf("%s\n", w.blob);
    json_decref(w.names);
    return true;
}

// --- generate, rotate

// Has the row's blob sealed anew with a secret more (name NULL: none), under a generation of at least `least`.
static bool regenerate(struct secrets_job *j, const struct remote_row *row, const char *name, const char *type,
                       uint32_t least, json_t **result, struct err *e) {
    struct generated made = {0};
    struct storing w = {0};
    bool ok = find_access(j, row, &w, e) && remote_generate(&j->remote, &j->scope, row, name, type, &made, e);
    if (ok && made.generation < least)
        ok =
            err_set(e, ERR_FORBIDDEN, "the keystore sealed under generation %u, which is not newer: nothing was stored",
                    made.generation);
    w.blob = made.blob;
    w.names = made.names;
    w.generation = made.generation;
    ok = ok && store(j, &w, result, e);
    json_decref(made.names);
    return ok;
}

bool secrets_run_generate(struct secrets_job *j, struct err *e) {
    struct remote_row row = {0};
    if (!j->o->name || !j->o->type) {
        err_set(e, ERR_USAGE, "generate needs a name and a type");
        return err_hint(e, "outlayer secrets generate --repo . --name " PROTECTED_PREFIX "TOKEN --type hex32");
    }
    if (strncmp(j->o->name, PROTECTED_PREFIX, strlen(PROTECTED_PREFIX)) != 0)
        return err_set(e, ERR_USAGE, "the name '%s' of a generated secret must begin with " PROTECTED_PREFIX,
                       j->o->name);
    if (strlen(j->o->type) > SECRET_TYPE_MAX)
        return err_set(e, ERR_USAGE, "'%.40s…' is not a type of generated secrets", j->o->type);
    if (!secret_name_check(slice_str(j->o->name), MADE_BY_KEYSTORE, e))
        return false;
    json_t *result;
    bool ok = job_find_row(j, &row, false, e) && regenerate(j, &row, j->o->name, j->o->type, 0, &result, e);
    if (ok)
        job_finish(j, result);
    json_decref(row.access);
    return ok;
}

// The generations of what is stored, and of what the keystore seals with now.
static bool generations(struct secrets_job *j, const struct remote_row *row, uint32_t *old, uint32_t *newest,
                        struct err *e) {
    struct slice blob;
    struct sealing_key key;
    if (!base64_decode(&blob, j->a, slice_str(row->blob), e) || !blob_generation(blob, old, e))
        return err_wrap(e, "what is stored");
    if (!remote_key(&j->remote, &j->scope, &key, e))
        return false;
    *newest = key.generation;
    if (*newest >= *old)
        return true;
    err_set(e, ERR_CONFLICT,
            "the keystore's newest generation is %u, and these secrets are sealed under %u: it has no "
            "newer one, and nothing was sent",
            *newest, *old);
    return err_hint(e, "its operator finds out where the newer generations of master.key are");
}

// Not an error: whoever rotates all rows after a new generation may do so twice.
static json_t *nothing_to_rotate(const struct secrets_job *j, uint32_t generation) {
    job_show_scope(j);
    fprintf(stderr, "rotated     nothing: they are sealed under generation %u, the newest of the keystore\n",
            generation);
    json_t *result = remote_name(&j->scope);
    json_set_u64(result, "generation", generation);
    return result;
}

bool secrets_run_rotate(struct secrets_job *j, struct err *e) {
    struct remote_row row = {0};
    uint32_t old = 0, newest = 0;
    json_t *result = NULL;
    bool ok = job_find_row(j, &row, true, e) && generations(j, &row, &old, &newest, e), needed = ok && newest > old;
    if (ok && needed)
        ok = regenerate(j, &row, NULL, NULL, newest, &result, e);
    else if (ok)
        result = nothing_to_rotate(j, old);
    if (ok) {
        json_object_set_new(result, "rotated", json_boolean(needed));
        job_finish(j, result);
    }
    json_decref(row.access);
    return ok;
}
