// SPDX-License-Identifier: Apache-2.0
// What a request names, checked before anything is done with it (repo/repo.h, repo/ref.h).
#pragma once
#include "repo/ref.h"
#include "repo/repo.h"

enum source_target { TARGET_P1, TARGET_P2 };

struct source {
    const char *url, *name, *folder, *place; // as in struct repo
    const char *ref;                         // as in struct ref
    bool is_commit, is_whole;
    enum source_target target;
};
// Failures are ERR_INVALID with a sentence for the caller.
[[nodiscard]] bool source_parse(struct source *out, struct arena *a, const char *repo, const char *ref,
                                const char *target, struct err *e);
const char *source_target_text(enum source_target t); // "wasm32-wasip1", "wasm32-wasip2"

// Local repositories that stand for names: "host/owner/name=DIR" for one, "host=DIR" for DIR/owner/name[.git] of all;
// several are separated by commas.
struct source_map {
    struct source_mapping {
        const char *name, *dir;
    } * entries;
    size_t count;
};
[[nodiscard]] bool source_map_parse(struct source_map *out, struct arena *a, const char *text, struct err *e);
// The folder that stands for host/owner/name, NULL when the name is not local. The folder need not be there.
const char *source_map_find(const struct source_map *m, struct arena *a, const char *name);
