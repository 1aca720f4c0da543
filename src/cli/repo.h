// SPDX-License-Identifier: Apache-2.0
// `--repo FOLDER`: a folder of this machine as a repository that a worker of this machine can fetch. Its commits are
// kept in bare repositories below HOME/repos, which the worker maps to https://folder.invalid/… (REPO_MAP): a name that
// no other machine can resolve.
#pragma once
#include "base/arena.h"
#include "base/err.h"

#define REPO_LOCAL_HOST "folder.invalid"

struct repo_ref {
    const char *repo;   // as it stands on chain
    const char *commit; // branch, tag or commit as it stands on chain
    bool local;
};

// `given` that is an existing folder, perhaps with //FOLDER of it behind, becomes a local repository: the clean root of
// a git repository is its HEAD, anything else a snapshot of the folder's files (.gitignore obeyed) whose commit depends
// on their content only. The name depends on the folder's real path only. Anything else is passed on as it is, `ref`
// ("main" when NULL) too, once it is known that it can be one (docs/repositories.md) and, where its host can be asked
// from here, that the repository has the ref.
[[nodiscard]] bool repo_prepare(struct arena *a, const char *home, const char *given, const char *ref,
                                struct repo_ref *out, struct err *e);
// The same for what belongs to the repository whatever its branches are: no host is asked.
[[nodiscard]] bool repo_locate(struct arena *a, const char *home, const char *given, struct repo_ref *out,
                               struct err *e);

// Who builds a folder here, at each change: of what repo_take took into the folder's repository for it, only the last
// stays. It is one folder's. Commits that nobody needs any more go an hour later; those of repo_prepare, which may
// stand on a chain, stay.
struct repo_taker {
    int lock;        // on its branch; -1: it has none yet
    unsigned number; // of the branch
};
#define REPO_TAKER_NONE                                                                                                \
    { -1, 0 }
// Takes the folder as it is now, as repo_prepare does. ERR_USAGE where it is none.
[[nodiscard]] bool repo_take(struct repo_taker *t, struct arena *a, const char *home, const char *folder,
                             struct repo_ref *out, struct err *e);
void repo_taker_end(struct repo_taker *t);
