// SPDX-License-Identifier: Apache-2.0
#include "worker/journal.h"

#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "codec/hex.h"
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>

#define FILE_MAX (4u << 20)
#define ENTRIES_MAX 4096

bool journal_open(struct arena *a, const char *home, const char **dir, struct err *e) {
    *dir = arena_printf(a, "%s/pending", home);
    return file_make_dirs(*dir, 0700, e);
}

// The request first, for people who look for it.
static char *path_of(const char *dir, struct arena *a, const char *contract_id, uint64_t request_id) {
    return arena_printf(a, "%s/%" PRIu64 ".%s", dir, request_id, contract_id);
}

bool journal_write(const char *dir, struct arena *a, const struct journal_entry *n, struct err *e) {
    char hex[65];
    SCOPED_JSON(j) = json_object();
    json_set_u64(j, "version", 1);
    json_set_text(j, "contract_id", n->contract_id);
    json_set_u64(j, "request_id", n->request_id);
    json_set_text(j, "data_id", hash_hex(&n->data_id, hex));
    json_set_text(j, "token", n->token);
    json_set_text(j, "signer_id", n->signer_id);
    json_set_text(j, "public_key", n->public_key);
    json_set_text(j, "sender_id", n->sender_id);
    json_set_text(j, "repo", n->repo);
    json_set_text(j, "ref", n->ref);
    json_set_text(j, "target", n->target);
    json_set_text(j, "request_transaction", n->request_transaction);
    json_set_text(j, "request_signer", n->request_signer);
    if (n->has_height)
        json_set_u64(j, "block_height", n->block_height);
    json_set_text(j, "transaction_hash", n->hash);
    json_set_u64(j, "nonce", n->nonce);
    json_set_text(j, "transaction", base64_text(a, n->bytes));
    json_object_set(j, "report", (json_t *)(uintptr_t)n->report);
    return file_write_unsynced(path_of(dir, a, n->contract_id, n->request_id), slice_str(json_text(a, j)), 0600, e) ||
           err_wrap(e, "journal");
}

void journal_remove(const char *dir, struct arena *a, const char *contract_id, uint64_t request_id) {
    const char *path = path_of(dir, a, contract_id, request_id);
    if (unlink(path) != 0 && errno != ENOENT)
        log_warn("cannot remove '%s': %s", path, strerror(errno));
}

bool journal_has(const char *dir, struct arena *a, const char *contract_id, uint64_t request_id) {
    return access(path_of(dir, a, contract_id, request_id), F_OK) == 0;
}

static bool keep(const json_t *j, const char *key, struct arena *a, bool required, const char **out, struct err *e) {
    const char *text = NULL;
    if (required ? !json_get_text(j, key, &text, e) : !json_opt_text(j, key, &text, e))
        return false;
    *out = text ? arena_strdup(a, text) : NULL;
    return true;
}

static bool take(const json_t *j, struct arena *a, struct journal_entry *out, struct err *e) {
    const char *hash, *bytes, *data_id;
    uint64_t version;
    out->has_height = json_object_get(j, "block_height");
    if (!json_get_u64(j, "version", &version, e))
        return false;
    if (version != 1)
        return err_set(e, ERR_CORRUPT, "version %" PRIu64 " is not known here", version);
    if (!keep(j, "contract_id", a, true, &out->contract_id, e) || !json_get_u64(j, "request_id", &out->request_id, e) ||
        !json_get_text(j, "data_id", &data_id, e) || !hash_from_hex(&out->data_id, slice_str(data_id), e) ||
        !keep(j, "token", a, true, &out->token, e) || !keep(j, "signer_id", a, true, &out->signer_id, e) ||
        !keep(j, "public_key", a, true, &out->public_key, e) || !keep(j, "sender_id", a, true, &out->sender_id, e) ||
        !keep(j, "repo", a, false, &out->repo, e) || !keep(j, "ref", a, false, &out->ref, e) ||
        !keep(j, "target", a, false, &out->target, e) ||
        !keep(j, "request_transaction", a, false, &out->request_transaction, e) ||
        !keep(j, "request_signer", a, false, &out->request_signer, e) ||
        !json_opt_u64(j, "block_height", &out->block_height, e) || !json_get_text(j, "transaction_hash", &hash, e) ||
        !json_get_u64(j, "nonce", &out->nonce, e) || !json_get_text(j, "transaction", &bytes, e) ||
        !base64_decode(&out->bytes, a, slice_str(bytes), e))
        return false;
    return text_copy(out->hash, sizeof out->hash, slice_str(hash)) ||
           err_set(e, ERR_CORRUPT, "field 'transaction_hash' is too long");
}

bool journal_parse(struct journal_entry *out, json_t **report, struct arena *a, struct slice text, struct err *e) {
    *out = (struct journal_entry){0};
    *report = NULL;
    SCOPED_JSON(j) = json_parse(text, FILE_MAX, e);
    json_t *r;
    if (!j || !take(j, a, out, e) || !json_get_object(j, "report", &r, e))
        return false;
    *report = json_incref(r);
    out->report = r;
    return true;
}

bool journal_read(struct journal_entry *out, json_t **report, struct arena *a, const char *path, struct err *e) {
    struct slice text;
    *report = NULL;
    return file_read(a, path, FILE_MAX, &text, e) &&
           (journal_parse(out, report, a, text, e) || err_wrap(e, "journal '%s'", path));
}

bool journal_list(const char *dir, struct arena *a, const char ***paths, size_t *count, struct err *e) {
    DIR *d = opendir(dir);
    if (!d)
        return err_errno(e, "cannot read '%s'", dir);
    *paths = arena_calloc(a, ENTRIES_MAX, sizeof **paths);
    *count = 0;
    for (struct dirent *one; (one = readdir(d)) && *count < ENTRIES_MAX;)
        if (one->d_name[0] >= '0' && one->d_name[0] <= '9' && !strstr(one->d_name, ".tmp"))
            (*paths)[(*count)++] = arena_printf(a, "%s/%s", dir, one->d_name);
    closedir(d);
    return true;
}
