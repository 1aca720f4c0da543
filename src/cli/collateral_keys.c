// SPDX-License-Identifier: Apache-2.0
#include "cli/collateral_keys.h"

#include "base/buf.h"
#include "base/file.h"
#include "base/text.h"
#include "collateral/moment.h"
#include "crypto/hash.h"
#include "protocol/register.h"
#include "tee/key_walk.h"
#include <inttypes.h>

#define MEMORY_MAX 256
#define ROW_MAX 160

// What is remembered of the last time, in a file beside the collateral: by which collateral all keys were judged, and
// when. So a run that was killed between a push and the judging makes up for it, and a timer's runs know of each other.
struct memory {
    const char *path;
    const char *by; // hash of what was in force; "": they were never judged
    uint64_t at;
};

static const char *in_force(const struct kept_parts *k, struct arena *a) {
    SCOPED_BUF(all, KEPT_MAX * ROW_MAX);
    char hex[65];
    for (size_t i = 0; i < k->count; i++)
        if (k->at[i].until)
            buf_printf(&all, "%s %s %" PRIu64 " %" PRIu64 "\n", collateral_part_name(k->at[i].part), k->at[i].id,
                       k->at[i].number, k->at[i].issued);
    struct hash h = sha256(buf_slice(&all));
    return arena_strdup(a, hash_hex(&h, hex));
}

// What cannot be read is as good as nothing: then they are judged once more.
static bool remember(struct memory *m, struct collateral_chain *c, struct collateral_job *j, struct err *e) {
    const char *folder;
    struct slice text, at;
    struct err none;
    if (!job_folder(j, &folder, e) || !file_make_dirs(folder, 0755, e))
        return false;
    *m = (struct memory){.path = arena_printf(j->a, "%s/%s.judged", folder, c->target.contract), .by = ""};
    if (!file_read(j->a, m->path, MEMORY_MAX, &text, &none) || text.len < 66)
        return true;
    at = slice_of(text.ptr + 65, text.len - 66);
    if (text_u64(at, &m->at))
        m->by = arena_text(j->a, slice_of(text.ptr, 64));
    return true;
}

static bool keep(const struct memory *m, struct arena *a, const char *by, uint64_t now, struct err *e) {
    return file_write_atomic(m->path, slice_str(arena_printf(a, "%s %" PRIu64 "\n", by, now)), 0644, e);
}

static void say_sent(void *ctx, const char *method, const char *hash) {
    (void)ctx;
    fprintf(stderr, "transaction %s (%s)\n", hash, method);
}

static bool walk(const struct registry *r, struct collateral_job *j, bool judges, struct err *e) {
    struct key_walk w;
    if (!key_walk_run(&w, r, j->a, judges ? METHOD_RECHECK_KEYS : METHOD_REMOVE_EXPIRED, j->cancel, e))
        return false;
    if (judges)
        printf("judged      %" PRIu64 " keys by the collateral on chain, removed %" PRIu64 "\n", w.checked, w.removed);
    else
        printf("expired     %" PRIu64 " keys were removed\n", w.removed);
    return true;
}

bool keys_upkeep(struct collateral_chain *c, struct collateral_job *j, const struct kept_parts *kept, bool pays,
                 struct err *e) {
    struct registry r = {.rpc = c->remote.rpc, .payer = pays ? &c->from : NULL, .sent = say_sent};
    struct key_census keys;
    struct memory m;
    if (!account_id_parse(&r.account, slice_str(c->target.contract), e) || !key_census_take(&keys, &r, j->a, e) ||
        !remember(&m, c, j, e))
        return false;
    const char *by = in_force(kept, j->a);
    bool judges =
        keys.all && (strcmp(m.by, by) != 0 || keys.unapproved || (keys.failing && j->attest.now >= m.at + DAY_S));
    if (!judges && !keys.expired)
        return true;
    if (!pays) {
        fprintf(stderr, "note        keys are to be judged again, or have expired; give --from to have that done\n");
        return true;
    }
    return walk(&r, j, judges, e) && (!judges || keep(&m, j->a, by, j->attest.now, e));
}
