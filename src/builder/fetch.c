// SPDX-License-Identifier: Apache-2.0
// Phase one: network, but nothing of the repository executes. git knows no configuration but ours, no hooks, no
// submodules, no filters, and no protocol but https (or the one mapped folder); cargo runs from an empty folder, so
// that neither .cargo/config.toml nor rust-toolchain.toml of the checkout have a say.
#include "builder/job.h"

#include "builder/proxy.h"
#include "codec/hex.h"
#include <signal.h>

#define GIT_DIR SANDBOX_WORK "/git"
#define GIT_SETTINGS "/tmp/gitconfig" // not there unless start_repository makes it
#define FETCH_WORDS 24

// --- git
// ----------------------------------------------------------------------------------------------------------------

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

// git with these words, the last one NULL.
static bool git(struct job *j, struct sandbox_result *r, size_t output_max, const char *const *words) {
    const char *argv[FETCH_WORDS + 1] = {"/usr/bin/git"}, *env[ARRAY_LEN(git_env) + 8];
    size_t n = 1, m = ARRAY_LEN(git_env);
    for (; words[n - 1]; n++) {
        BUG_ON(n == FETCH_WORDS);
        argv[n] = words[n - 1];
    }
    memcpy(env, git_env, sizeof git_env);
    env[m++] = j->local ? "GIT_ALLOW_PROTOCOL=file" : "GIT_ALLOW_PROTOCOL=https";
    env[m++] = "GIT_SSL_CAINFO=/etc/ssl/certs/ca-certificates.crt";
    env[m++] = arena_printf(j->arena, "https_proxy=http://127.0.0.1:%u", proxy_port(j->proxy));
    env[m] = NULL;
    struct sandbox_command c = {.argv = argv, .env = env, .network = true, .output_max = output_max};
    return job_run(j, &c, r);
}
#define GIT(j, r, ...) git(j, r, 0, (const char *const[]){__VA_ARGS__, NULL})

static bool succeeded(const struct sandbox_result *r) { return r->end == SANDBOX_EXITED && r->status == 0; }

static bool log_says(const struct sandbox_result *r, const char *words) {
    return r->output.len && memmem(r->output.ptr, r->output.len, words, strlen(words)) != NULL;
}

// Why a repository could not be reached, by what the proxy saw first and by git's words (LC_ALL=C) second.
static bool unreachable(struct job *j, const struct sandbox_result *r) {
    const char *seen = proxy_trouble(j->proxy, j->arena);
    if (log_says(r, "No space left on device"))
        return job_end(j, BUILD_NO_REPOSITORY, "repository %s is larger than the %llu MB that a build has",
                       j->source.url, (unsigned long long)(j->builder->work_bytes >> 20));
    if (seen)
        return job_end(j, BUILD_NO_REPOSITORY, "repository %s cannot be had: %s", j->source.url, seen);
    if (log_says(r, "could not read Username") || log_says(r, "not found") || log_says(r, "does not exist") ||
        log_says(r, "Authentication failed") || log_says(r, "does not appear to be a git repository"))
        return job_end(j, BUILD_NO_REPOSITORY, "repository %s is not there or not public", j->source.url);
    return job_end_log(j, BUILD_NO_REPOSITORY, arena_printf(j->arena, "repository %s cannot be had", j->source.url),
                       r->output);
}

static bool start_repository(struct job *j) {
    struct sandbox_result r;
    if (!GIT(j, &r, "init", "-q", "--bare", "--template=", "--initial-branch=none", GIT_DIR))
        return false;
    // A mapped folder belongs to somebody else, which git takes only from a settings file.
    if (succeeded(&r) && j->local && !GIT(j, &r, "config", "--file", GIT_SETTINGS, "safe.directory", "*"))
        return false;
    if (!succeeded(&r))
        return err_set(j->e, ERR_IO, "git does not work: %.*s", SLICE_FMT(r.output)) || job_fail(j);
    return true;
}

struct remote_ref {
    char commit[41];
    const char *name; // "refs/heads/main", …; an annotated tag's commit is what it points to
};

static bool hex40(const char *p) {
    for (int i = 0; i < 40; i++)
        if (!strchr("0123456789abcdef", p[i]) || !p[i])
            return false;
    return p[40] == '\t';
}

// Reads `git ls-remote`; each line "COMMIT<tab>NAME". A peeled tag ("name^{}") replaces the tag object before it.
static size_t read_refs(struct job *j, struct slice text, struct remote_ref **out) {
    char *copy = arena_text(j->arena, text), *save = NULL;
    size_t n = 0, lines = 1;
    for (const char *p = copy; *p; p++)
        lines += *p == '\n';
    struct remote_ref *refs = arena_calloc(j->arena, lines, sizeof *refs);
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

static const struct remote_ref *find_ref(const struct remote_ref *refs, size_t n, const char *prefix,
                                         const char *name) {
    for (size_t i = 0; i < n; i++)
        if (strncmp(refs[i].name, prefix, strlen(prefix)) == 0 && strcmp(refs[i].name + strlen(prefix), name) == 0)
            return &refs[i];
    return NULL;
}

// Asks the remote for what the source's ref names; *found NULL and the job ended when it names nothing.
static bool look_up(struct job *j, const struct remote_ref **found) {
    const char *ref = j->source.ref;
    struct sandbox_result r;
    struct remote_ref *refs;
    *found = NULL;
    if (!GIT(j, &r, "ls-remote", "--quiet", "--", j->url, ref, arena_printf(j->arena, "%s^{}", ref)))
        return false;
    if (!succeeded(&r))
        return unreachable(j, &r);
    size_t n = read_refs(j, r.output, &refs);
    bool whole = strcmp(ref, "HEAD") == 0 || strncmp(ref, "refs/", 5) == 0;
    const struct remote_ref *branch = find_ref(refs, n, whole ? "" : "refs/heads/", ref);
    const struct remote_ref *tag = whole ? NULL : find_ref(refs, n, "refs/tags/", ref);
    if (branch && tag && memcmp(branch->commit, tag->commit, 40) != 0)
        return job_end(j, BUILD_NO_COMMIT, "'%s' is both a branch and a tag of %s: say refs/heads/%s or refs/tags/%s",
                       ref, j->source.url, ref, ref);
    *found = branch ? branch : tag;
    return *found ||
           job_end(j, BUILD_NO_COMMIT, "'%s' is no branch or tag of %s; a commit is named by its 40 hexadecimal digits",
                   ref, j->source.url);
}

bool fetch_resolve(struct job *j) {
    const struct remote_ref *found;
    if (!start_repository(j) || !look_up(j, &found))
        return false;
    memcpy(j->result->commit, found->commit, sizeof found->commit);
    return true;
}

// A branch or tag whose tip is the commit: the usual case, and the cheap one. NULL when there is none.
static bool find_tip(struct job *j, const char **name) {
    struct sandbox_result r;
    struct remote_ref *refs;
    *name = NULL;
    static const char *const words[] = {"ls-remote", "--quiet", "--heads", "--tags", "--"};
    const char *argv[ARRAY_LEN(words) + 2];
    memcpy(argv, words, sizeof words);
    argv[ARRAY_LEN(words)] = j->url, argv[ARRAY_LEN(words) + 1] = NULL;
    if (!git(j, &r, 4u << 20, argv))
        return false;
    if (!succeeded(&r))
        return unreachable(j, &r);
    size_t n = read_refs(j, r.output, &refs);
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
    return succeeded(&r) || unreachable(j, &r);
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
    if (!succeeded(&r))
        return unreachable(j, &r);
    if (!GIT(j, &r, "config", "remote.origin.promisor", "false") ||
        !GIT(j, &r, "for-each-ref", "--count=1", "--format=%(refname)", "--contains", j->result->commit))
        return false;
    if (!succeeded(&r) || !slice_starts(r.output, SLICE_LIT("refs/")))
        return no_commit(j);
    return GIT(j, &r, "config", "remote.origin.promisor", "true");
}

bool fetch_checkout(struct job *j) {
    static const char *const mkdir_argv[] = {"/usr/bin/mkdir", JOB_SRC, NULL};
    static const char *const rm_argv[] = {"/usr/bin/rm", "-rf", GIT_DIR, NULL};
    static const char *const none[] = {NULL};
    struct sandbox_command mk = {.argv = mkdir_argv, .env = none};
    struct sandbox_result r;
    const char *tip;
    if (!start_repository(j) || !find_tip(j, &tip))
        return false;
    if (!(tip ? fetch_tip(j, tip) : fetch_history(j)) || !job_run(j, &mk, &r))
        return false;
    if (!GIT(j, &r, "-c", "core.bare=false", "--work-tree=" JOB_SRC, "checkout", "-q", "-f", j->result->commit, "--",
             "."))
        return false;
    if (!succeeded(&r) && (log_says(&r, "No space left") || log_says(&r, "unable to write")))
        return job_end(j, BUILD_NO_REPOSITORY, "the files of %s are larger than the %llu MB that a build has",
                       j->source.url, (unsigned long long)(j->builder->work_bytes >> 20));
    if (!succeeded(&r)) // a tip may have moved between the two questions
        return log_says(&r, "not a tree") || log_says(&r, "pathspec") ? no_commit(j) : unreachable(j, &r);
    mk.argv = rm_argv; // history is not part of what is built, and makes room
    return job_run(j, &mk, &r);
}

// --- crates
// -------------------------------------------------------------------------------------------------------------

static bool dependency_ended(struct job *j, const struct sandbox_result *r) {
    const char *seen = proxy_trouble(j->proxy, j->arena);
    if (log_says(r, "--locked") || log_says(r, "lock file"))
        return job_end_log(j, BUILD_DEPENDENCY, "Cargo.lock is missing or does not fit Cargo.toml: commit it",
                           r->output);
    if (log_says(r, "failed to parse manifest") || log_says(r, "invalid manifest"))
        return job_end_log(j, BUILD_FAILED, "Cargo.toml is not acceptable", r->output);
    return job_end_log(j, BUILD_DEPENDENCY,
                       seen ? arena_printf(j->arena, "a dependency cannot be had (%s)", seen)
                            : "a dependency cannot be had",
                       r->output);
}

bool fetch_crates(struct job *j) {
    static const char *const argv[] = {"/usr/bin/cargo",           "fetch",    "--locked",      "--manifest-path",
                                       JOB_SRC "/Cargo.toml",      "--target", "wasm32-wasip1", "--target",
                                       "x86_64-unknown-linux-gnu", NULL};
    const char *proxy = arena_printf(j->arena, "https_proxy=http://127.0.0.1:%u", proxy_port(j->proxy));
    const char *http = arena_printf(j->arena, "http_proxy=http://127.0.0.1:%u", proxy_port(j->proxy));
    const char *env[] = {"PATH=/usr/bin:/bin",
                         "HOME=/home",
                         "LC_ALL=C.UTF-8",
                         "CARGO_HOME=" JOB_CARGO,
                         "RUSTC=/usr/bin/rustc",
                         "CARGO_TERM_COLOR=never",
                         "CARGO_HTTP_CAINFO=/etc/ssl/certs/ca-certificates.crt",
                         "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt",
                         "CARGO_NET_GIT_FETCH_WITH_CLI=false",
                         "GIT_CONFIG_NOSYSTEM=1",
                         "GIT_CONFIG_GLOBAL=/dev/null",
                         "GIT_TERMINAL_PROMPT=0",
                         "CARGO_NET_RETRY=1",
                         proxy,
                         http,
                         NULL};
    struct sandbox_command c = {.argv = argv, .env = env, .dir = "/home", .network = true};
    struct sandbox_result r;
    if (!job_run(j, &c, &r))
        return false;
    return succeeded(&r) || dependency_ended(j, &r);
}
