// SPDX-License-Identifier: Apache-2.0
// Phase one: network, but nothing of the repository executes. git knows no configuration but ours, no hooks, no
// submodules, no filters, and no protocol but https (or the one mapped folder); cargo runs from an empty folder, so
// that neither .cargo/config.toml nor rust-toolchain.toml of the checkout have a say.
#include "builder/git.h"
#include "builder/proxy.h"

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
    mk.argv = rm_argv; // history is not part of what is built, and makes room
    return job_run(j, &mk, &r);
}

// --- crates

static bool dependency_ended(struct job *j, const struct sandbox_result *r) {
    const char *seen = proxy_trouble(j->proxy, j->arena);
    if (proxy_trouble_is_ours(j->proxy))
        return err_set(j->e, ERR_UNAVAILABLE, "%s", seen) || job_fail(j);
    if (git_says(r, "--locked") || git_says(r, "lock file"))
        return job_end_log(j, BUILD_DEPENDENCY, "Cargo.lock is missing or does not fit Cargo.toml: commit it",
                           r->output);
    if (git_says(r, "failed to parse manifest") || git_says(r, "invalid manifest"))
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
    const char *env[] = {"PATH=/usr/bin:/bin", "HOME=/home", "LC_ALL=C.UTF-8", "CARGO_HOME=" JOB_CARGO,
                         // The build's own compiler, wrapper and folder: what cargo asks the compiler (four starts of
                         // it) is kept there, and the build need not ask again.
                         "CARGO_TARGET_DIR=" JOB_TARGET, "RUSTC=/guest/bin/rustc", "RUSTC_WRAPPER=/usr/bin/env",
                         "RUSTC_WORKSPACE_WRAPPER=/usr/bin/env", "CARGO_TERM_COLOR=never",
                         "CARGO_HTTP_CAINFO=/etc/ssl/certs/ca-certificates.crt",
                         "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt", "CARGO_NET_GIT_FETCH_WITH_CLI=false",
                         "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_TERMINAL_PROMPT=0",
                         "CARGO_NET_RETRY=1", proxy, http, NULL};
    struct sandbox_command c = {.argv = argv, .env = env, .dir = "/home", .network = true, .ours = true};
    struct sandbox_result r;
    if (!job_run(j, &c, &r))
        return false;
    return git_succeeded(&r) || dependency_ended(j, &r);
}
