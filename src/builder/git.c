// SPDX-License-Identifier: Apache-2.0
#include "builder/git.h"

#include "builder/proxy.h"

#define GIT_WORDS 24

static const char *const git_env[] = {
    "PATH=/usr/bin:/bin",
    "HOME=/home",
    "LC_ALL=C.UTF-8",
    "GIT_CONFIG_NOSYSTEM=1",
    "GIT_CONFIG_GLOBAL=" GIT_SETTINGS,
    "GIT_ATTR_NOSYSTEM=1",
    "GIT_TERMINAL_PROMPT=0",
    "GIT_ASKPASS=/usr/bin/false",
    "GIT_NO_REPLACE_OBJECTS=1",
    "GIT_DIR=" GIT_DIR,
    "GIT_CONFIG_COUNT=5",
    "GIT_CONFIG_KEY_0=core.hooksPath",
    "GIT_CONFIG_VALUE_0=/dev/null",
    "GIT_CONFIG_KEY_1=gc.auto",
    "GIT_CONFIG_VALUE_1=0",
    "GIT_CONFIG_KEY_2=submodule.recurse",
    "GIT_CONFIG_VALUE_2=false",
    "GIT_CONFIG_KEY_3=advice.detachedHead",
    "GIT_CONFIG_VALUE_3=false",
    "GIT_CONFIG_KEY_4=core.fsync",
    "GIT_CONFIG_VALUE_4=none",
};

bool git_run(struct job *j, struct sandbox_result *r, size_t output_max, const char *const *words) {
    const char *argv[GIT_WORDS + 1] = {"/usr/bin/git"}, *env[ARRAY_LEN(git_env) + 8];
    size_t n = 1, m = ARRAY_LEN(git_env);
    for (; words[n - 1]; n++) {
        BUG_ON(n == GIT_WORDS);
        argv[n] = words[n - 1];
    }
    memcpy(env, git_env, sizeof git_env);
    env[m++] = j->local ? "GIT_ALLOW_PROTOCOL=file" : "GIT_ALLOW_PROTOCOL=https";
    env[m++] = "GIT_SSL_CAINFO=/etc/ssl/certs/ca-certificates.crt";
    env[m++] = arena_printf(j->arena, "https_proxy=http://127.0.0.1:%u", proxy_port(j->proxy));
    env[m] = NULL;
    struct sandbox_command c = {.argv = argv, .env = env, .network = true, .ours = true, .output_max = output_max};
    return job_run(j, &c, r);
}
bool git_succeeded(const struct sandbox_result *r) { return r->end == SANDBOX_EXITED && r->status == 0; }

bool git_says(const struct sandbox_result *r, const char *words) {
    return r->output.len && memmem(r->output.ptr, r->output.len, words, strlen(words)) != NULL;
}

enum git_trouble git_trouble(struct job *j, const struct sandbox_result *r) {
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
    switch (git_trouble(j, r)) {
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

static bool hex40(const char *p) {
    for (int i = 0; i < 40; i++)
        if (!strchr("0123456789abcdef", p[i]) || !p[i])
            return false;
    return p[40] == '\t';
}

// Each line is "COMMIT<tab>NAME". A peeled tag ("name^{}") replaces the tag object before it.
size_t git_refs(struct job *j, struct slice text, struct git_ref **out) {
    char *copy = arena_text(j->arena, text), *save = NULL;
    size_t n = 0, lines = 1;
    for (const char *p = copy; *p; p++)
        lines += *p == '\n';
    struct git_ref *refs = arena_calloc(j->arena, lines, sizeof *refs);
    for (char *l = strtok_r(copy, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
        if (!hex40(l))
            continue;
        char *name = l + 41, *peeled = strstr(name, "^{}");
        if (peeled)
            *peeled = 0;
        if (!(peeled && n && strcmp(refs[n - 1].name, name) == 0))
            refs[n++].name = name;
        memcpy(refs[n - 1].commit, l, 40);
    }
    *out = refs;
    return n;
}

const struct git_ref *git_find_ref(const struct git_ref *refs, size_t n, const char *prefix, const char *name) {
    for (size_t i = 0; i < n; i++)
        if (strncmp(refs[i].name, prefix, strlen(prefix)) == 0 && strcmp(refs[i].name + strlen(prefix), name) == 0)
            return &refs[i];
    return NULL;
}
