// SPDX-License-Identifier: Apache-2.0
// git inside a job's box: it knows no configuration but ours, no hooks, no submodules, no filters, and no protocol but
// https (or the one mapped folder). One bare repository a box, in GIT_DIR. Functions that take a job return whether it
// goes on (builder/job.h).
#pragma once
#include "builder/job.h"

#define GIT_DIR SANDBOX_WORK "/git"
#define GIT_SETTINGS "/tmp/gitconfig" // not there unless git_start makes it

// git with these words, the last one NULL; output_max 0: JOB_LOG_MAX. Its own failure is in *r.
[[nodiscard]] bool git_run(struct job *j, struct sandbox_result *r, size_t output_max, const char *const *words);
#define GIT(j, r, ...) git_run(j, r, 0, (const char *const[]){__VA_ARGS__, NULL})
bool git_succeeded(const struct sandbox_result *r);
bool git_says(const struct sandbox_result *r, const char *words);

[[nodiscard]] bool git_start(struct job *j); // the repository, empty

// Why a repository could not be reached, by what the proxy saw first and by git's words second.
enum git_trouble {
    GIT_TOO_LARGE, // for the box
    GIT_NOT_THERE, // or not public
    GIT_CUT_OFF,   // host unknown, no connection, and whatever else
};
enum git_trouble git_trouble(struct job *j, const struct sandbox_result *r);
// Ends the job with that, as BUILD_NO_REPOSITORY; returns false.
bool git_unreachable(struct job *j, const struct sandbox_result *r);

// Whether git fetches by itself what a filter left out (of the remote "origin"). A host would give it a commit that
// only a fork has, so it is off while one is looked for.
[[nodiscard]] bool git_fetches_more(struct job *j, bool on);

struct git_ref {
    char commit[41];
    const char *name; // "refs/heads/main", …; an annotated tag's commit is what it points to
};
// Reads `git ls-remote`, into the job's arena.
size_t git_refs(struct job *j, struct slice text, struct git_ref **out);
// NULL: none of that name.
const struct git_ref *git_find_ref(const struct git_ref *refs, size_t n, const char *prefix, const char *name);
