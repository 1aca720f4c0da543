// SPDX-License-Identifier: Apache-2.0
// `outlayer tee recheck` and `outlayer tee remove`: what becomes of keys after they were registered.
#include "base/file.h"
#include "cli/commands.h"
#include "cli/payer.h"
#include "cli/tee_job.h"
#include "protocol/register.h"
#include <inttypes.h>

#define KEYS_GAS (300 * TGAS) // how many keys a call gets through is up to its gas
#define CALLS_MAX 1000

struct counts {
    uint64_t checked, removed;
    const char *transaction; // the last one
};

static json_t *counted(const struct counts *c, bool checked) {
    json_t *result = json_object();
    if (checked)
        json_set_u64(result, "checked", c->checked);
    json_set_u64(result, "removed", c->removed);
    json_set_text(result, "transaction_hash", c->transaction);
    return result;
}

// One call judges as many keys as its gas is enough for, and says where the next one goes on.
static bool recheck_from(struct tee_job *j, uint64_t from, struct counts *c, uint64_t *next, struct err *e) {
    SCOPED_JSON(args) = json_object();
    SCOPED_JSON(value) = NULL;
    uint64_t checked, removed;
    json_set_u64(args, "from_index", from);
    const struct registry_call call = {.method = METHOD_RECHECK_KEYS, .args = args, .gas = {KEYS_GAS}};
    *next = UINT64_MAX;
    if (!registry_send(&j->registry, j->a, &call, &c->transaction, &value, e) ||
        !json_get_u64(value, "checked", &checked, e) || !json_get_u64(value, "removed", &removed, e) ||
        !json_opt_u64(value, "next", next, e))
        return false;
    c->checked += checked;
    c->removed += removed;
    return true;
}

bool tee_run_recheck(struct tee_job *j, struct err *e) {
    struct counts c = {0};
    uint64_t from = 0;
    if (!tee_open_register(j, e) || !tee_open_payer(j, NULL, e))
        return false;
    for (int i = 0; i < CALLS_MAX && from != UINT64_MAX; i++)
        if (!recheck_from(j, from, &c, &from, e))
            return false;
    if (!j->o->json)
        printf("judged        %" PRIu64 " by today's collateral, removed %" PRIu64 "\n", c.checked, c.removed);
    tee_finish(j, counted(&c, true));
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
    struct counts c = {0};
    struct public_key key;
    SCOPED_JSON(args) = json_object();
    SCOPED_JSON(value) = NULL;
    if (!tee_open_register(j, e) || !which_key(j, &key, e) ||
        !tee_open_payer(j, j->o->from || payer_is_set() ? NULL : j->config.owner, e))
        return false;
    const char *text = public_key_text(j->a, &key);
    json_object_set_new(args, "public_keys", json_pack("[s]", text));
    const struct registry_call call = {.method = METHOD_REMOVE_WORKER_KEYS, .args = args, .gas = {KEYS_GAS}};
    if (!registry_send(&j->registry, j->a, &call, &c.transaction, &value, e) ||
        !json_get_u64(value, "removed", &c.removed, e))
        return false;
    if (!j->o->json)
        printf("%-13s %s%s\n", c.removed ? "removed" : "not there", text, c.removed ? ": it never comes back" : "");
    tee_finish(j, counted(&c, false));
    return true;
}
