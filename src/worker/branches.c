// SPDX-License-Identifier: Apache-2.0
#include "worker/branches.h"

#include "base/clock.h"
#include "base/log.h"
#include "builder/branch.h"
#include "codec/json.h"
#include "repo/repo.h"
#include <pthread.h>

struct kept {
    struct hash key; // of repository and commit
    char *branch;    // NULL: free
    uint64_t found_ms, used;
};

struct branches {
    struct builder *builder;
    struct rpc *rpc;
    const char *contract_id;
    pthread_mutex_t lock; // guards what follows
    struct kept kept[BRANCHES_MAX];
    uint64_t uses;
};

bool branches_new(struct branches **out, struct builder *builder, struct rpc *rpc, const char *contract_id,
                  struct err *e) {
    (void)e;
    struct branches *b = xcalloc(1, sizeof *b);
    b->builder = builder;
    b->rpc = rpc;
    b->contract_id = contract_id;
    pthread_mutex_init(&b->lock, NULL);
    *out = b;
    return true;
}

void branches_free(struct branches *b) {
    if (!b)
        return;
    for (size_t i = 0; i < BRANCHES_MAX; i++)
        free(b->kept[i].branch);
    pthread_mutex_destroy(&b->lock);
    free(b);
}

// --- what is kept

static struct hash key_of(const char *repo, const char *commit) {
    struct sha256 s;
    sha256_init(&s);
    sha256_add(&s, slice_of(repo, strlen(repo) + 1));
    sha256_add(&s, slice_str(commit));
    return sha256_end(&s);
}

// With the lock held: its place, or the one to be taken for it.
static struct kept *place_of(struct branches *b, const struct hash *key) {
    struct kept *oldest = &b->kept[0];
    for (struct kept *k = b->kept; k < b->kept + BRANCHES_MAX; k++) {
        if (k->branch && hash_eq(&k->key, key))
            return k;
        if (k->used < oldest->used)
            oldest = k;
    }
    return oldest;
}

void branches_keep(struct branches *b, const char *repo, const char *commit, const char *branch, uint64_t now_ms) {
    struct hash key = key_of(repo, commit);
    pthread_mutex_lock(&b->lock);
    struct kept *k = place_of(b, &key);
    free(k->branch);
    *k = (struct kept){key, xstrdup(branch), now_ms, ++b->uses};
    pthread_mutex_unlock(&b->lock);
}

const char *branches_kept(struct branches *b, struct arena *a, const char *repo, const char *commit, uint64_t now_ms) {
    struct hash key = key_of(repo, commit);
    const char *branch = NULL;
    pthread_mutex_lock(&b->lock);
    struct kept *k = place_of(b, &key);
    if (k->branch && hash_eq(&k->key, &key) && now_ms - k->found_ms < BRANCHES_FRESH_MS) {
        branch = arena_strdup(a, k->branch);
        k->used = ++b->uses;
    }
    pthread_mutex_unlock(&b->lock);
    return branch;
}

// --- finding

// Most secrets are stored for any branch: then no repository has to be asked. The keystore looks at the same.
static bool is_needed(struct branches *b, struct arena *a, const struct task *t) {
    const char *repo;
    struct err e;
    if (!repo_name(&repo, a, t->repo, &e))
        return false; // the keystore says what is wrong with it
    SCOPED_JSON(args) =
        json_pack("{s:s,s:s,s:s}", "repo", repo, "profile", t->secrets.profile, "owner", t->secrets.account_id);
    SCOPED_JSON(count) = rpc_view_json(b->rpc, a, b->contract_id, VIEW_SECRET_BRANCHES, args, &e);
    return !json_is_integer(count) || json_integer_value(count) > 0;
}

bool branches_find(struct branches *b, struct arena *a, const struct task *t, const struct build_result *built,
                   const struct patience *w, const char **branch, uint64_t *asked_ms, struct err *e) {
    const struct build_source source = {.repo = t->repo, .ref = built->commit, .target = t->target};
    *branch = NULL;
    *asked_ms = 0;
    if (!is_needed(b, a, t) || (*branch = built->branch) ||
        (*branch = branches_kept(b, a, t->repo, built->commit, clock_mono_ms())))
        return true;
    uint64_t start = clock_mono_ms();
    bool ok = builder_branch(b->builder, a, &source, w, branch, e);
    *asked_ms = clock_mono_ms() - start + 1; // begun milliseconds
    if (ok) {
        branches_keep(b, t->repo, built->commit, *branch, clock_mono_ms());
        return true;
    }
    *branch = NULL;
    log_err(LOG_WARN, "branch", e);
    return e->code == ERR_INVALID || e->code == ERR_NOT_FOUND || e->code == ERR_LIMIT;
}
