// SPDX-License-Identifier: Apache-2.0
#include "builder/branch.h"

#include "base/text.h"
#include "builder/git.h"
#include <ctype.h>

#define HEADS "refs/heads/"
#define TAGS "refs/tags/"
#define SHORT_COMMIT 7   // hexadecimal digits
#define BRANCH_BYTES 255 // longer names are no names of ours

struct search {
    struct job j;
    struct build_result result;
    enum err_code trouble; // of BUILD_NO_REPOSITORY
    const char *standard;  // the default branch; NULL: the remote names none
    const char *commit;    // what to look for, lower case; short until it was found
    const char *branch;    // the answer
};

static bool unreachable(struct search *s, const struct sandbox_result *r) {
    switch (git_trouble(&s->j, r)) {
    case GIT_TOO_LARGE: s->trouble = ERR_LIMIT; break;
    case GIT_NOT_THERE: s->trouble = ERR_NOT_FOUND; break;
    case GIT_CUT_OFF: s->trouble = ERR_UNAVAILABLE; break;
    }
    return git_unreachable(&s->j, r);
}

static bool unknown(struct search *s) {
    return job_end(&s->j, BUILD_NO_COMMIT, "'%s' is no branch, tag or commit of %s", s->j.source.ref, s->j.source.url);
}

static bool several(struct search *s, const char *what) {
    return job_end(&s->j, BUILD_BAD_SOURCE, "'%s' is %s of %s", s->j.source.ref, what, s->j.source.url);
}

// --- what the ref is

// "ref: refs/heads/main<tab>HEAD"
static const char *default_branch(struct arena *a, struct slice text) {
    static const char before[] = "ref: " HEADS, behind[] = "\tHEAD";
    const char *copy = arena_text(a, text), *at = strstr(copy, before), *end = at ? strstr(at, behind) : NULL;
    if (!at || !end)
        return NULL;
    at += sizeof before - 1;
    return memchr(at, '\n', (size_t)(end - at)) ? NULL : arena_text(a, slice_of(at, (size_t)(end - at)));
}

static const char *as_commit(struct arena *a, const char *ref) {
    size_t n = strspn(ref, "0123456789abcdefABCDEF");
    if (ref[n] || n < SHORT_COMMIT || n > 40)
        return NULL;
    char *copy = arena_strdup(a, ref);
    for (char *p = copy; *p; p++)
        *p = (char)tolower(*p);
    return copy;
}

static bool ask_remote(struct search *s, struct git_ref **refs, size_t *count) {
    struct job *j = &s->j;
    const char *ref = j->source.ref, *head = ref, *tag = ref;
    struct sandbox_result r;
    if (strcmp(ref, "HEAD") != 0 && strncmp(ref, "refs/", 5) != 0) {
        head = arena_printf(j->arena, HEADS "%s", ref);
        tag = arena_printf(j->arena, TAGS "%s", ref);
    }
    if (!GIT(j, &r, "ls-remote", "--quiet", "--symref", "--", j->url, "HEAD", head, tag,
             arena_printf(j->arena, "%s^{}", tag)))
        return false;
    if (!git_succeeded(&r))
        return unreachable(s, &r);
    s->standard = default_branch(j->arena, r.output);
    *count = git_refs(j, r.output, refs);
    return true;
}

// Finds the branch, or the commit to look for.
static bool look_up(struct search *s) {
    struct git_ref *refs = NULL;
    size_t n = 0;
    if (!ask_remote(s, &refs, &n))
        return false;
    const char *ref = s->j.source.ref;
    if (strcmp(ref, "HEAD") == 0) {
        s->branch = s->standard && git_find_ref(refs, n, "", "HEAD") ? s->standard : NULL;
        return s->branch || job_end(&s->j, BUILD_NO_COMMIT, "%s has no default branch", s->j.source.url);
    }
    bool whole = strncmp(ref, "refs/", 5) == 0;
    const struct git_ref *found = git_find_ref(refs, n, whole ? "" : HEADS, ref);
    const struct git_ref *tag = whole ? NULL : git_find_ref(refs, n, TAGS, ref);
    if (found && tag && strcmp(found->commit, tag->commit) != 0)
        return several(s, "both a branch and a tag");
    if (found && strncmp(found->name, HEADS, strlen(HEADS)) == 0) {
        s->branch = found->name + strlen(HEADS);
        return true;
    }
    found = found ? found : tag;
    s->commit = found ? found->commit : as_commit(s->j.arena, ref);
    return s->commit || unknown(s);
}

// --- which branch contains the commit

// Commits of these branches. While they are looked at nothing more may be fetched behind our back: a host would give a
// commit that only a fork has.
static bool fetch_commits(struct search *s, const char *refspec) {
    struct sandbox_result r;
    if (!GIT(&s->j, &r, "fetch", "-q", "--filter=tree:0", "--no-tags", "--no-auto-maintenance", "origin", refspec))
        return false;
    if (!git_succeeded(&r))
        return unreachable(s, &r);
    return git_fetches_more(&s->j, false);
}

// *there: the commit has been fetched; it is written out then.
static bool have_commit(struct search *s, bool *there) {
    struct sandbox_result r;
    if (!GIT(&s->j, &r, "rev-parse", "--verify", arena_printf(s->j.arena, "%s^{commit}", s->commit)))
        return false;
    *there = git_succeeded(&r);
    if (!*there && git_says(&r, "is ambiguous"))
        return several(s, "the beginning of more than one commit");
    if (*there && strlen(s->commit) < 40)
        s->commit = arena_text(s->j.arena, slice_of(r.output.ptr, r.output.len < 40 ? r.output.len : 40));
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
    return fetch_commits(s, arena_printf(s->j.arena, "+%s:%s", name, name)) && have_commit(s, &there) &&
           (!there || find_branch(s, name));
}

static bool in_all(struct search *s) {
    bool there;
    if (!fetch_commits(s, "+" HEADS "*:" HEADS "*") || !have_commit(s, &there))
        return false;
    if (there && s->standard && !find_branch(s, arena_printf(s->j.arena, HEADS "%s", s->standard)))
        return false;
    if (there && !s->branch && !find_branch(s, HEADS))
        return false;
    return s->branch || job_end(&s->j, BUILD_NO_COMMIT, "'%s' is in no branch of %s", s->j.source.ref, s->j.source.url);
}

static bool find(struct search *s) {
    struct job *j = &s->j;
    struct sandbox_result r;
    if (!git_start(j) || !look_up(s))
        return false;
    if (s->branch)
        return true;
    // A mapped repository leaves out files' contents like any host, whatever its own settings say.
    if ((j->local && !GIT(j, &r, "config", "--file", GIT_SETTINGS, "uploadpack.allowFilter", "true")) ||
        !GIT(j, &r, "remote", "add", "origin", j->url))
        return false;
    // The default branch alone is the usual answer; a short commit may be ambiguous with one of any branch.
    if (s->standard && strlen(s->commit) == 40 && !in_default(s))
        return false;
    return s->branch || in_all(s);
}

// --- the call

static enum err_code code_of(const struct search *s) {
    switch (s->result.end) {
    case BUILD_BAD_SOURCE: return ERR_INVALID;
    case BUILD_NO_COMMIT: return ERR_NOT_FOUND;
    case BUILD_NO_REPOSITORY: return s->trouble;
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
    struct search s = {.j = {.builder = b, .arena = a, .e = e}, .trouble = ERR_NOT_FOUND};
    uint64_t given_ms = patience_left(w);
    s.j.result = &s.result;
    struct build_source any = *source;
    any.target = source_target_text(TARGET_P1);
    bool ok = job_start(&s.j, &any, w) && job_open(&s.j) && find(&s);
    job_close(&s.j);
    if (!ok)
        return s.j.failed ? false : tell(&s, given_ms, e);
    if (strlen(s.branch) > BRANCH_BYTES || !text_is_utf8(slice_str(s.branch)))
        return err_set(e, ERR_NOT_FOUND, "the branch of '%s' in %s has a name that is too long or not UTF-8",
                       s.j.source.ref, s.j.source.url);
    *branch = s.branch;
    return true;
}
