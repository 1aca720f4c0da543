// SPDX-License-Identifier: Apache-2.0
#include "builder/git.h"

#include "builder/git_env.h"
#include "builder/proxy.h"

#define GIT_WORDS 24

static const char *const git_env[] = {
    GIT_PLAIN_ENV, "PATH=/usr/bin:/bin", "HOME=/home", "GIT_CONFIG_GLOBAL=" GIT_SETTINGS, "GIT_DIR=" GIT_DIR,
};

static bool run(struct job *j, struct sandbox_result *r, size_t output_max, const char *const *argv) {
    const char *env[ARRAY_LEN(git_env) + 8];
    size_t m = ARRAY_LEN(git_env);
    memcpy(env, git_env, sizeof git_env);
    env[m++] = j->local ? "GIT_ALLOW_PROTOCOL=file:https" : "GIT_ALLOW_PROTOCOL=https";
    env[m++] = "GIT_SSL_CAINFO=/etc/ssl/certs/ca-certificates.crt";
    env[m++] = arena_printf(j->arena, "https_proxy=http://127.0.0.1:%u", proxy_port(j->proxy));
    env[m] = NULL;
    struct sandbox_command c = {.argv = argv, .env = env, .network = true, .ours = true, .output_max = output_max};
    return job_run(j, &c, r);
}

bool git_run(struct job *j, struct sandbox_result *r, size_t output_max, const char *const *words) {
    const char *argv[GIT_WORDS + 1] = {"/usr/bin/git"};
    for (size_t n = 1; words[n - 1]; n++) {
        BUG_ON(n == GIT_WORDS);
        argv[n] = words[n - 1];
    }
    return run(j, r, output_max, argv);
}

bool git_script(struct job *j, struct sandbox_result *r, size_t output_max, const char *script, const char *arg) {
    const char *const argv[] = {"/bin/sh", "-c", script, "sh", arg, NULL};
    return run(j, r, output_max, argv);
}

bool git_succeeded(const struct sandbox_result *r) { return r->end == SANDBOX_EXITED && r->status == 0; }

bool git_says(const struct sandbox_result *r, const char *words) {
    return r->output.len && memmem(r->output.ptr, r->output.len, words, strlen(words)) != NULL;
}

static enum git_trouble trouble_of(struct job *j, const struct sandbox_result *r) {
    static const char *const gone[] = {"could not read Username", "not found", "does not exist",
                                       "Authentication failed", "does not appear to be a git repository"};
    if (git_says(r, "No space left on device"))
        return GIT_TOO_LARGE;
    if (proxy_trouble(j->proxy, j->arena))
        return GIT_CUT_OFF;
    for (size_t i = 0; i < ARRAY_LEN(gone); i++) // LC_ALL=C
        if (git_says(r, gone[i]))
            return GIT_NOT_THERE;
    return GIT_CUT_OFF;
}

bool git_unreachable(struct job *j, const struct sandbox_result *r) {
    const char *seen = proxy_trouble(j->proxy, j->arena), *url = j->source.url;
    j->trouble = trouble_of(j, r);
    switch (j->trouble) {
    case GIT_TOO_LARGE:
        return job_end(j, BUILD_NO_REPOSITORY, "repository %s is larger than the %llu MB that a build has", url,
                       (unsigned long long)(j->builder->work_bytes >> 20));
    case GIT_NOT_THERE: return job_end(j, BUILD_NO_REPOSITORY, "repository %s is not there or not public", url);
    case GIT_CUT_OFF:
        if (seen && proxy_trouble_is_ours(j->proxy))
            return err_set(j->e, ERR_UNAVAILABLE, "%s", seen) || job_fail(j);
        if (seen)
            return job_end(j, BUILD_NO_REPOSITORY, "repository %s cannot be had: %s", url, seen);
        return job_end_log(j, BUILD_NO_REPOSITORY, arena_printf(j->arena, "repository %s cannot be had", url),
                           r->output);
    }
    BUG_ON(true);
    return false;
}

bool git_start(struct job *j) {
    struct sandbox_result r;
    if (!GIT(j, &r, "init", "-q", "--bare", "--template=", "--initial-branch=none", GIT_DIR))
        return false;
    // A mapped folder belongs to somebody else, which git takes only from a settings file.
    if (git_succeeded(&r) && j->local && !GIT(j, &r, "config", "--file", GIT_SETTINGS, "safe.directory", "*"))
        return false;
    if (!git_succeeded(&r))
        return err_set(j->e, ERR_IO, "git does not work: %.*s", SLICE_FMT(r.output)) || job_fail(j);
    return true;
}

bool git_fetches_more(struct job *j, bool on) {
    struct sandbox_result r;
    // A remembered filter would be enough for git to do it.
    return (on || GIT(j, &r, "config", "--unset-all", "remote.origin.partialclonefilter")) &&
           GIT(j, &r, "config", "remote.origin.promisor", on ? "true" : "false");
}

// --- refs

// Digits of the object's name that a line of ls-remote begins with.
static size_t object_digits(const char *line) {
    size_t n = strspn(line, "0123456789abcdef");
    return line[n] == '\t' ? n : 0;
}

static bool not_sha1(struct job *j) {
    return job_end(j, BUILD_BAD_SOURCE,
                   "repository %s names its commits by SHA-256, which is not built: push them to one that `git init "
                   "--object-format=sha1` made, as hosts do by themselves",
                   j->source.url);
}

// Each line is "COMMIT<tab>NAME". A peeled tag ("name^{}") replaces the tag object before it. Names that git itself
// does not take are left out: what a remote says becomes arguments.
bool git_refs(struct job *j, struct slice text, struct git_refs *out) {
    char *copy = arena_text(j->arena, text), *save = NULL;
    size_t lines = 1;
    for (const char *p = copy; *p; p++)
        lines += *p == '\n';
    *out = (struct git_refs){.list = arena_calloc(j->arena, lines, sizeof *out->list)};
    for (char *l = strtok_r(copy, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
        size_t digits = object_digits(l);
        char *name = l + digits + 1, *peeled = digits ? strstr(name, "^{}") : NULL;
        if (digits == 64)
            return not_sha1(j);
        if (peeled)
            *peeled = 0;
        if (digits != 40 || !ref_name_ok(name))
            continue;
        struct git_ref *last = out->count ? &out->list[out->count - 1] : NULL;
        if (!peeled || !last || strcmp(last->name, name) != 0)
            last = &out->list[out->count++];
        last->name = name;
        memcpy(last->commit, l, 40);
    }
    return true;
}

static const struct git_ref *find_ref(const struct git_refs *refs, const char *prefix, const char *name) {
    size_t n = strlen(prefix);
    for (size_t i = 0; i < refs->count; i++)
        if (strncmp(refs->list[i].name, prefix, n) == 0 && strcmp(refs->list[i].name + n, name) == 0)
            return &refs->list[i];
    return NULL;
}

// "ref: refs/heads/main<tab>HEAD"
static const char *default_branch(struct arena *a, struct slice text) {
    static const char before[] = "ref: " REF_HEADS, behind[] = "\tHEAD";
    const char *copy = arena_text(a, text), *at = strstr(copy, before), *end = at ? strstr(at, behind) : NULL;
    if (!at || !end)
        return NULL;
    at += sizeof before - 1;
    const char *name = arena_text(a, slice_of(at, (size_t)(end - at)));
    return ref_name_ok(name) ? name : NULL;
}

bool git_look_up(struct job *j, struct git_found *out) {
    const char *ref = j->source.ref, *head = ref, *tag = ref;
    bool plain = !j->source.is_whole && strcmp(ref, "HEAD") != 0;
    struct sandbox_result r;
    struct git_refs refs;
    if (plain) {
        head = arena_printf(j->arena, REF_HEADS "%s", ref);
        tag = arena_printf(j->arena, REF_TAGS "%s", ref);
    }
    if (!GIT(j, &r, "ls-remote", "--quiet", "--symref", "--", j->url, "HEAD", head, tag,
             arena_printf(j->arena, "%s^{}", tag)))
        return false;
    if (!git_succeeded(&r))
        return git_unreachable(j, &r);
    if (r.cut)
        return job_end(j, BUILD_NO_REPOSITORY, "the host of repository %s does not answer for the ref alone",
                       j->source.url);
    if (!git_refs(j, r.output, &refs))
        return false;
    const struct git_ref *found = find_ref(&refs, "", head), *other = plain ? find_ref(&refs, "", tag) : NULL;
    if (found && other && strcmp(found->commit, other->commit) != 0)
        return job_end(j, BUILD_BAD_SOURCE, "'%s' is both a branch and a tag of %s: say refs/heads/%s or refs/tags/%s",
                       ref, j->source.url, ref, ref);
    *out = (struct git_found){found ? found : other, default_branch(j->arena, r.output)};
    return true;
}

// --- commits

bool git_fetch_commits(struct job *j, const char *refspec, const char *more) {
    struct sandbox_result r;
    // A mapped repository leaves out files' contents like any host, whatever its own settings say.
    if ((j->local && !GIT(j, &r, "config", "--file", GIT_SETTINGS, "uploadpack.allowFilter", "true")) ||
        !GIT(j, &r, "config", "remote.origin.url", j->url) ||
        !GIT(j, &r, "fetch", "-q", "--filter=tree:0", "--no-tags", "--no-auto-maintenance", "origin", refspec, more))
        return false;
    if (!git_succeeded(&r))
        return git_unreachable(j, &r);
    return git_fetches_more(j, false);
}

bool git_find_commit(struct job *j, const char *begin, const char **commit) {
    struct sandbox_result r;
    *commit = NULL;
    if (!GIT(j, &r, "rev-parse", "--verify", arena_printf(j->arena, "%s^{commit}", begin)))
        return false;
    if (!git_succeeded(&r) && git_says(&r, "is ambiguous"))
        return job_end(j, BUILD_BAD_SOURCE, "'%s' is the beginning of more than one commit of %s: give more digits",
                       begin, j->source.url);
    if (git_succeeded(&r) && r.output.len >= 40)
        *commit = arena_text(j->arena, slice_of(r.output.ptr, 40));
    return true;
}
