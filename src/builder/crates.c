// SPDX-License-Identifier: Apache-2.0
#include "builder/crates.h"

#include "base/clock.h"
#include "builder/cargo_config.h"
#include "builder/crate_cache.h"
#include "builder/git.h"
#include "builder/proxy.h"

#define CONFIGS_MAX 16    // files above one another
#define WORKSPACES_MAX 16 // that a recipe's crates are fetched for
#define FETCH_DIR SANDBOX_WORK "/fetch"
#define METADATA_MAX (8u << 20)
#define WORDS_MAX 64

// A workspace under way.
struct fetch {
    struct job *job;
    const char *folder;               // in the checkout
    const char *manifest;             // its Cargo.toml
    const char *configs[CONFIGS_MAX]; // what of .cargo/config.toml may be said here, files in the box
    size_t config_count;
    struct package package;
    const char *lock_path;
    bool locked; // by the repository
    bool known;  // the lock was made for an earlier build
    struct slice lock;
};

// --- cargo

static bool run_cargo(struct fetch *f, struct sandbox_result *r, bool network, size_t output_max,
                      const char *const *words) {
    struct job *j = f->job;
    unsigned port = proxy_port(j->proxy);
    const char *argv[WORDS_MAX + 2 * CONFIGS_MAX + 2] = {"/usr/bin/cargo"};
    const char *env[] = {"PATH=/usr/bin:/bin", "HOME=/home", "LC_ALL=C.UTF-8", "CARGO_HOME=" JOB_CARGO,
                         // The build's own compiler, wrapper and folder: what cargo asks the compiler (four starts of
                         // it) is kept there, and the build need not ask again.
                         "CARGO_TARGET_DIR=" JOB_TARGET, "RUSTC=/guest/bin/rustc", "RUSTC_WRAPPER=/usr/bin/env",
                         "RUSTC_WORKSPACE_WRAPPER=/usr/bin/env", "CARGO_TERM_COLOR=never",
                         "CARGO_HTTP_CAINFO=/etc/ssl/certs/ca-certificates.crt",
                         "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt", "CARGO_NET_GIT_FETCH_WITH_CLI=false",
                         "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_TERMINAL_PROMPT=0",
                         // Where versions are chosen, those that this compiler is new enough for.
                         "CARGO_RESOLVER_INCOMPATIBLE_RUST_VERSIONS=fallback", "CARGO_NET_RETRY=1",
                         arena_printf(j->arena, "https_proxy=http://127.0.0.1:%u", port),
                         arena_printf(j->arena, "http_proxy=http://127.0.0.1:%u", port),
                         // `cargo config get` is an unstable command; nothing else here asks for what is.
                         strcmp(words[0], "config") == 0 ? "RUSTC_BOOTSTRAP=1" : NULL, NULL};
    size_t n = 1;
    for (size_t i = 0; words[i]; i++, n++) {
        BUG_ON(i == WORDS_MAX);
        argv[n] = words[i];
    }
    for (size_t i = 0; i < f->config_count; i++)
        argv[n++] = "--config", argv[n++] = f->configs[i];
    struct sandbox_command c = {
        .argv = argv, .env = env, .dir = "/home", .network = network, .ours = true, .output_max = output_max};
    return job_run(j, &c, r);
}
#define CARGO(f, r, network, max, ...) run_cargo(f, r, network, max, (const char *const[]){__VA_ARGS__, NULL})

// cargo's answer is a line of JSON among what it says to people.
static json_t *answer(const struct sandbox_result *r) {
    struct err e;
    for (struct slice rest = r->output; rest.len;) {
        const uint8_t *end = memchr(rest.ptr, '\n', rest.len);
        struct slice line = slice_of(rest.ptr, end ? (size_t)(end - rest.ptr) : rest.len);
        rest = slice_skip(rest, line.len + 1);
        if (line.len && line.ptr[0] == '{')
            return json_parse(line, METADATA_MAX, &e);
    }
    return NULL;
}

// --- settings

static bool refuse_config(struct fetch *f, const char *path, struct slice text, const char *setting) {
    unsigned line = cargo_config_line(text, setting);
    const char *where = line ? arena_printf(f->job->arena, ", line %u", line) : "";
    return job_end(f->job, BUILD_FAILED,
                   "%s%s: %s would run a program that is not part of the build's own system: take it out, or give the "
                   "repository an outlayer.toml",
                   path + sizeof JOB_SRC, where, setting);
}

static bool keep_config(struct fetch *f, const json_t *settings, const char *base) {
    struct job *j = f->job;
    SCOPED_BUF(data, CARGO_CONFIG_MAX / 4); // an argument has 128 KiB
    cargo_config_data(&data, j->arena, settings, base);
    if (data.full)
        return job_end(j, BUILD_FAILED, "%s/.cargo/config.toml says more than is read", base);
    if (!data.len)
        return true;
    if (f->config_count == CONFIGS_MAX)
        return job_end(j, BUILD_FAILED, "more than %d files named .cargo/config.toml are above one another",
                       CONFIGS_MAX);
    const char *path = arena_printf(j->arena, FETCH_DIR "/%u.toml", j->configs++);
    const char *argv[] = {"/bin/sh", "-ec", "mkdir -p \"${1%/*}\"; printf %s \"$2\" >\"$1\"",
                          "sh",      path,  arena_text(j->arena, buf_slice(&data)),
                          NULL};
    static const char *const env[] = {"PATH=/usr/bin:/bin", NULL};
    struct sandbox_command c = {.argv = argv, .env = env, .ours = true};
    struct sandbox_result r;
    if (!job_run(j, &c, &r))
        return false;
    f->configs[f->config_count++] = path;
    return true;
}

static bool read_config(struct fetch *f, const char *base, const char *name, bool *there) {
    struct job *j = f->job;
    const char *path = arena_printf(j->arena, "%s/.cargo/%s", base, name);
    struct sandbox_result r;
    struct slice text;
    struct err e = {0};
    size_t kept = f->config_count;
    *there = sandbox_read(j->box, j->arena, path, CARGO_CONFIG_MAX, &text, &e);
    if (!*there)
        return e.code == ERR_NOT_FOUND || job_end(j, BUILD_FAILED, "%s", e.msg);
    f->config_count = 0; // the file alone
    bool ok = CARGO(f, &r, false, CARGO_CONFIG_MAX * 2, "config", "get", "-Zunstable-options", "--format", "json",
                    "--config", path);
    f->config_count = kept;
    if (!ok)
        return false;
    SCOPED_JSON(settings) = answer(&r);
    if (!settings)
        return job_end_log(j, BUILD_FAILED, arena_printf(j->arena, "%s is not acceptable", path + sizeof JOB_SRC),
                           r.output);
    const char *setting = cargo_config_program(j->arena, settings, source_target_text(j->source.target));
    return setting ? refuse_config(f, path, text, setting) : keep_config(f, settings, base);
}

// Of the root, and of each folder from there to the package's: the nearer ones are read last, and win.
static bool read_configs(struct fetch *f) {
    const char *folder = f->folder;
    for (size_t n = 0;; n += strcspn(folder + n, "/")) {
        const char *base = n ? arena_printf(f->job->arena, JOB_SRC "/%.*s", (int)n, folder) : JOB_SRC;
        bool there;
        if (!read_config(f, base, "config", &there) || // the older name, which cargo prefers
            (!there && !read_config(f, base, "config.toml", &there)))
            return false;
        if (!folder[n])
            return true;
        n += folder[n] == '/';
    }
}

// --- the package and its lock

static bool read_package(struct fetch *f) {
    struct job *j = f->job;
    struct sandbox_result r;
    struct err e = {0};
    if (!CARGO(f, &r, false, METADATA_MAX, "metadata", "--no-deps", "--offline", "--format-version", "1",
               "--manifest-path", f->manifest))
        return false;
    if (r.cut)
        return job_end(j, BUILD_FAILED,
                       "the workspace of Cargo.toml is larger than is read: its description has more than %u MB",
                       METADATA_MAX >> 20);
    SCOPED_JSON(metadata) = git_succeeded(&r) ? answer(&r) : NULL;
    if (!metadata)
        return job_end_log(j, BUILD_FAILED, "Cargo.toml is not acceptable", r.output);
    if (!package_read(&f->package, j->arena, metadata, f->manifest, &e))
        return job_end(j, BUILD_FAILED, "Cargo.toml is not acceptable: %s", e.msg);
    f->lock_path = arena_printf(j->arena, "%s/Cargo.lock", f->package.root);
    return true;
}

static bool look_for_lock(struct fetch *f) {
    struct err e = {0};
    f->locked = sandbox_read(f->job->box, f->job->arena, f->lock_path, BUILD_LOCK_MAX, &f->lock, &e);
    return f->locked || e.code == ERR_NOT_FOUND || job_end(f->job, BUILD_DEPENDENCY, "Cargo.lock: %s", e.msg);
}

// The lock that was made is part of what is built: it is kept, as it is, or where there are several, each below its
// name.
static bool keep_lock(struct fetch *f) {
    struct job *j = f->job;
    struct build_result *out = j->result;
    struct err e = {0};
    if (!sandbox_read(j->box, j->arena, f->lock_path, BUILD_LOCK_MAX, &f->lock, &e))
        return job_end(j, BUILD_DEPENDENCY, "Cargo.lock: %s", e.msg);
    const char *named = arena_printf(j->arena, "# %s\n%.*s", f->lock_path + sizeof JOB_SRC, SLICE_FMT(f->lock));
    j->locks = j->locks ? arena_printf(j->arena, "%s\n%s", j->locks, named) : named;
    out->lock = out->lock.len ? slice_str(j->locks) : f->lock;
    if (out->lock.len > BUILD_LOCK_MAX)
        return job_end(j, BUILD_DEPENDENCY, "the locks of this repository's dependencies are larger than %u MB",
                       BUILD_LOCK_MAX >> 20);
    out->lock_hash = sha256(out->lock);
    out->lock_made = f->known && j->known_made ? j->known_made : clock_wall_ms() / 1000;
    return true;
}

// What a lock that does not fit lacks, or has too much of: cargo tells only whoever lets it write.
static bool does_not_fit(struct fetch *f, const struct sandbox_result *why) {
    struct job *j = f->job;
    struct sandbox_result r;
    const char *changes = "";
    if (!CARGO(f, &r, true, 0, "update", "--workspace", "--dry-run", "--manifest-path", f->manifest))
        return false;
    const char *text = arena_text(j->arena, r.output);
    for (const char *line = text; *line; line += strcspn(line, "\n") + (line[strcspn(line, "\n")] == '\n')) {
        size_t skip = strspn(line, " "), len = strcspn(line, "\n");
        bool change = false;
        static const char *const words[] = {"Adding ", "Removing ", "Updating ", "Downgrading "};
        for (size_t i = 0; i < ARRAY_LEN(words); i++)
            change |= strncmp(line + skip, words[i], strlen(words[i])) == 0 && !strstr(words[i], "index");
        if (change && !memmem(line, len, "index", 5) && strlen(changes) < 300)
            changes = arena_printf(j->arena, "%s%s%.*s", changes, *changes ? ", " : "", (int)(len - skip), line + skip);
    }
    if (!*changes)
        return job_end_log(j, BUILD_DEPENDENCY, "Cargo.lock does not fit Cargo.toml: make it anew and commit it",
                           git_succeeded(&r) ? why->output : r.output);
    return job_end(j, BUILD_DEPENDENCY,
                   "Cargo.lock does not fit Cargo.toml: cargo would change it (%s): run cargo build once and commit "
                   "the lock",
                   changes);
}

static bool dependency_ended(struct fetch *f, const struct sandbox_result *r) {
    struct job *j = f->job;
    const char *seen = proxy_trouble(j->proxy, j->arena);
    if (proxy_trouble_is_ours(j->proxy))
        return err_set(j->e, ERR_UNAVAILABLE, "%s", seen) || job_fail(j);
    if (git_says(r, "--locked"))
        return does_not_fit(f, r);
    if (git_says(r, "failed to parse manifest") || git_says(r, "invalid manifest"))
        return job_end_log(j, BUILD_FAILED, "Cargo.toml is not acceptable", r->output);
    return job_end_log(j, BUILD_DEPENDENCY,
                       seen ? arena_printf(j->arena, "a dependency cannot be had (%s)", seen)
                            : "a dependency cannot be had",
                       r->output);
}

static bool is_header(struct slice line) {
    static const char end[] = "Cargo.lock";
    return line.len > sizeof end && line.ptr[0] == '#' &&
           memcmp(line.ptr + line.len - (sizeof end - 1), end, sizeof end - 1) == 0;
}

// Of a lock that was made before, this workspace's: all of it, or of several what stands below its name (keep_lock).
static struct slice known_lock(const struct fetch *f) {
    struct slice all = f->job->known_lock, rest = all, out = {0};
    const char *mine = arena_printf(f->job->arena, "# %s", f->lock_path + sizeof JOB_SRC);
    bool inside = false;
    for (bool first = true; rest.len; first = false) {
        const uint8_t *end = memchr(rest.ptr, '\n', rest.len);
        struct slice line = slice_of(rest.ptr, end ? (size_t)(end - rest.ptr) : rest.len);
        rest = slice_skip(rest, line.len + 1);
        if (first && !is_header(line))
            return all;
        if (is_header(line))
            inside = slice_eq_str(line, mine);
        else if (inside)
            out = out.len ? slice_of(out.ptr, (size_t)(line.ptr + line.len + (end ? 1 : 0) - out.ptr))
                          : slice_of(line.ptr, line.len + (end ? 1 : 0));
    }
    return out;
}

#define ARGUMENT_MAX (120u << 10) // a larger lock is made anew

static bool lay_out_lock(struct fetch *f, struct slice lock) {
    struct job *j = f->job;
    const char *argv[] = {"/bin/sh", "-ec", "printf %s \"$2\" >\"$1\"", "sh", f->lock_path, arena_text(j->arena, lock),
                          NULL};
    static const char *const env[] = {"PATH=/usr/bin:/bin", NULL};
    struct sandbox_command c = {.argv = argv, .env = env, .ours = true};
    struct sandbox_result r;
    f->known = true;
    return job_run(j, &c, &r) && keep_lock(f);
}

static bool make_lock(struct fetch *f) {
    struct sandbox_result r;
    struct slice known = known_lock(f);
    if (known.len && known.len < ARGUMENT_MAX && !memchr(known.ptr, 0, known.len))
        return lay_out_lock(f, known);
    if (!CARGO(f, &r, true, 0, "generate-lockfile", "--manifest-path", f->manifest))
        return false;
    return git_succeeded(&r) ? keep_lock(f) : dependency_ended(f, &r);
}

static bool download(struct fetch *f) {
    struct sandbox_result r;
    const char *target = source_target_text(f->job->source.target);
    if (!CARGO(f, &r, true, 0, "fetch", "--locked", "--manifest-path", f->manifest, "--target", target, "--target",
               "x86_64-unknown-linux-gnu"))
        return false;
    return git_succeeded(&r) || dependency_ended(f, &r);
}

static bool fetch_workspace(struct fetch *f) {
    struct job *j = f->job;
    f->manifest = arena_printf(j->arena, JOB_SRC "/%s%sCargo.toml", f->folder, *f->folder ? "/" : "");
    return read_configs(f) && read_package(f) && look_for_lock(f) && (f->locked || make_lock(f)) &&
           crate_cache_lay_out(j, f->lock) && download(f) && crate_cache_keep(j, f->lock);
}

bool crates_fetch(struct job *j, struct package *out) {
    struct fetch f = {.job = j, .folder = j->folder};
    bool ok = fetch_workspace(&f);
    *out = f.package;
    return ok;
}

// --- all of them

struct covered {
    const char *const *manifests;
    size_t count;
};

static bool is_covered(const struct covered *done, size_t n, const char *manifest) {
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < done[i].count; k++)
            if (strcmp(done[i].manifests[k], manifest) == 0)
                return true;
    return false;
}

bool crates_fetch_all(struct job *j, const char **missing) {
    struct survey s;
    struct covered done[WORKSPACES_MAX];
    size_t n = 0, tried = 0;
    *missing = NULL;
    if (!survey_take(j, &s))
        return false;
    for (size_t i = 0; i < s.count && tried < WORKSPACES_MAX; i++) {
        const struct manifest *m = &s.manifests[i];
        struct fetch f = {.job = j, .folder = m->folder};
        const char *path = arena_printf(j->arena, JOB_SRC "/%s%sCargo.toml", m->folder, *m->folder ? "/" : "");
        if (strcmp(m->name, "Cargo.toml") != 0 || is_covered(done, n, path))
            continue;
        tried++;
        if (fetch_workspace(&f)) {
            done[n++] = (struct covered){f.package.manifests, f.package.manifest_count};
            continue;
        }
        if (j->failed || j->result->end == BUILD_TIMEOUT)
            return false;
        if (!*missing)
            *missing = arena_printf(j->arena, "%s: %s", path + sizeof JOB_SRC, j->result->reason);
        j->result->end = BUILD_OK, j->result->reason = NULL;
    }
    return true;
}
