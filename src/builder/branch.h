// SPDX-License-Identifier: Apache-2.0
// Which branch of a repository a branch, tag or commit belongs to: secrets may be stored for one branch.
//   a branch is itself, "" and HEAD are the default branch;
//   a tag, a commit of 40 hexadecimal digits or its first 7 or more are the branch that contains the commit: the
//   default branch first, then the one whose tip has the newest committer date.
// Asked of the repository itself, over git's protocol, in a box like a build's: only commits are fetched where the host
// can leave the rest out, and nothing of the repository executes. Commits that only a fork has are in no branch.
#pragma once
#include "builder/build.h"

// s->target is not looked at. w has an end. *branch is in `a`, without "refs/heads/". Any number of threads at once;
// the builder needs no guest_dir for it.
//   ERR_INVALID      repository or ref not acceptable as written, or meaning several things
//   ERR_NOT_FOUND    no such repository, no such ref, or no branch contains it
//   ERR_LIMIT        the repository's history is larger than build_settings.disk_bytes
//   ERR_TIMEOUT, ERR_UNAVAILABLE (host not reached, no isolation here, cancelled) and others: not known now
[[nodiscard]] bool builder_branch(struct builder *b, struct arena *a, const struct build_source *s,
                                  const struct patience *w, const char **branch, struct err *e);
