// SPDX-License-Identifier: Apache-2.0
// A folder of this machine, built here as a worker would build it: by the same builder, in the same system, without
// network. One user at a time.
#pragma once
#include "base/arena.h"
#include "builder/build.h"
#include "cli/repo.h"

struct folder_builder;
// folder: as `--repo` takes it, perhaps with //FOLDER of it behind. The egress is kept; it is the way to the crates
// that a Cargo package needs.
[[nodiscard]] bool folder_builder_new(struct folder_builder **out, const char *folder, const char *target,
                                      struct egress *egress, struct err *e);
void folder_builder_free(struct folder_builder *b); // NULL is fine
// The folder as it is at this moment: its files are taken into the mirror, and *out names their commit, which stays
// until the next look.
[[nodiscard]] bool folder_builder_look(struct folder_builder *b, struct arena *a, struct repo_ref *out, struct err *e);
// Builds what folder_builder_look named, for at most as long as a request can pay for. A build that failed is a
// result. ERR_UNAVAILABLE within a second once *cancel is true; NULL: nobody cancels.
[[nodiscard]] bool folder_builder_build(struct folder_builder *b, struct arena *a, const struct repo_ref *at,
                                        const atomic_bool *cancel, struct build_result *out, struct err *e);
