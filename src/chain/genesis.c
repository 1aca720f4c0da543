// SPDX-License-Identifier: Apache-2.0
#include "chain/genesis.h"

#include "base/file.h"
#include "base/log.h"
#include "codec/json.h"

#define FILE_MAX (16u << 20)
#define CODE_MAX (4u << 20)
#define ROOT "test.near"
#define ROOT_NEAR 1000000000

static bool parse_account(struct chain_genesis_account *out, struct arena *a, const json_t *o, const char *folder,
                          struct err *e) {
    static const char *const known[] = {"account_id", "public_key", "balance", "code", NULL};
    const char *id, *key, *code = NULL;
    struct public_key *keys = arena_calloc(a, 1, sizeof *keys);
    if (!json_is_object(o))
        return err_set(e, ERR_INVALID, "an account must be an object");
    if (!json_only_keys(o, known, e) || !json_get_text(o, "account_id", &id, e) ||
        !json_get_text(o, "public_key", &key, e) || !json_get_u128(o, "balance", &out->balance.v, e) ||
        !json_opt_text(o, "code", &code, e) || !account_id_parse(&out->id, slice_str(id), e) ||
        !public_key_parse(keys, slice_str(key), e))
        return false;
    out->keys = keys;
    out->key_count = 1;
    return !code || file_read(a, arena_printf(a, "%s/%s", folder, code), CODE_MAX, &out->code, e);
}

// One entry an account, and all money together fits.
static bool check_names(const struct genesis *g, struct err *e) {
    u128 total = 0;
    for (size_t i = 0; i < g->account_count; i++) {
        for (size_t j = 0; j < i; j++)
            if (strcmp(g->accounts[i].id.s, g->accounts[j].id.s) == 0)
                return err_set(e, ERR_INVALID, "the account '%s' is there twice", g->accounts[i].id.s);
        if (ckd_add(&total, total, g->accounts[i].balance.v) || total >> 120)
            return err_set(e, ERR_INVALID, "the accounts have more money than can be counted");
    }
    return true;
}

bool genesis_parse(struct genesis *out, struct arena *a, struct slice text, const char *folder, struct err *e) {
    static const char *const known[] = {"chain_id", "accounts", NULL};
    const char *chain_id;
    json_t *list;
    *out = (struct genesis){0};
    SCOPED_JSON(j) = json_parse(text, FILE_MAX, e);
    if (!j || !json_only_keys(j, known, e) || !json_get_text(j, "chain_id", &chain_id, e) ||
        !json_get_array(j, "accounts", &list, e))
        return false;
    size_t n = json_array_size(list);
    if (!n || n > GENESIS_ACCOUNTS_MAX)
        return err_set(e, ERR_INVALID, "a genesis has 1 to %d accounts, not %zu", GENESIS_ACCOUNTS_MAX, n);
    out->chain_id = arena_strdup(a, chain_id);
    out->accounts = arena_calloc(a, n, sizeof *out->accounts);
    out->account_count = n;
    for (size_t i = 0; i < n; i++)
        if (!parse_account(&out->accounts[i], a, json_array_get(list, i), folder, e))
            return err_wrap(e, "account %zu", i);
    return check_names(out, e);
}

bool genesis_read(struct genesis *out, struct arena *a, const char *path, struct err *e) {
    struct slice text;
    if (!file_read(a, path, FILE_MAX, &text, e))
        return false;
    const char *slash = strrchr(path, '/');
    const char *folder = slash ? arena_text(a, slice_of(path, (size_t)(slash - path))) : ".";
    return genesis_parse(out, a, text, folder, e) || err_wrap(e, "genesis '%s'", path);
}

bool genesis_default(struct genesis *out, struct arena *a, const char *home, struct err *e) {
    const char *path = arena_printf(a, "%s/%s.json", home, ROOT);
    struct credentials root = {.account = {ROOT}};
    bool ok = true;
    if (access(path, F_OK) == 0) {
        ok = credentials_read(&root, path, e);
    } else {
        secret_key_generate(&root.secret);
        root.public = secret_key_public(&root.secret);
        ok = credentials_write(&root, path, e);
        if (ok)
            log_info("made account %s, its key is in %s", ROOT, path);
    }
    secret_key_wipe(&root.secret);
    struct public_key *key = arena_alloc(a, sizeof *key);
    *key = root.public;
    out->chain_id = NULL;
    out->accounts = arena_calloc(a, 1, sizeof *out->accounts);
    out->account_count = 1;
    out->accounts[0] = (struct chain_genesis_account){
        .id = root.account, .balance = {ROOT_NEAR * NEAR_ONE}, .keys = key, .key_count = 1};
    return ok;
}
