// SPDX-License-Identifier: Apache-2.0
#include "worker/modules.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/sync.h"
#include "worker/build_locks.h"
#include "worker/module_cache.h"
#include <inttypes.h>
#include <pthread.h>

#define LOCK_RETRY_MS 500
#define UNASKED_MS 5000 // for a coordinator that does not say whether it is built elsewhere
#define RESOLVE_MS 30000
#define BUILDS_WANTED 4 // for each place for builds: more are other workers' to do

// A build under way in this process, and when it has ended, how: for those who waited.
struct under_way {
    struct hash key;
    struct under_way *next;
    unsigned users; // who builds it, and who waits
    bool ended;
    enum build_end end;
    char *reason;
    uint64_t tried_ms; // longest that it might have taken
};

struct modules {
    struct modules_settings set;
    struct permits *permits;
    struct build_locks *locks;
    pthread_mutex_t lock; // guards the list, and what is in it
    pthread_cond_t ended; // one of the list has ended
    struct under_way *list;
    unsigned wanted;            // builds under way, and waiting for a place
    struct tally sources, ends; // where modules came from; how builds ended
    struct histogram built;
};

bool modules_new(struct modules **out, const struct modules_settings *s, struct err *e) {
    if (!file_make_dirs(s->dir, 0700, e))
        return false;
    struct modules *m = xcalloc(1, sizeof *m);
    m->set = *s;
    m->permits = permits_new(s->builds);
    pthread_mutex_init(&m->lock, NULL);
    cond_init(&m->ended);
    tally_init(&m->sources);
    tally_init(&m->ends);
    *out = m;
    return build_locks_start(&m->locks, &(struct build_locks_settings){.api = s->api}, e);
}

void modules_stop(struct modules *m, uint64_t ms) {
    if (m)
        build_locks_stop(m->locks, ms);
}

void modules_free(struct modules *m) {
    if (!m)
        return;
    build_locks_free(m->locks);
    permits_free(m->permits);
    pthread_cond_destroy(&m->ended);
    pthread_mutex_destroy(&m->lock);
    free(m);
}

void modules_figures(struct modules *m, struct buf *out) {
    pthread_mutex_lock(&m->lock);
    unsigned wanted = m->wanted;
    pthread_mutex_unlock(&m->lock);
    figure_head(out, FIGURE_COUNTER, "outlayer_worker_modules_total",
                "Modules that were had, by where they came from: cache, coordinator or build.");
    figure_tally(out, "outlayer_worker_modules_total", "from", &m->sources);
    figure_one(out, FIGURE_GAUGE, "outlayer_worker_builds_wanted", "Builds under way, and waiting for a place.",
               wanted);
    figure_head(out, FIGURE_COUNTER, "outlayer_worker_builds_total", "Builds, by how they ended.");
    figure_tally(out, "outlayer_worker_builds_total", "end", &m->ends);
    figure_head(out, FIGURE_HISTOGRAM, "outlayer_worker_build_seconds", "How long builds took.");
    figure_histogram(out, "outlayer_worker_build_seconds", NULL, &m->built);
    figure_one(out, FIGURE_COUNTER, "outlayer_worker_build_locks_lost_total",
               "Locks on builds that another worker had before the build ended.", build_locks_lost(m->locks));
}

// --- believing

// Whose word it is, and about what.
static bool believe(struct modules *m, struct arena *a, const struct build_record *r, const struct hash *build_key,
                    struct err *e) {
    bool is;
    if (!hash_eq(&r->build_key, build_key))
        return err_set(e, ERR_CORRUPT, "the record is of another build");
    if (!record_signature_good(r))
        return err_set(e, ERR_FORBIDDEN, "the record's signature is not good");
    if (!chain_key_is_operators(m->set.chain, a, &r->key, &is, e))
        return false;
    return is || err_set(e, ERR_FORBIDDEN, "%s is no key of the operator", public_key_text(a, &r->key));
}

// For people, on chain: when it was built, and with which dependencies where the repository does not say that.
static const char *note_of(struct arena *a, const struct build_record *r, bool cached) {
    char built[32], made[32], hex[65];
    const char *from = cached ? arena_printf(a, "Cached WASM from %s", clock_iso8601(r->built_at * 1000, built)) : NULL;
    if (!r->lock_made)
        return from;
    return arena_printf(a, "%s%sCargo.lock made %s, SHA-256 %s", cached ? from : "", cached ? "; " : "",
                        clock_iso8601(r->lock_made * 1000, made), hash_hex(&r->lock_hash, hex));
}

static void put_module(struct modules *m, struct arena *a, const struct build_record *r, struct module *out) {
    struct err e;
    out->unshared =
        !api_wasm_put(m->set.api, a, &r->wasm_hash, out->build.wasm, &e) || !api_record_put(m->set.api, a, r, &e);
    if (out->unshared)
        log_err(LOG_WARN, "the build could not be shared, others will build it again", &e);
}

static bool try_cache(struct modules *m, struct arena *a, struct module *out) {
    struct build_record r;
    struct err e;
    if (!module_cache_record(m->set.dir, a, &out->build.build_key, &r))
        return false;
    if (!believe(m, a, &r, &out->build.build_key, &e)) {
        log_err(LOG_WARN, "a build record of the cache is not used", &e);
        return false;
    }
    if (!module_cache_wasm(m->set.dir, a, &r.wasm_hash, &out->build.wasm))
        return false;
    out->build.wasm_hash = r.wasm_hash;
    out->note = note_of(a, &r, true);
    if (m->set.for_others) // which it has lost, or who runs it would have found it
        put_module(m, a, &r, out);
    tally_add(&m->sources, "cache");
    return true;
}

// The module is gone and will be built again: with the dependencies that it had.
static void take_lock(struct modules *m, struct arena *a, const struct build_record *r, struct module *out) {
    struct err e;
    if (r->lock_made && !out->build.lock.len) {
        if (api_lock_file_get(m->set.api, a, &r->lock_hash, &out->build.lock, &e))
            out->build.lock_made = r->lock_made;
        else
            log_err(LOG_WARN, "the lock of an earlier build is not there: a new one is made", &e);
    }
}

static bool try_record(struct modules *m, struct arena *a, const struct build_record *r, struct module *out) {
    struct slice wasm;
    struct err e;
    bool believed = believe(m, a, r, &out->build.build_key, &e);
    if (!believed || !api_wasm_get(m->set.api, a, &r->wasm_hash, &wasm, &e)) {
        log_err(LOG_WARN, "a build of another worker is not used", &e);
        if (believed)
            take_lock(m, a, r, out);
        return false;
    }
    module_cache_save(m->set.dir, a, m->set.max_bytes, r, wasm);
    out->build.wasm = wasm;
    out->build.wasm_hash = r->wasm_hash;
    out->note = note_of(a, r, true);
    tally_add(&m->sources, "coordinator");
    return true;
}

// Whoever has a token may have put a record there: the first by an operator's key whose module is there counts.
static bool try_coordinator(struct modules *m, struct arena *a, struct module *out) {
    struct build_record *records;
    size_t count;
    struct err e;
    if (!api_records_get(m->set.api, a, &out->build.build_key, &records, &count, &e)) {
        if (e.code != ERR_NOT_FOUND)
            log_err(LOG_WARN, "no build record", &e);
        return false;
    }
    for (size_t i = 0; i < count; i++)
        if (try_record(m, a, &records[i], out))
            return true;
    return false;
}

// --- building

static void publish(struct modules *m, struct arena *a, const struct build_source *s, struct module *out) {
    struct err e;
    struct build_record r = {.build_key = out->build.build_key,
                             .wasm_hash = out->build.wasm_hash,
                             .repo = out->build.repo,
                             .commit = out->build.commit,
                             .target = s->target,
                             .toolchain = builder_toolchain(m->set.builder),
                             .built_at = clock_wall_ms() / 1000,
                             .build_ms = out->build.build_ms,
                             .lock_hash = out->build.lock_hash,
                             .lock_made = out->build.lock_made};
    record_sign(&r, m->set.key);
    out->note = note_of(a, &r, false);
    module_cache_save(m->set.dir, a, m->set.max_bytes, &r, out->build.wasm);
    out->unshared = r.lock_made && !api_lock_file_put(m->set.api, a, &r.lock_hash, out->build.lock, &e);
    if (out->unshared)
        log_err(LOG_WARN, "the build's lock could not be shared, others will build it again", &e);
    else
        put_module(m, a, &r, out);
}

static uint64_t least(uint64_t a, uint64_t b) { return a < b ? a : b; }

// What is left of what is paid for.
static uint64_t paid_left(const struct module_wanted *w, const struct module *m) {
    return w->build_ms > m->build.resolve_ms ? w->build_ms - m->build.resolve_ms : 0;
}

// It says nothing of the next try, and what is told names another cause than the build's own.
static void tell_cut(struct arena *a, struct module *out) {
    if (out->cut_short)
        out->build.reason = arena_printf(a,
                                         "it was ended after %.1f s, when the request's time on chain was used up; "
                                         "more gas attached to the request buys more of it",
                                         (double)(out->build.resolve_ms + out->build.build_ms) / 1000);
}

static bool build(struct modules *m, struct arena *a, const struct module_wanted *w, struct module *out,
                  struct err *e) {
    uint64_t paid = paid_left(w, out), left = patience_left(&w->patience), ms = least(paid, left);
    const struct patience within = patience_within(&w->patience, ms);
    char hex[65];
    if (!ms) {
        out->build.end = BUILD_TIMEOUT;
        out->build.reason = "looking the ref up has used up the time that is paid for building";
        return !paid || patience_fail(&w->patience, "a build's beginning", e);
    }
    if (w->begins)
        w->begins(w->ctx);
    log_info("building repo=%s commit=%s target=%s key=%.12s deadline_ms=%" PRIu64, out->build.repo, out->build.commit,
             w->source.target, hash_hex(&out->build.build_key, hex), ms);
    if (!builder_build(m->set.builder, a, &w->source, &within, &out->build, e))
        return false;
    out->cut_short = out->build.end == BUILD_TIMEOUT && ms < paid;
    tell_cut(a, out);
    histogram_add(&m->built, out->build.build_ms * 1000);
    tally_add(&m->ends, build_end_slug(out->build.end));
    if (out->build.end == BUILD_OK)
        tally_add(&m->sources, "build");
    log_info("build end=%s ms=%" PRIu64 " bytes=%zu", build_end_slug(out->build.end), out->build.build_ms,
             out->build.wasm.len);
    if (out->build.end == BUILD_OK)
        publish(m, a, &w->source, out);
    return true;
}

// Lost time is waited out in steps: the coordinator's locks have no way to call us.
static bool step(struct modules *m, const struct patience *w) {
    struct patience once = patience_within(w, LOCK_RETRY_MS);
    pthread_mutex_lock(&m->lock);
    while (patience_wait(&once, &m->ended, &m->lock))
        ;
    pthread_mutex_unlock(&m->lock);
    return !patience_over(w);
}

// Whether it may be built now. *alone_ms: since when it is built even if the coordinator does not say that nobody else
// does; 0: it has always answered so far.
static bool take_build_lock(struct modules *m, struct arena *a, const struct hash *build_key, uint64_t *alone_ms,
                            struct build_lock **lock) {
    char hex[65];
    struct err e;
    if (build_lock_take(m->locks, a, arena_printf(a, "build:%s", hash_hex(build_key, hex)), lock, &e))
        return *lock;
    if (!*alone_ms)
        *alone_ms = deadline_in(UNASKED_MS);
    bool alone = clock_mono_ms() >= *alone_ms;
    log_err(LOG_WARN, alone ? "building without a lock" : "asking for a build's lock", &e);
    return alone;
}

// Under the coordinator's lock, or without it where the coordinator cannot be asked: a lock saves work, no more.
// *done false: somebody else builds it, or may.
static bool try_locked(struct modules *m, struct arena *a, const struct module_wanted *w, uint64_t *alone_ms,
                       bool *done, struct module *out, struct err *e) {
    struct build_lock *lock;
    bool mine = take_build_lock(m, a, &out->build.build_key, alone_ms, &lock), ok = true;
    *done = try_coordinator(m, a, out);
    if (!*done && mine) {
        *done = true;
        ok = build(m, a, w, out, e);
    }
    build_lock_drop(m->locks, lock);
    return ok;
}

// A place among the builds is held by who builds, never by who waits.
static bool build_once(struct modules *m, struct arena *a, const struct module_wanted *w, struct module *out,
                       struct err *e) {
    uint64_t alone_ms = 0;
    for (bool done = false;;) {
        if (!permit_take(m->permits, &w->waiting, e))
            return false;
        bool ok = try_locked(m, a, w, &alone_ms, &done, out, e);
        permit_give(m->permits);
        if (!ok || done)
            return ok;
        if (!step(m, &w->waiting))
            return patience_fail(&w->waiting, "another worker's build of the same", e);
    }
}

// --- once at a time

static struct under_way *find(const struct modules *m, const struct hash *key) {
    struct under_way *u = m->list;
    while (u && !hash_eq(&u->key, key))
        u = u->next;
    return u;
}

// With the lock held.
static void release(struct under_way *u) {
    if (--u->users == 0) {
        free(u->reason);
        free(u);
    }
}

// An end that building once more could but repeat.
static bool is_final(const struct under_way *u, const struct module_wanted *w, const struct module *out) {
    switch (u->end) {
    case BUILD_NO_RECIPE:
    case BUILD_FAILED:
    case BUILD_BAD_OUTPUT: return true;
    case BUILD_TIMEOUT: return u->tried_ms >= paid_left(w, out);
    case BUILD_OK: // the module is in the cache
    case BUILD_BAD_SOURCE:
    case BUILD_NO_REPOSITORY:
    case BUILD_NO_COMMIT:
    case BUILD_DEPENDENCY:
    case BUILD_NO_ISOLATION:
    case BUILD_PLATFORM: return false;
    }
    return false;
}

// Either *mine, to be built by this call, or somebody of this process built it meanwhile, and *out says how that ended
// (BUILD_OK: look into the cache).
static bool enter(struct modules *m, struct arena *a, const struct module_wanted *w, struct under_way **mine,
                  struct module *out, struct err *e) {
    struct under_way *u;
    bool in_time = true;
    *mine = NULL;
    pthread_mutex_lock(&m->lock);
    if ((u = find(m, &out->build.build_key))) {
        u->users++;
        while (!u->ended && (in_time = patience_wait(&w->waiting, &m->ended, &m->lock)))
            ;
        if (in_time && is_final(u, w, out)) {
            out->build.end = u->end;
            out->build.reason = arena_strdup(a, u->reason ? u->reason : "");
        }
        release(u);
    } else if (m->wanted >= BUILDS_WANTED * m->set.builds) {
        unsigned wanted = m->wanted;
        pthread_mutex_unlock(&m->lock);
        return err_set(e, ERR_TOO_MANY, "%u builds are under way or wait for their turn here", wanted);
    } else {
        m->wanted++;
        *mine = u = xcalloc(1, sizeof *u);
        *u = (struct under_way){.key = out->build.build_key, .next = m->list, .users = 1};
        m->list = u;
    }
    pthread_mutex_unlock(&m->lock);
    return in_time || patience_fail(&w->waiting, "another request's build of the same", e);
}

static void leave(struct modules *m, struct under_way *u, const struct module_wanted *w, const struct module *out,
                  bool ok) {
    pthread_mutex_lock(&m->lock);
    struct under_way **at = &m->list;
    while (*at != u)
        at = &(*at)->next;
    *at = u->next;
    m->wanted--;
    u->ended = true;
    u->end = !ok ? BUILD_PLATFORM : out->cut_short ? BUILD_PLATFORM : out->build.end;
    u->reason = out->build.reason ? xstrdup(out->build.reason) : NULL;
    u->tried_ms = paid_left(w, out);
    release(u);
    pthread_cond_broadcast(&m->ended);
    pthread_mutex_unlock(&m->lock);
}

static bool get_built(struct modules *m, struct arena *a, const struct module_wanted *w, struct module *out,
                      struct err *e) {
    for (;;) {
        struct under_way *mine;
        if (!enter(m, a, w, &mine, out, e))
            return false;
        if (mine) {
            bool ok = build_once(m, a, w, out, e);
            leave(m, mine, w, out, ok);
            return ok;
        }
        if (out->build.end != BUILD_OK || try_cache(m, a, out))
            return true;
    }
}

static bool refused_here(struct modules *m, struct module *out) {
    const char *how;
    bool isolated = builder_can_isolate(m->set.builder, &how);
    if (m->set.may_build && isolated)
        return false;
    out->build.end = BUILD_NO_ISOLATION;
    out->elsewhere = !m->set.may_build;
    out->build.reason = m->set.may_build ? how : "this worker does not build";
    return true;
}

static bool is_commit(const char *ref) { return ref && strlen(ref) == 40 && strspn(ref, "0123456789abcdef") == 40; }

static bool may_wait(const struct module_wanted *w, struct err *e) {
    return !w->waits || w->waits(w->ctx) || err_set(e, ERR_TOO_MANY, "too many requests wait here for what is slow");
}

bool modules_get(struct modules *m, struct arena *a, const struct module_wanted *w, struct module *out, struct err *e) {
    *out = (struct module){0};
    uint64_t left = patience_left(&w->patience), resolve_ms = least(left, least(w->build_ms, RESOLVE_MS));
    if (!left)
        return patience_fail(&w->patience, "a module", e);
    if (!is_commit(w->source.ref) && !may_wait(w, e))
        return false;
    const struct patience within = patience_within(&w->patience, resolve_ms);
    if (!builder_resolve(m->set.builder, a, &w->source, &within, &out->build, e))
        return false;
    if (out->build.end != BUILD_OK) {
        out->cut_short = out->build.end == BUILD_TIMEOUT && left == resolve_ms && left < w->build_ms;
        tell_cut(a, out);
        return true;
    }
    if (try_cache(m, a, out))
        return true;
    if (!may_wait(w, e))
        return false;
    if (try_coordinator(m, a, out) || refused_here(m, out))
        return true;
    if (w->building)
        w->building(w->ctx);
    return get_built(m, a, w, out, e);
}
