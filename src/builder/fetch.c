// SPDX-License-Identifier: Apache-2.0
// Phase one: network, but nothing of the repository executes. git knows no configuration but ours, no hooks, no
// submodules, no filters, and no protocol but https (or the one mapped folder). Crates: builder/crates.h.
#include "base/text.h"
#include "builder/git.h"

// Asks the remote for what the source's ref names; *found NULL and the job ended when it names nothing.
static bool look_up(struct job *j, const struct git_ref **found) {
    const char *ref = j->source.ref;
    struct sandbox_result r;
    struct git_ref *refs;
    *found = NULL;
    if (!GIT(j, &r, "ls-remote", "--quiet", "--", j->url, ref, arena_printf(j->arena, "%s^{}", ref)))
        return false;
    if (!git_succeeded(&r))
        return git_unreachable(j, &r);
    size_t n = git_refs(j, r.output, &refs);
    bool whole = strcmp(ref, "HEAD") == 0 || strncmp(ref, "refs/", 5) == 0;
    const struct git_ref *branch = git_find_ref(refs, n, whole ? "" : "refs/heads/", ref);
    const struct git_ref *tag = whole ? NULL : git_find_ref(refs, n, "refs/tags/", ref);
    if (branch && tag && memcmp(branch->commit, tag->commit, 40) != 0)
        return job_end(j, BUILD_NO_COMMIT, "'%s' is both a branch and a tag of %s: say refs/heads/%s or refs/tags/%s",
                       ref, j->source.url, ref, ref);
    *found = branch ? branch : tag;
    return *found ||
           job_end(j, BUILD_NO_COMMIT, "'%s' is no branch or tag of %s; a commit is named by its 40 hexadecimal digits",
                   ref, j->source.url);
}

bool fetch_resolve(struct job *j) {
    static const char heads[] = "refs/heads/";
    const struct git_ref *found;
    if (!git_start(j) || !look_up(j, &found))
        return false;
    memcpy(j->result->commit, found->commit, sizeof found->commit);
    if (strncmp(found->name, heads, sizeof heads - 1) == 0)
        j->result->branch = found->name + sizeof heads - 1;
    return true;
}

// A branch or tag whose tip is the commit: the usual case, and the cheap one. NULL when there is none.
static bool find_tip(struct job *j, const char **name) {
    struct sandbox_result r;
    struct git_ref *refs;
    *name = NULL;
    static const char *const words[] = {"ls-remote", "--quiet", "--heads", "--tags", "--"};
    const char *argv[ARRAY_LEN(words) + 2];
    memcpy(argv, words, sizeof words);
    argv[ARRAY_LEN(words)] = j->url, argv[ARRAY_LEN(words) + 1] = NULL;
    if (!git_run(j, &r, 4u << 20, argv))
        return false;
    if (!git_succeeded(&r))
        return git_unreachable(j, &r);
    size_t n = git_refs(j, r.output, &refs);
    for (size_t i = 0; i < n && !*name; i++)
        if (memcmp(refs[i].commit, j->result->commit, 40) == 0)
            *name = refs[i].name;
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
    return git_fetches_more(j, true);
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
    if (!GIT(j, &r, "-c", "core.bare=false", "--work-tree=" JOB_SRC, "checkout", "-q", "-f", j->result->commit, "--",
             "."))
        return false;
    if (!git_succeeded(&r) && (git_says(&r, "No space left") || git_says(&r, "unable to write")))
        return job_end(j, BUILD_NO_REPOSITORY, "the files of %s are larger than the %llu MB that a build has",
                       j->source.url, (unsigned long long)(j->builder->work_bytes >> 20));
    if (!git_succeeded(&r)) // a tip may have moved between the two questions
        return git_says(&r, "not a tree") || git_says(&r, "pathspec") ? no_commit(j) : git_unreachable(j, &r);
    if (!read_time(j))
        return false;
    mk.argv = rm_argv; // history is not part of what is built, and makes room
    return job_run(j, &mk, &r);
}
