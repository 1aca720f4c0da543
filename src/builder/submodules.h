// SPDX-License-Identifier: Apache-2.0
// What a commit only points to, so that nothing is built with a part of it missing. Submodules are fetched at the
// commits that are pinned, as deep as they go; a file that stands for one of Git LFS ends the job. Where the job has a
// folder, only what is in it counts.
#pragma once
#include "builder/git.h"

// After the checkout of the job's commit to JOB_SRC, while GIT_DIR is there.
[[nodiscard]] bool fetch_submodules(struct job *j);
