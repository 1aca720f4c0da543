// SPDX-License-Identifier: Apache-2.0
// Downloads of the public registry, kept by their hash from one build to the next. Nothing that a build made is kept:
// what executes in a build (build scripts, macros) can write whatever the build writes, so that compiled dependencies
// would carry one commit's doing into another's module. A download cannot: it is what its hash says, and the hash is
// looked at when it is kept and when it is used.
#pragma once
#include "builder/job.h"

#define CRATE_CACHE_MOUNT "/crates" // read-only, where a box shows what is kept

// Puts the crates that a lock names, and that are here, where cargo looks before it downloads. The lock is known to be
// cargo's own or the repository's; a crate that is damaged here is left out.
[[nodiscard]] bool crate_cache_lay_out(struct job *j, struct slice lock);
// Keeps those of the lock that have been downloaded. What cannot be kept is no failure.
[[nodiscard]] bool crate_cache_keep(struct job *j, struct slice lock);
