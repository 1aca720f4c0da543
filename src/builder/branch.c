// SPDX-License-Identifier: Apache-2.0
#include "builder/branch.h"

#include "builder/git.h"

#define HEADS REF_HEADS

struct search {
    struct job j;
    struct build_result result;
    const char *standard; // the default branch; NULL: the remote names none
    const char *commit;   // what to look for, lower case; short until it was found
    const char *branch;   // the answer
};

static bool unknown(struct search *s) {
    return job_end(&s->j, BUILD_NO_COMMIT, "'%s' is no branch, tag or commit of %s", s->j.source.ref, s->j.source.url);
}

// Finds the branch, or the commit to look for.
static bool look_up(struct search *s) {
    struct git_found found;
    if (!git_look_up(&s->j, &found))
        return false;
    const char *ref = s->j.source.ref;
    s->standard = found.standard;
    if (strcmp(ref, "HEAD") == 0) {
        s->branch = found.ref ? s->standard : NULL;
        return s->branch || job_end(&s->j, BUILD_NO_COMMIT, "%s has no default branch", s->j.source.url);
    }
    if (found.ref && strncmp(found.ref->name, HEADS, strlen(HEADS)) == 0) {
        s->branch = found.ref->name + strlen(HEADS);
        return true;
    }
    s->commit = found.ref ? found.ref->commit : ref_short_commit(s->j.arena, ref);
    return s->commit || unknown(s);
}

// --- which branch contains the commit

// *there: the commit has been fetched; it is written out then.
static bool have_commit(struct search *s, bool *there) {
    const char *commit;
    if (!git_find_commit(&s->j, s->commit, &commit))
        return false;
    *there = commit != NULL;
    s->commit = commit ? commit : s->commit;
    return true;
}

// The newest of the branches below `refs` that contains the commit becomes the answer.
static bool find_branch(struct search *s, const char *refs) {
    struct sandbox_result r;
    if (!GIT(&s->j, &r, "for-each-ref", "--count=1", "--sort=-committerdate", "--format=%(refname)", "--contains",
             s->commit, refs))
        return false;
    if (!git_succeeded(&r)) {
        err_set(s->j.e, ERR_IO, "git does not look at branches: %.*s", SLICE_FMT(r.output));
        return job_fail(&s->j);
    }
    const uint8_t *end = r.output.len ? memchr(r.output.ptr, '\n', r.output.len) : NULL;
    struct slice line = end ? slice_of(r.output.ptr, (size_t)(end - r.output.ptr)) : r.output;
    if (slice_starts(line, SLICE_LIT(HEADS)))
        s->branch = arena_text(s->j.arena, slice_skip(line, strlen(HEADS)));
    return true;
}

static bool in_default(struct search *s) {
    const char *name = arena_printf(s->j.arena, HEADS "%s", s->standard);
    bool there;
    return git_fetch_commits(&s->j, arena_printf(s->j.arena, "+%s:%s", name, name), NULL) && have_commit(s, &there) &&
           (!there || find_branch(s, name));
}

static bool in_all(struct search *s) {
    bool there;
    if (!git_fetch_commits(&s->j, "+" HEADS "*:" HEADS "*", NULL) || !have_commit(s, &there))
        return false;
    if (there && s->standard && !find_branch(s, arena_printf(s->j.arena, HEADS "%s", s->standard)))
        return false;
    if (there && !s->branch && !find_branch(s, HEADS))
        return false;
    return s->branch || job_end(&s->j, BUILD_NO_COMMIT, "'%s' is in no branch of %s", s->j.source.ref, s->j.source.url);
}

static bool find(struct search *s) {
    struct job *j = &s->j;
    if (!git_start(j) || !look_up(s))
        return false;
    if (s->branch)
        return true;
    // The default branch alone is the usual answer; a short commit may be ambiguous with one of any branch.
    if (s->standard && strlen(s->commit) == 40 && !in_default(s))
        return false;
    return s->branch || in_all(s);
}

// --- the call

static enum err_code trouble_code(enum git_trouble trouble) {
    switch (trouble) {
    case GIT_NOT_THERE: return ERR_NOT_FOUND;
    case GIT_TOO_LARGE: return ERR_LIMIT;
    case GIT_CUT_OFF: break;
    }
    return ERR_UNAVAILABLE;
}

static enum err_code code_of(const struct search *s) {
    switch (s->result.end) {
    case BUILD_BAD_SOURCE: return ERR_INVALID;
    case BUILD_NO_COMMIT: return ERR_NOT_FOUND;
    case BUILD_NO_REPOSITORY: return trouble_code(s->j.trouble);
    case BUILD_TIMEOUT: return ERR_TIMEOUT;
    case BUILD_NO_ISOLATION: return ERR_UNAVAILABLE;
    case BUILD_OK:
    case BUILD_NO_RECIPE:
    case BUILD_DEPENDENCY:
    case BUILD_FAILED:
    case BUILD_BAD_OUTPUT:
    case BUILD_PLATFORM: break;
    }
    return ERR_INTERNAL;
}

static bool tell(const struct search *s, uint64_t given_ms, struct err *e) {
    if (s->result.end == BUILD_TIMEOUT)
        return err_set(e, ERR_TIMEOUT, "finding the branch of '%s' in %s took longer than %llu s", s->j.source.ref,
                       s->j.source.url, (unsigned long long)(given_ms / 1000));
    return err_set(e, code_of(s), "%s", s->result.reason);
}

bool builder_branch(struct builder *b, struct arena *a, const struct build_source *source, const struct patience *w,
                    const char **branch, struct err *e) {
    struct search s = {.j = {.builder = b, .arena = a, .e = e}};
    uint64_t given_ms = patience_left(w);
    s.j.result = &s.result;
    struct build_source any = *source;
    any.target = source_target_text(TARGET_P1);
    bool ok = job_start(&s.j, &any, w) && job_open(&s.j) && find(&s);
    job_close(&s.j);
    if (!ok)
        return s.j.failed ? false : tell(&s, given_ms, e);
    if (!ref_name_ok(s.branch))
        return err_set(e, ERR_NOT_FOUND, "the branch of '%s' in %s has a name that is too long or not UTF-8",
                       s.j.source.ref, s.j.source.url);
    *branch = s.branch;
    return true;
}
