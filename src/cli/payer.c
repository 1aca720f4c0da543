// SPDX-License-Identifier: Apache-2.0
#include "cli/payer.h"

#include "base/settings.h"

static const char *variable(const char *name) {
    const char *value = getenv(name);
    return value && value[0] ? value : NULL;
}

bool payer_is_set(void) { return variable("INIT_ACCOUNT_ID") != NULL; }

static bool init_account(struct credentials *out, struct arena *a, const char *account, struct err *e) {
    const char *key;
    if (!settings_secret(a, "INIT_ACCOUNT_PRIVATE_KEY", &key, e))
        return false;
    if (!key)
        return err_set(e, ERR_SETTINGS, "INIT_ACCOUNT_ID is set, and INIT_ACCOUNT_PRIVATE_KEY is not");
    if (!account_id_parse(&out->account, slice_str(account), e) ||
        !secret_key_parse(&out->secret, slice_of(key, strcspn(key, "\r\n")), e))
        return err_wrap(e, "INIT_ACCOUNT_ID and its key");
    out->public = secret_key_public(&out->secret);
    return true;
}

// The keys of a devnet's own accounts are in its home.
static const char *session_key(const struct target *t, struct arena *a, const char *account) {
    static const char *const files[] = {"owner", "operator"};
    for (size_t i = 0; t->session && i < ARRAY_LEN(files); i++) {
        struct credentials c;
        const char *path = arena_printf(a, "%s/keys/%s.json", t->home, files[i]);
        bool same = credentials_read(&c, path, NULL) && strcmp(c.account.s, account) == 0;
        secret_key_wipe(&c.secret);
        if (same)
            return path;
    }
    return NULL;
}

bool payer_find(const struct target *t, struct arena *a, const char *account, struct credentials *out, struct err *e) {
    const char *init = variable("INIT_ACCOUNT_ID");
    if (init && !t->credentials && (!account || strcmp(account, init) == 0))
        return init_account(out, a, init, e);
    struct target with = *t;
    if (account && !with.credentials)
        with.credentials = session_key(t, a, account);
    return target_credentials(&with, a, account, out, e);
}
