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
