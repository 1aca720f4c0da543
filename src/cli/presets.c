// SPDX-License-Identifier: Apache-2.0
#include "cli/presets.h"

#include "base/file.h"
#include "cli/repo.h"
#include "codec/json.h"
#include <unistd.h>

static const struct preset {
    const char *folder, *title, *what, *input; // the folder's name is the example's
} presets[] = {
    {"random-c", "A random number, in C", "A whole number from min to max, both included, each equally likely.",
     "{\"min\":1,\"max\":100}"},
    {"random-rust", "A random number, in Rust", "The same in Rust: a worker builds it from its Cargo.toml.",
     "{\"min\":1,\"max\":100}"},
    {"stats-c", "A calculation, in C", "Count, sum, least and greatest: the same input always gives the same bytes.",
     "{\"numbers\":[3,1,2]}"},
    {"stats-rust", "A calculation, in Rust", "The same in Rust: both give the same bytes.", "{\"numbers\":[3,1,2]}"},
};

static json_t *example_of(const struct preset *p, const struct repo_ref *repo) {
    json_t *request = json_object(), *one = json_object();
    json_set_text(request, "repo", repo->repo);
    json_set_text(request, "commit", repo->commit);
    json_set_text(request, "build_target", "wasm32-wasip1");
    json_set_text(request, "input", p->input);
    json_set_text(request, "response_format", "Json");
    json_set_text(one, "id", p->folder);
    json_set_text(one, "title", p->title);
    json_set_text(one, "what", p->what);
    json_object_set_new(one, "request", request);
    return one;
}

bool presets_write(const char **path, struct arena *a, const char *home, const char *examples, struct err *e) {
    SCOPED_JSON(list) = json_array();
    *path = NULL;
    for (size_t i = 0; i < ARRAY_LEN(presets); i++) {
        const char *folder = arena_printf(a, "%s/%s", examples, presets[i].folder);
        struct repo_ref repo;
        if (access(folder, R_OK | X_OK) != 0)
            continue;
        if (!repo_prepare(a, home, folder, NULL, &repo, e))
            return false;
        json_array_append_new(list, example_of(&presets[i], &repo));
    }
    if (json_array_size(list) == 0)
        return true;
    *path = arena_printf(a, "%s/examples.json", home);
    return file_write_atomic(*path, slice_str(json_text(a, list)), 0600, e);
}
