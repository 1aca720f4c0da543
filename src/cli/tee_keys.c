// SPDX-License-Identifier: Apache-2.0
// `outlayer tee recheck` and `outlayer tee remove`: what becomes of keys after they were registered.
#include "base/file.h"
#include "cli/commands.h"
#include "cli/payer.h"
#include "cli/tee_job.h"
#include "protocol/register.h"
#include "tee/key_walk.h"
#include <inttypes.h>

#define REMOVE_GAS (300 * TGAS)

static json_t *counted(uint64_t removed, const char *transaction) {
    json_t *result = json_object();
    json_set_u64(result, "removed", removed);
    json_set_text(result, "transaction_hash", transaction);
    return result;
}

bool tee_run_recheck(struct tee_job *j, struct err *e) {
    struct key_walk w;
    if (!tee_open_register(j, e) || !tee_open_payer(j, NULL, e) ||
        !key_walk_run(&w, &j->registry, j->a, METHOD_RECHECK_KEYS, NULL, e))
        return false;
    if (!j->o->json)
        printf("judged        %" PRIu64 " by today's collateral, removed %" PRIu64 "\n", w.checked, w.removed);
    json_t *result = counted(w.removed, w.transaction);
    json_set_u64(result, "checked", w.checked);
    tee_finish(j, result);
    return true;
}

// The key that is named, else this machine's.
static bool which_key(struct tee_job *j, struct public_key *out, struct err *e) {
    struct credentials own;
    if (j->o->file)
        return public_key_parse(out, slice_str(j->o->file), e);
    bool ok = credentials_read(&own, j->key_path, e);
    *out = own.public;
    secret_key_wipe(&own.secret);
    return ok || err_hint(e, "outlayer tee remove ed25519:… removes another one");
}

bool tee_run_remove(struct tee_job *j, struct err *e) {
    const char *transaction;
    uint64_t removed;
    struct public_key key;
    SCOPED_JSON(args) = json_object();
    SCOPED_JSON(value) = NULL;
    if (!tee_open_register(j, e) || !which_key(j, &key, e) ||
        !tee_open_payer(j, j->o->from || payer_is_set() ? NULL : j->config.owner, e))
        return false;
    const char *text = public_key_text(j->a, &key);
    json_object_set_new(args, "public_keys", json_pack("[s]", text));
    const struct registry_call call = {.method = METHOD_REMOVE_WORKER_KEYS, .args = args, .gas = {REMOVE_GAS}};
    if (!registry_send(&j->registry, j->a, &call, &transaction, &value, e) ||
        !json_get_u64(value, "removed", &removed, e))
        return false;
    if (!j->o->json)
        printf("%-13s %s%s\n", removed ? "removed" : "not there", text, removed ? ": it never comes back" : "");
    tee_finish(j, counted(removed, transaction));
    return true;
}
