// SPDX-License-Identifier: Apache-2.0
#include "secrets/scope.h"

#include "base/buf.h"
#include "codec/borsh.h"
#include "repo/ref.h"
#include "repo/repo.h"
#include "secrets/record.h"

#define BLOB_VERSION 1
#define BLOB_HEAD 5 // version and generation
#define RECORD_MAX 2048

static bool check_repo(const struct scope *s, struct arena *a, struct err *e) {
    const char *normal;
    if (!repo_name(&normal, a, s->repo, e))
        return false;
    return strcmp(normal, s->repo) == 0 ||
           err_set(e, ERR_INVALID, "the repository '%s' is not in its normal form '%s'", s->repo, normal);
}

static bool is_profile(const char *s) {
    size_t n = strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");
    return n > 0 && n <= PROFILE_MAX && !s[n];
}

static bool is_branch(const char *s) {
    size_t n = strlen(s);
    return n <= BRANCH_MAX && ref_name_ok(s);
}

bool scope_check(const struct scope *s, struct err *e) {
    SCOPED_ARENA(a);
    if (!account_id_valid(slice_str(s->owner)))
        return err_set(e, ERR_INVALID, "the owner '%.80s' is not an account id", s->owner);
    if (!account_id_valid(slice_str(s->contract)))
        return err_set(e, ERR_INVALID, "the contract '%.80s' is not an account id", s->contract);
    if (s->branch && !is_branch(s->branch))
        return err_set(e, ERR_INVALID, "a branch has 1 to %d bytes of UTF-8, as git takes them", BRANCH_MAX);
    if (s->profile && !is_profile(s->profile))
        return err_set(e, ERR_INVALID, "a profile has 1 to %d letters, digits, dashes and underscores", PROFILE_MAX);
    return check_repo(s, a, e);
}

static struct slice info_of(struct arena *a, const struct scope *s, uint32_t generation) {
    SCOPED_BUF(b, RECORD_MAX);
    borsh_put_text(&b, "outlayer-secrets-v1");
    record_put_scope(&b, s);
    borsh_put_text(&b, s->profile);
    borsh_put_u32(&b, generation);
    BUG_ON(b.full); // scope_check bounds every part
    return arena_copy(a, buf_slice(&b));
}

bool blob_seal(struct arena *a, const struct scope *s, uint32_t generation, const uint8_t public[static HPKE_KEY],
               struct slice plain, struct slice *blob, struct err *e) {
    struct slice sealed;
    BUG_ON(!s->profile);
    if (!scope_check(s, e))
        return false;
    if (plain.len > BLOB_MAX - HPKE_OVERHEAD - BLOB_HEAD)
        return err_set(e, ERR_TOO_LARGE, "the secrets have %zu bytes; a blob has at most %u", plain.len, BLOB_MAX);
    if (!hpke_seal(a, public, info_of(a, s, generation), plain, &sealed, e))
        return false;
    SCOPED_BUF(b, BLOB_MAX);
    borsh_put_u8(&b, BLOB_VERSION);
    borsh_put_u32(&b, generation);
    buf_add_slice(&b, sealed);
    *blob = arena_copy(a, buf_slice(&b));
    return true;
}

bool blob_generation(struct slice blob, uint32_t *generation, struct err *e) {
    struct borsh r = {.left = blob};
    uint8_t version = borsh_u8(&r);
    *generation = borsh_u32(&r);
    if (r.bad || r.left.len < HPKE_OVERHEAD || blob.len > BLOB_MAX)
        return err_set(e, ERR_INVALID, "%zu bytes are not sealed secrets: too short or too long", blob.len);
    if (version != BLOB_VERSION)
        return err_set(e, ERR_INVALID, "the secrets are sealed in a way this program does not know (version %u)",
                       version);
    return true;
}

bool blob_open(struct arena *a, const struct scope *s, const struct hpke_pair *pair, struct slice blob,
               struct slice *plain, struct err *e) {
    uint32_t generation;
    BUG_ON(!s->profile);
    return scope_check(s, e) && blob_generation(blob, &generation, e) &&
           hpke_open(a, pair, info_of(a, s, generation), slice_skip(blob, BLOB_HEAD), plain, e);
}
