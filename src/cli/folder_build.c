// SPDX-License-Identifier: Apache-2.0
#include "cli/folder_build.h"

#include "base/clock.h"
#include "base/file.h"
#include "cli/commands.h"
#include "protocol/contract.h"

struct folder_builder {
    struct arena *arena;
    struct builder *builder;
    const char *folder, *target, *home;
    struct repo_taker taker;
};

// As the worker's setting of the same name.
static const char *guest_dir(struct arena *a) {
    const char *set = getenv("TOOLCHAIN_DIR");
    return set && set[0] ? set : arena_printf(a, "%s/../guest", file_program_dir(a));
}

static bool open_builder(struct folder_builder *b, struct egress *egress, struct err *e) {
    if (!home_from_options(b->arena, NULL, NULL, &b->home, e))
        return false;
    const char *crates = arena_printf(b->arena, "%s/run/crates", b->home);
    const char *map = arena_printf(b->arena, REPO_LOCAL_HOST "=%s/repos", b->home);
    struct build_settings s = {
        .guest_dir = guest_dir(b->arena), .repo_map = map, .crates_dir = crates, .egress = egress};
    return file_make_dirs(crates, 0700, e) && builder_new(&b->builder, &s, e);
}

bool folder_builder_new(struct folder_builder **out, const char *folder, const char *target, struct egress *egress,
                        struct err *e) {
    struct arena *a = arena_new();
    struct folder_builder *b = arena_calloc(a, 1, sizeof *b);
    *b = (struct folder_builder){a, NULL, arena_strdup(a, folder), arena_strdup(a, target), NULL, REPO_TAKER_NONE};
    *out = NULL;
    if (!open_builder(b, egress, e)) {
        folder_builder_free(b);
        return false;
    }
    *out = b;
    return true;
}

void folder_builder_free(struct folder_builder *b) {
    if (!b)
        return;
    builder_free(b->builder);
    repo_taker_end(&b->taker);
    arena_free(b->arena);
}

bool folder_builder_look(struct folder_builder *b, struct arena *a, struct repo_ref *out, struct err *e) {
    return repo_take(&b->taker, a, b->home, b->folder, out, e);
}

bool folder_builder_build(struct folder_builder *b, struct arena *a, const struct repo_ref *at,
                          const atomic_bool *cancel, struct build_result *out, struct err *e) {
    const struct build_source source = {at->repo, at->commit, b->target};
    const struct patience w = {clock_mono_ms() + 1000ull * MAX_BUILD_SECONDS, cancel};
    return builder_resolve(b->builder, a, &source, &w, out, e) &&
           (out->end != BUILD_OK || builder_build(b->builder, a, &source, &w, out, e));
}
