// SPDX-License-Identifier: Apache-2.0
// The branch that a request's code is of: secrets may be stored for one. It is that of the commit which was built, not
// of what the request's ref names by now: a tag may be moved meanwhile, to get a branch's secrets for other code. Found
// in the repository itself, never taken from the coordinator's word, and kept for a while. Safe for several threads.
#pragma once
#include "builder/build.h"
#include "near/rpc.h"
#include "worker/lease.h"

struct branches;
[[nodiscard]] bool branches_new(struct branches **out, struct builder *builder, struct rpc *rpc,
                                const char *contract_id, struct err *e); // contract_id is kept
void branches_free(struct branches *b);                                  // NULL is fine

// built: as builder_resolve filled it in. *branch is in `a`; NULL where the request's secrets are not stored for single
// branches, so that none is needed, and where the repository says that there is none (*e tells why then; the keystore
// decides what is served without one). false: not known now. *asked_ms: how long the repository was asked.
[[nodiscard]] bool branches_find(struct branches *b, struct arena *a, const struct task *t,
                                 const struct build_result *built, const struct patience *w, const char **branch,
                                 uint64_t *asked_ms, struct err *e);

// --- what is kept, for tests: the place of the least recently used is taken when all are
#define BRANCHES_MAX 256
#define BRANCHES_FRESH_MS 600000 // commits move between branches
void branches_keep(struct branches *b, const char *repo, const char *commit, const char *branch, uint64_t now_ms);
// In `a`; NULL: not kept, or not fresh any more.
const char *branches_kept(struct branches *b, struct arena *a, const char *repo, const char *commit, uint64_t now_ms);
