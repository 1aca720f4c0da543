// SPDX-License-Identifier: Apache-2.0
// What a request names, checked before anything is done with it: strangers choose these texts, and they become
// arguments of git. Nothing that could be an option, a local path, another protocol or a login gets through.
#pragma once
#include "base/arena.h"
#include "base/err.h"

#define SOURCE_REPO_MAX 256
#define SOURCE_REF_MAX 200

enum source_target { TARGET_P1, TARGET_P2 };

struct source {
    const char *url;  // https://host/owner/name, without .git and without a slash behind
    const char *name; // host/owner/name
    const char *ref;  // "HEAD", a branch or tag name, "refs/heads/…", "refs/tags/…", or 40 lower-case hex digits
    bool is_commit;   // ref is such digits
    enum source_target target;
};
// repo: https URL, host/owner/name or owner/name (github.com); hosts other than github.com may have deeper paths.
// ref: "" and NULL mean HEAD. Failures are ERR_INVALID with a sentence for the caller.
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
