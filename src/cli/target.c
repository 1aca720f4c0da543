// SPDX-License-Identifier: Apache-2.0
#include "cli/target.h"

#include "base/file.h"
#include "base/settings.h"
#include "base/text.h"
#include <signal.h>

#define SESSION_MAX 65536

// What is known of the public networks; a devnet has no address of its own.
static const struct {
    const char *network, *rpc_url, *contract;
} presets[] = {
    {"testnet", "https://rpc.testnet.near.org", "outlayer.testnet"},
    {"mainnet", "https://rpc.mainnet.near.org", "outlayer.near"},
};

static const char *session_path(const char *home, struct arena *a) { return arena_printf(a, "%s/" SESSION_FILE, home); }

bool session_write(const char *home, const json_t *session, struct arena *a, struct err *e) {
    return file_write_atomic(session_path(home, a), slice_str(json_text(a, session)), 0600, e);
}

void session_remove(const char *home, struct arena *a) { unlink(session_path(home, a)); }

// The session of a running `up`; one left by a killed process does not count.
static json_t *session_read(const char *home, struct arena *a) {
    struct slice text;
    uint64_t pid;
    if (!file_read_secret(a, session_path(home, a), SESSION_MAX, &text, NULL))
        return NULL;
    json_t *j = json_parse(text, SESSION_MAX, NULL);
    if (j && json_get_u64(j, "pid", &pid, NULL) && pid <= INT32_MAX && kill((pid_t)pid, 0) == 0)
        return j;
    json_decref(j);
    return NULL;
}

static const char *first(const char *a, const char *b, const char *c, const char *d) {
    const char *all[] = {a, b, c, d};
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        if (all[i] && all[i][0])
            return all[i];
    return NULL;
}

static const char *of_session(const struct target *t, const char *key) {
    return t->session ? json_string_value(json_object_get(t->session, key)) : NULL;
}

static bool nothing_runs(const struct target *t, const char *what, struct err *e) {
    err_set(e, ERR_SETTINGS, "no %s for network '%s'", what, t->network);
    return strcmp(t->network, "devnet") == 0
               ? err_hint(e,
                          "start `outlayer up` in another terminal and wait until it shows its addresses, or name the "
                          "deployment (--help)")
               : err_hint(e, "give it as an option or in the environment (--help)");
}

bool target_find(struct target *out, struct arena *a, const struct target_options *o, struct err *e) {
    *out = (struct target){.credentials = o->credentials};
    out->network = first(o->network, getenv("OUTLAYER_NETWORK"), "devnet", NULL);
    const char *rpc = NULL, *contract = NULL;
    for (size_t i = 0; i < ARRAY_LEN(presets); i++) {
        if (strcmp(presets[i].network, out->network) == 0) {
            rpc = presets[i].rpc_url;
            contract = presets[i].contract;
        }
    }
    if (!settings_home(first(getenv("OUTLAYER_HOME"), NULL, NULL, NULL), out->network, a, &out->home, e))
        return false;
    if (strcmp(out->network, "devnet") == 0)
        out->session = session_read(out->home, a);
    out->rpc_url = first(o->rpc_url, getenv("NEAR_RPC_URL"), of_session(out, "rpc_url"), rpc);
    out->coordinator_url = first(o->coordinator_url, getenv("API_BASE_URL"), of_session(out, "coordinator_url"), NULL);
    out->contract = first(o->contract, getenv("OFFCHAINVM_CONTRACT_ID"), of_session(out, "contract_id"), contract);
    bool ok = out->rpc_url ? out->contract || nothing_runs(out, "contract", e) : nothing_runs(out, "RPC address", e);
    if (!ok)
        target_release(out);
    return ok;
}

void target_release(struct target *t) {
    json_decref(t->session);
    t->session = NULL;
}

static bool from_session(const json_t *account, struct credentials *out, struct err *e) {
    const char *id, *key;
    if (!json_get_text(account, "account_id", &id, e) || !json_get_text(account, "private_key", &key, e) ||
        !account_id_parse(&out->account, slice_str(id), e) || !secret_key_parse(&out->secret, slice_str(key), e))
        return err_wrap(e, "the session's account");
    out->public = secret_key_public(&out->secret);
    return true;
}

bool target_credentials(const struct target *t, struct arena *a, const char *account, struct credentials *out,
                        struct err *e) {
    size_t i;
    json_t *one;
    json_array_foreach(t->session ? json_object_get(t->session, "accounts") : NULL, i, one) {
        const char *id = json_string_value(json_object_get(one, "account_id"));
        if (!t->credentials && id && (!account || strcmp(id, account) == 0))
            return from_session(one, out, e);
    }
    if (t->credentials) {
        if (!credentials_read(out, t->credentials, e))
            return false;
        if (account && strcmp(out->account.s, account) != 0)
            return err_set(e, ERR_USAGE, "key file '%s' is of account '%s', not '%s'", t->credentials, out->account.s,
                           account);
        return true;
    }
    const char *user = getenv("HOME");
    if (!account || !user) {
        err_set(e, ERR_USAGE, "no account to send from");
        return err_hint(e, "give --from ACCOUNT (key in ~/.near-credentials) or --credentials FILE");
    }
    const char *path = arena_printf(a, "%s/.near-credentials/%s/%s.json", user, t->network, account);
    if (!credentials_read(out, path, e)) {
        err_wrap(e, "no key for account '%s'", account);
        return err_hint(e, "log in with near-cli, or give --credentials FILE");
    }
    return true;
}
