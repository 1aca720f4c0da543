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
// The same for a script of ours, which finds `arg` as $1: where only a part of what git says may be kept.
[[nodiscard]] bool git_script(struct job *j, struct sandbox_result *r, size_t output_max, const char *script,
                              const char *arg);
bool git_succeeded(const struct sandbox_result *r);
bool git_says(const struct sandbox_result *r, const char *words);

[[nodiscard]] bool git_start(struct job *j); // the repository, empty

// Ends the job with what the proxy saw, or else with git's words, as BUILD_NO_REPOSITORY; returns false.
bool git_unreachable(struct job *j, const struct sandbox_result *r);

// Whether git fetches by itself what a filter left out (of the remote "origin"). A host would give it a commit that
// only a fork has, so it is off while one is looked for.
[[nodiscard]] bool git_fetches_more(struct job *j, bool on);

struct git_ref {
    char commit[41];
    const char *name; // "refs/heads/main", …; an annotated tag's commit is what it points to
};
struct git_refs {
    struct git_ref *list;
    size_t count;
};
// Reads `git ls-remote`, into the job's arena. Ends the job for a repository that names its objects by SHA-256.
[[nodiscard]] bool git_refs(struct job *j, struct slice text, struct git_refs *out);

// What the remote has of the job's ref.
struct git_found {
    const struct git_ref *ref; // the branch, the tag, or HEAD; NULL: there is none of that name
    const char *standard;      // the default branch; NULL: the remote names none
};
// Ends the job where a branch and a tag of that name are different commits.
[[nodiscard]] bool git_look_up(struct job *j, struct git_found *out);

// Commits of the branches or tags that the refspecs name, and none of their files where the host can leave them out.
// Nothing more is fetched by itself afterwards. `more` NULL: one refspec.
[[nodiscard]] bool git_fetch_commits(struct job *j, const char *refspec, const char *more);
// The whole name of the fetched commit that begins so; NULL: there is none. Ends the job where there are several.
[[nodiscard]] bool git_find_commit(struct job *j, const char *begin, const char **commit);
