// SPDX-License-Identifier: Apache-2.0
// Phase one: network, but nothing of the repository executes. git knows no configuration but ours, no hooks, no
// submodules by itself (builder/submodules.h), no filters, and no protocol but https (or the one mapped folder).
// Crates: builder/crates.h.
#include "base/text.h"
#include "builder/git.h"
#include "builder/submodules.h"

static bool unknown(struct job *j) {
    return job_end(j, BUILD_NO_COMMIT, "'%s' is no branch, tag or commit of %s", j->source.ref, j->source.url);
}

// A commit by the beginning of its name: all commits that branches and tags reach decide which one that is.
static bool resolve_short(struct job *j) {
    const char *begin = ref_short_commit(j->arena, j->source.ref), *commit;
    if (!begin)
        return unknown(j);
    if (!git_fetch_commits(j, "+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*") ||
        !git_find_commit(j, begin, &commit))
        return false;
    if (!commit)
        return unknown(j);
    memcpy(j->result->commit, commit, sizeof j->result->commit);
    return true;
}

bool fetch_resolve(struct job *j) {
    struct git_found found;
    if (!git_start(j) || !git_look_up(j, &found))
        return false;
    if (!found.ref)
        return strcmp(j->source.ref, "HEAD") == 0
                   ? job_end(j, BUILD_NO_COMMIT, "%s has no default branch: name one", j->source.url)
                   : resolve_short(j);
    memcpy(j->result->commit, found.ref->commit, sizeof found.ref->commit);
    if (strncmp(found.ref->name, REF_HEADS, strlen(REF_HEADS)) == 0)
        j->result->branch = found.ref->name + strlen(REF_HEADS);
    return true;
}

// A branch or tag whose tip is the commit: the usual case, and the cheap one. NULL when there is none.
static bool find_tip(struct job *j, const char **name) {
    struct sandbox_result r;
    struct git_refs refs;
    *name = NULL;
    static const char *const words[] = {"ls-remote", "--quiet", "--heads", "--tags", "--"};
    const char *argv[ARRAY_LEN(words) + 2];
    memcpy(argv, words, sizeof words);
    argv[ARRAY_LEN(words)] = j->url, argv[ARRAY_LEN(words) + 1] = NULL;
    if (!git_run(j, &r, 4u << 20, argv))
        return false;
    if (!git_succeeded(&r))
        return git_unreachable(j, &r);
    if (!git_refs(j, r.output, &refs))
        return false;
    for (size_t i = 0; i < refs.count && !*name && !r.cut; i++) // of what was cut nothing is believed: look at all
        if (memcmp(refs.list[i].commit, j->result->commit, 40) == 0)
            *name = refs.list[i].name;
    return true;
}

static bool no_commit(struct job *j) {
    return job_end(j, BUILD_NO_COMMIT, "commit %s is in no branch or tag of %s (commits of forks are not built)",
                   j->result->commit, j->source.url);
}

static bool fetch_tip(struct job *j, const char *name) {
    struct sandbox_result r;
    if (!GIT(j, &r, "fetch", "-q", "--depth=1", "--no-tags", "--", j->url, name))
        return false;
    return git_succeeded(&r) || git_unreachable(j, &r);
}

// A tag's own object has a name of 40 digits, too, and reaches a commit of another.
static bool is_commit_itself(struct job *j) {
    const char *commit;
    return git_find_commit(j, j->result->commit, &commit) &&
           ((commit && strcmp(commit, j->result->commit) == 0) || no_commit(j));
}

// All branches and tags, without the files' contents where the server can leave them out, and the proof that one of
// them reaches the commit. While that is looked at nothing may be fetched behind our back: a host would serve a
// commit that only a fork has.
static bool fetch_history(struct job *j) {
    struct sandbox_result r;
    if (!GIT(j, &r, "remote", "add", "origin", j->url))
        return false;
    if (!GIT(j, &r, "fetch", "-q", "--filter=blob:none", "--no-tags", "origin", "+refs/heads/*:refs/heads/*",
             "+refs/tags/*:refs/tags/*"))
        return false;
    if (!git_succeeded(&r))
        return git_unreachable(j, &r);
    if (!git_fetches_more(j, false) ||
        !GIT(j, &r, "for-each-ref", "--count=1", "--format=%(refname)", "--contains", j->result->commit))
        return false;
    if (!git_succeeded(&r) || !slice_starts(r.output, SLICE_LIT("refs/")))
        return no_commit(j);
    return is_commit_itself(j) && git_fetches_more(j, true);
}

// When the commit was made, for builds that ask.
static bool read_time(struct job *j) {
    struct sandbox_result r;
    uint64_t when = 0;
    if (!GIT(j, &r, "show", "-s", "--format=%ct", j->result->commit))
        return false;
    const uint8_t *end = r.output.len ? memchr(r.output.ptr, '\n', r.output.len) : NULL;
    if (git_succeeded(&r) && end)
        (void)!text_u64(slice_of(r.output.ptr, (size_t)(end - r.output.ptr)), &when);
    j->when = arena_printf(j->arena, "%llu", (unsigned long long)when);
    return true;
}

// A tag may name files instead of a commit: a tree, or one file.
static bool no_commit_but_files(struct job *j) {
    return job_end(j, BUILD_NO_COMMIT, "'%s' of %s names files and no commit: tag the commit that has them",
                   j->source.ref, j->source.url);
}

bool fetch_checkout(struct job *j) {
    static const char *const mkdir_argv[] = {"/usr/bin/mkdir", JOB_SRC, JOB_TARGET, NULL};
    static const char *const rm_argv[] = {"/usr/bin/rm", "-rf", GIT_DIR, NULL};
    static const char *const none[] = {NULL};
    struct sandbox_command mk = {.argv = mkdir_argv, .env = none, .ours = true};
    struct sandbox_result r;
    const char *tip;
    if (!git_start(j) || !find_tip(j, &tip))
        return false;
    if (!(tip ? fetch_tip(j, tip) : fetch_history(j)) || !job_run(j, &mk, &r))
        return false;
    if (!GIT(j, &r, "-c", "core.bare=false", "--work-tree=" JOB_SRC, "checkout", "-q", "-f",
             arena_printf(j->arena, "%s^{commit}", j->result->commit), "--", "."))
        return false;
    if (!git_succeeded(&r) && git_says(&r, "expected commit type"))
        return no_commit_but_files(j);
    if (!git_succeeded(&r) && (git_says(&r, "No space left") || git_says(&r, "unable to write")))
        return job_end(j, BUILD_NO_REPOSITORY, "the files of %s are larger than the %llu MB that a build has",
                       j->source.url, (unsigned long long)(j->builder->work_bytes >> 20));
    if (!git_succeeded(&r)) // a tip may have moved between the two questions
        return git_says(&r, "not a tree") || git_says(&r, "pathspec") ? no_commit(j) : git_unreachable(j, &r);
    if (!read_time(j) || !fetch_submodules(j))
        return false;
    mk.argv = rm_argv; // history is not part of what is built, and makes room
    return job_run(j, &mk, &r);
}
