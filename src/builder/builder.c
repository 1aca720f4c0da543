// SPDX-License-Identifier: Apache-2.0
#include "builder/build.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "blobs/blobs.h"
#include "builder/job.h"
#include "builder/survey.h"
#include "builder/tree.h"
#include <limits.h>
#include <sys/stat.h>

// Changes whenever the same toolchain would give other modules: flags, environment, order of steps.
#define RECIPE_VERSION "outlayer-build-recipe-3"
#define TRY_SYSTEM_MS 30000

const char *build_end_slug(enum build_end end) {
    switch (end) {
    case BUILD_OK: return "ok";
    case BUILD_BAD_SOURCE: return "bad_source";
    case BUILD_NO_REPOSITORY: return "no_repository";
    case BUILD_NO_COMMIT: return "no_commit";
    case BUILD_NO_RECIPE: return "no_recipe";
    case BUILD_DEPENDENCY: return "dependency";
    case BUILD_FAILED: return "build_failed";
    case BUILD_TIMEOUT: return "timeout";
    case BUILD_BAD_OUTPUT: return "bad_output";
    case BUILD_NO_ISOLATION: return "no_isolation";
    case BUILD_PLATFORM: return "platform";
    }
    BUG_ON(true);
    return "";
}

// --- the builder itself

static bool read_toolchain(struct builder *b, const char *guest_dir, struct err *e) {
    char hex[65];
    struct hash contents;
    if (!tree_open(b->arena, guest_dir, &b->guest_dir, &contents, e))
        return false;
    b->system = arena_printf(b->arena, "%s/root", b->guest_dir);
    struct sha256 s;
    sha256_init(&s);
    sha256_add(&s, slice_str(RECIPE_VERSION "\n"));
    sha256_add(&s, hash_slice(&contents));
    struct hash h = sha256_end(&s);
    b->toolchain = arena_strdup(b->arena, hash_hex(&h, hex));
    return true;
}

// A tree on a file system from which nothing may be executed, or without what a build needs, is found out here.
static bool try_system(struct builder *b, struct err *e) {
    static const char *const argv[] = {"/bin/sh", "-c", "git --version && rustc --version && make --version", NULL};
    static const char *const env[] = {"PATH=/guest/bin:/usr/bin:/bin", NULL};
    SCOPED_ARENA(a);
    struct build_result result = {0};
    struct job j = {
        .builder = b, .arena = a, .e = e, .result = &result, .patience = {clock_mono_ms() + TRY_SYSTEM_MS, NULL}};
    struct sandbox_command c = {.argv = argv, .env = env};
    struct sandbox_result r = {0};
    bool ok = job_box(&j) && job_run(&j, &c, &r);
    job_close(&j);
    if (ok && (r.end != SANDBOX_EXITED || r.status != 0))
        return err_set(e, ERR_SETTINGS, "the tools in '%s' do not work in a sandbox: %.*s", b->system,
                       SLICE_FMT(r.output));
    return ok || (j.failed ? err_wrap(e, "cannot try the tools in '%s'", b->system)
                           : err_set(e, ERR_SETTINGS, "cannot try the tools in '%s': %s", b->system, result.reason));
}

// The certificates by which this machine trusts its peers: as its programs are told, else Debian's.
static const char *find_ca_file(struct arena *a) {
    static const char *const names[] = {"GIT_SSL_CAINFO", "CARGO_HTTP_CAINFO", "SSL_CERT_FILE", "CURL_CA_BUNDLE"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const char *path = getenv(names[i]);
        if (path && path[0] == '/' && access(path, R_OK) == 0)
            return arena_strdup(a, path);
    }
    static const char debian[] = "/etc/ssl/certs/ca-certificates.crt";
    return access(debian, R_OK) == 0 ? debian : NULL;
}

static bool open_crates(struct builder *b, const struct build_settings *s, struct err *e) {
    char real[PATH_MAX];
    if (!blobs_open(&b->crates, s->crates_dir, s->crates_bytes ? s->crates_bytes : 1ull << 30, e) ||
        !blobs_share(b->crates, e))
        return false;
    if (!realpath(s->crates_dir, real))
        return err_errno(e, "cannot find '%s'", s->crates_dir);
    b->crates_dir = arena_strdup(b->arena, real);
    return true;
}

static uint64_t smaller(uint64_t a, uint64_t b) { return a < b ? a : b; }

bool builder_new(struct builder **out, const struct build_settings *s, struct err *e) {
    struct arena *a = arena_new();
    struct builder *b = arena_calloc(a, 1, sizeof *b);
    uint64_t memory = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
    *out = NULL;
    b->arena = a;
    b->offer = sandbox_probe(NULL);
    b->work_bytes = s->disk_bytes ? s->disk_bytes : smaller(1ull << 30, memory / 4);
    b->memory_bytes = s->memory_bytes ? s->memory_bytes : smaller(4ull << 30, memory / 2);
    if (!b->offer->cgroup.memory) // nobody counts its files as the memory that they are
        b->work_bytes = smaller(b->work_bytes, b->memory_bytes);
    b->egress = s->egress;
    b->ca_file = find_ca_file(a);
    if ((s->guest_dir && !read_toolchain(b, s->guest_dir, e)) || (s->crates_dir && !open_crates(b, s, e)) ||
        (s->guest_dir && b->offer->can_isolate && !try_system(b, e)) ||
        !source_map_parse(&b->map, a, s->repo_map ? s->repo_map : "", e)) {
        builder_free(b);
        return false;
    }
    *out = b;
    return true;
}

void builder_free(struct builder *b) {
    if (!b)
        return;
    blobs_free(b->crates);
    arena_free(b->arena);
}

bool builder_can_isolate(const struct builder *b, const char **how) {
    if (how)
        *how = b->offer->text;
    return b->offer->can_isolate;
}

const char *builder_toolchain(const struct builder *b) { return b->toolchain; }

// --- jobs

static void add_text(struct sha256 *s, const char *text) {
    size_t n = strlen(text);
    uint8_t len[4] = {(uint8_t)n, (uint8_t)(n >> 8), (uint8_t)(n >> 16), (uint8_t)(n >> 24)};
    sha256_add(s, slice_of(len, sizeof len));
    sha256_add(s, slice_of(text, n));
}

static struct hash build_key(const struct job *j) {
    struct sha256 s;
    sha256_init(&s);
    add_text(&s, j->source.place);
    add_text(&s, j->result->commit);
    add_text(&s, source_target_text(j->source.target));
    add_text(&s, j->builder->toolchain);
    return sha256_end(&s);
}

bool job_start(struct job *j, const struct build_source *s, const struct patience *w) {
    struct err why = {0};
    BUG_ON(!w->deadline_ms);
    j->patience = *w;
    if (!source_parse(&j->source, j->arena, s->repo, s->ref, s->target, &why))
        return job_end(j, BUILD_BAD_SOURCE, "%s%s%s", why.msg, why.hint[0] ? "; " : "", why.hint);
    j->result->repo = j->source.place;
    j->folder = j->source.folder ? j->source.folder : "";
    j->dir = j->folder[0] ? arena_printf(j->arena, JOB_SRC "/%s", j->folder) : JOB_SRC;
    j->local = source_map_find(&j->builder->map, j->arena, j->source.name);
    struct stat st;
    if (j->local && (stat(j->local, &st) != 0 || !S_ISDIR(st.st_mode)))
        return job_end(j, BUILD_NO_REPOSITORY, "repository %s is not there", j->source.url);
    j->url = j->local ? "/repository" : j->source.url;
    return true;
}

static bool need_isolation(struct job *j) {
    BUG_ON(!j->builder->toolchain);
    return j->builder->offer->can_isolate ||
           job_end(j, BUILD_NO_ISOLATION, "this worker cannot build: %s", j->builder->offer->text);
}

static bool look_up(struct job *j) {
    uint64_t start = clock_mono_ms(), end = j->patience.deadline_ms;
    bool ok = need_isolation(j) && job_open(j) && fetch_resolve(j);
    j->result->resolve_ms = clock_mono_ms() - start + 1; // begun milliseconds
    if (!ok && j->result->end == BUILD_TIMEOUT)
        job_end(j, BUILD_TIMEOUT, "looking '%s' up in %s took longer than %.1f s", j->source.ref, j->source.url,
                (double)(end > start ? end - start : 0) / 1000);
    return ok;
}

bool builder_resolve(struct builder *b, struct arena *a, const struct build_source *s, const struct patience *w,
                     struct build_result *out, struct err *e) {
    struct job j = {.builder = b, .arena = a, .result = out, .e = e};
    *out = (struct build_result){.end = BUILD_OK};
    bool ok = job_start(&j, s, w);
    // A commit needs no look-up: whether the repository has it is found out when it is fetched to be built, and a
    // build that is there already has proved it.
    if (ok && j.source.is_commit)
        memcpy(out->commit, j.source.ref, sizeof out->commit);
    else if (ok)
        ok = look_up(&j);
    job_close(&j);
    if (ok)
        out->build_key = build_key(&j);
    return !j.failed;
}

static bool file_there(struct job *j, const char *name) {
    struct slice bytes;
    struct err e = {0};
    return sandbox_read(j->box, j->arena, arena_printf(j->arena, "%s/%s", j->dir, name), 1u << 20, &bytes, &e) ||
           e.code != ERR_NOT_FOUND;
}

static bool no_recipe(struct job *j) {
    const char *where = j->folder[0] ? arena_printf(j->arena, "its folder %s", j->folder) : "its root";
    job_end(j, BUILD_NO_RECIPE, "the repository has neither outlayer.toml nor Cargo.toml nor Makefile in %s", where);
    job_add_hint(j, survey_hint(j));
    return false;
}

// What is said wins over what is found.
static bool build_checkout(struct job *j) {
    if (file_there(j, "outlayer.toml"))
        return compile_recipe(j);
    if (file_there(j, "Cargo.toml"))
        return compile_cargo(j);
    if (file_there(j, "Makefile") || file_there(j, "makefile") || file_there(j, "GNUmakefile"))
        return compile_make(j);
    return no_recipe(j);
}

bool builder_build(struct builder *b, struct arena *a, const struct build_source *s, const struct patience *w,
                   struct build_result *io, struct err *e) {
    struct job j = {
        .builder = b, .arena = a, .result = io, .e = e, .known_lock = io->lock, .known_made = io->lock_made};
    uint64_t start = clock_mono_ms();
    io->lock = (struct slice){0}, io->lock_made = 0;
    BUG_ON(strlen(io->commit) != 40);
    bool ok = job_start(&j, s, w) && need_isolation(&j) && job_open(&j) && fetch_checkout(&j) && build_checkout(&j);
    io->build_ms = clock_mono_ms() - start; // what follows is our own tidying up
    job_close(&j);
    if (ok)
        io->reason = NULL;
    else if (!j.failed)
        log_info("build of %s %s ended: %s", j.source.url ? j.source.url : "?", io->commit, build_end_slug(io->end));
    return !j.failed;
}
