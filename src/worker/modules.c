// SPDX-License-Identifier: Apache-2.0
#include "worker/modules.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "worker/module_cache.h"
#include <inttypes.h>
#include <pthread.h>
#include <time.h>

#define LOCK_RETRY_MS 500
#define LOCK_SPARE_S 30
#define RESOLVE_MS 30000

// A build under way in this process.
struct under_way {
    struct hash key;
    struct under_way *next;
};

struct modules {
    struct modules_settings set;
    pthread_mutex_t lock; // guards the list
    pthread_cond_t ended; // one of the list is gone
    struct under_way *list;
};

bool modules_new(struct modules **out, const struct modules_settings *s, struct err *e) {
    if (!file_make_dirs(s->dir, 0700, e))
        return false;
    struct modules *m = xcalloc(1, sizeof *m);
    pthread_condattr_t clock;
    m->set = *s;
    pthread_mutex_init(&m->lock, NULL);
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&m->ended, &clock);
    pthread_condattr_destroy(&clock);
    *out = m;
    return true;
}

void modules_free(struct modules *m) {
    if (!m)
        return;
    pthread_cond_destroy(&m->ended);
    pthread_mutex_destroy(&m->lock);
    free(m);
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
    char time[32];
    out->build.wasm_hash = r.wasm_hash;
    out->note = arena_printf(a, "Cached WASM from %s", clock_iso8601(r.built_at * 1000, time));
    return true;
}

static bool try_coordinator(struct modules *m, struct arena *a, struct module *out) {
    struct build_record r;
    struct slice wasm;
    struct err e;
    if (!api_record_get(m->set.api, a, &out->build.build_key, &r, &e)) {
        if (e.code != ERR_NOT_FOUND)
            log_err(LOG_WARN, "no build record", &e);
        return false;
    }
    if (!believe(m, a, &r, &out->build.build_key, &e) || !api_wasm_get(m->set.api, a, &r.wasm_hash, &wasm, &e)) {
        log_err(LOG_WARN, "a build of another worker is not used", &e);
        return false;
    }
    char time[32];
    module_cache_save(m->set.dir, a, m->set.max_bytes, &r, wasm);
    out->build.wasm = wasm;
    out->build.wasm_hash = r.wasm_hash;
    out->note = arena_printf(a, "Cached WASM from %s", clock_iso8601(r.built_at * 1000, time));
    return true;
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
                             .build_ms = out->build.build_ms};
    record_sign(&r, m->set.key);
    module_cache_save(m->set.dir, a, m->set.max_bytes, &r, out->build.wasm);
    if (!api_wasm_put(m->set.api, a, &r.wasm_hash, out->build.wasm, &e) || !api_record_put(m->set.api, a, &r, &e))
        log_err(LOG_WARN, "the build could not be shared, others will build it again", &e);
}

static bool build(struct modules *m, struct arena *a, const struct module_wanted *w, uint64_t left_ms,
                  struct module *out, struct err *e) {
    uint64_t ms = w->build_ms < left_ms ? w->build_ms : left_ms;
    char hex[65];
    log_info("building repo=%s commit=%s target=%s key=%.12s deadline_ms=%" PRIu64, out->build.repo, out->build.commit,
             w->source.target, hash_hex(&out->build.build_key, hex), ms);
    if (!builder_build(m->set.builder, a, &w->source, ms, &out->build, e))
        return false;
    log_info("build end=%s ms=%" PRIu64 " bytes=%zu", build_end_slug(out->build.end), out->build.build_ms,
             out->build.wasm.len);
    if (out->build.end == BUILD_OK)
        publish(m, a, &w->source, out);
    return true;
}

static uint64_t left_of(uint64_t end) {
    uint64_t now = clock_mono_ms();
    return now < end ? end - now : 0;
}

// Lost time is waited out in steps: the coordinator's locks have no way to call us.
static void step(struct modules *m, uint64_t ms) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_nsec += (long)(ms * 1000000);
    t.tv_sec += t.tv_nsec / 1000000000;
    t.tv_nsec %= 1000000000;
    pthread_mutex_lock(&m->lock);
    pthread_cond_timedwait(&m->ended, &m->lock, &t);
    pthread_mutex_unlock(&m->lock);
}

// Under the coordinator's lock, or without it where the coordinator cannot be asked: a lock saves work, no more.
static bool build_locked(struct modules *m, struct arena *a, const struct module_wanted *w, uint64_t end,
                         struct module *out, struct err *e) {
    char hex[65];
    const char *key = arena_printf(a, "build:%s", hash_hex(&out->build.build_key, hex));
    for (;;) {
        bool acquired = false;
        struct err locking;
        bool asked = api_lock(m->set.api, a, key, w->build_ms / 1000 + LOCK_SPARE_S, &acquired, &locking);
        if (!asked)
            log_err(LOG_WARN, "building without a lock", &locking);
        if (try_coordinator(m, a, out)) {
            if (acquired)
                api_unlock(m->set.api, a, key);
            return true;
        }
        if (acquired || !asked) {
            bool ok = build(m, a, w, left_of(end), out, e);
            if (acquired)
                api_unlock(m->set.api, a, key);
            return ok;
        }
        if (!left_of(end) || (m->set.cancel && *m->set.cancel))
            return err_set(e, ERR_UNAVAILABLE, "another worker's build of the same did not end in time");
        step(m, LOCK_RETRY_MS);
    }
}

static bool is_under_way(const struct modules *m, const struct hash *key) {
    for (const struct under_way *u = m->list; u; u = u->next)
        if (hash_eq(&u->key, key))
            return true;
    return false;
}

// Waits until nobody of this process builds it; *waited when somebody did.
static void enter(struct modules *m, struct under_way *u, bool *waited) {
    pthread_mutex_lock(&m->lock);
    while (is_under_way(m, &u->key)) {
        *waited = true;
        pthread_cond_wait(&m->ended, &m->lock);
    }
    u->next = m->list;
    m->list = u;
    pthread_mutex_unlock(&m->lock);
}

static void leave(struct modules *m, struct under_way *u) {
    pthread_mutex_lock(&m->lock);
    for (struct under_way **at = &m->list; *at; at = &(*at)->next)
        if (*at == u) {
            *at = u->next;
            break;
        }
    pthread_cond_broadcast(&m->ended);
    pthread_mutex_unlock(&m->lock);
}

static bool refused_here(struct modules *m, struct module *out) {
    const char *how;
    bool isolated = builder_can_isolate(m->set.builder, &how);
    if (m->set.may_build && isolated)
        return false;
    out->build.end = BUILD_NO_ISOLATION;
    out->build.reason = m->set.may_build ? how : "this worker does not build";
    return true;
}

bool modules_get(struct modules *m, struct arena *a, const struct module_wanted *w, struct module *out, struct err *e) {
    uint64_t end = clock_mono_ms() + w->wait_ms;
    *out = (struct module){0};
    uint64_t resolve_ms = w->wait_ms < RESOLVE_MS ? w->wait_ms : RESOLVE_MS;
    if (!builder_resolve(m->set.builder, a, &w->source, resolve_ms, &out->build, e))
        return false;
    if (out->build.end != BUILD_OK || try_cache(m, a, out) || try_coordinator(m, a, out) || refused_here(m, out))
        return true;
    if (w->building)
        w->building(w->ctx);
    struct under_way u = {.key = out->build.build_key};
    bool waited = false;
    enter(m, &u, &waited);
    bool ok = (waited && try_cache(m, a, out)) || build_locked(m, a, w, end, out, e);
    leave(m, &u);
    return ok;
}
