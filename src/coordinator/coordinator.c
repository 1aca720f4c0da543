// SPDX-License-Identifier: Apache-2.0
#include "coordinator/coordinator.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/sync.h"
#include "coordinator/examples.h"
#include "coordinator/routes.h"
#include "queue/database.h"
#include <unistd.h>

#define LOCKS_BYTES (256u << 20)  // thousands of them
#define DATABASE_MS_DEFAULT 15000 // less than clients wait for an answer
#define STOP_PATIENCE_MS 3000     // how long a stop waits for a database that does not answer

// All that a connection asks has an end: after a while, and soon after a stop.
static struct db_keep database_keep(const struct coordinator *c, uint64_t ms) {
    ms = ms ? ms : DATABASE_MS_DEFAULT;
    return (struct db_keep){.connect_ms = ms, .statement_ms = ms, .cancel = &c->gives_up};
}

// The form for one process keeps in memory who waits and who holds what: a second one over the same file, whatever home
// it has, would give everything out once more.
static bool lock_file_of(struct coordinator *c, struct err *e) {
    if (database_lock(c->writing, "another coordinator", &c->database_lock, e))
        return true;
    return err_hint(e, "SQLite serves one coordinator; several share a database of PostgreSQL");
}

static bool open_redis(struct coordinator *c, const struct coordinator_config *config, struct err *e) {
    char name[DATABASE_ID_LEN + 1];
    _Static_assert(DATABASE_ID_LEN == REDIS_NAME_LEN, "a name is that of a database");
    if (!config->redis_url)
        return true;
    if (db_engine(c->writing) == DB_SQLITE) {
        err_set(e, ERR_SETTINGS, "REDIS_URL is set, and the database is SQLite's");
        return err_hint(e, "SQLite serves one coordinator, which has nobody to talk to; DATABASE_URL=postgres://…");
    }
    const struct redis_config redis = {config->redis_url, name};
    return database_id(c->writing, name, e) && (redis_open(&c->redis, &redis, e) || err_wrap(e, "REDIS_URL"));
}

static bool open_queue(struct coordinator *c, const struct coordinator_config *config, struct err *e) {
    const struct queue_config queue = {.serve_ms = config->serve_ms,
                                       .read = task_stored,
                                       .changed = changes_told,
                                       .ctx = c->changes,
                                       .writer = c->writer,
                                       .database = database_keep(c, config->database_ms)};
    switch (db_engine(c->writing)) {
    case DB_SQLITE: return lock_file_of(c, e) && queue_open_local(&c->queue, &queue, c->writer, e);
    case DB_POSTGRES: return queue_open_scaled(&c->queue, &queue, config->database_url, c->redis, e);
    }
    return false;
}

static bool open_shared(struct coordinator *c, const struct coordinator_config *config, struct err *e) {
    const unsigned often = config->public_per_minute;
    switch (db_engine(c->writing)) {
    case DB_SQLITE:
        if (!shared_open_local(&c->shared, c->writer, e))
            return false;
        break;
    case DB_POSTGRES:
        if (!shared_open_scaled(&c->shared, config->database_url, c->redis, e))
            return false;
        break;
    }
    askers_init(&c->public_askers, c->shared, "public", "public of a network", often / 6, often);
    askers_init(&c->token_askers, c->shared, "tokens", "tokens of a network", often / 6, often);
    const unsigned by_key = often ? config->key_per_minute : 0; // a key never makes it less
    askers_init(&c->key_askers, c->shared, "keys", "keys of a network", KEY_HOLDERS_AT_ONE * (by_key / 6 + 1),
                KEY_HOLDERS_AT_ONE * by_key);
    c->key_holders = by_key ? limiter_new(c->shared, "keys of an account", by_key / 6 + 1, by_key) : NULL;
    return true;
}

// Each takes in modules that the others then build once more.
static void warn_of_modules(const struct coordinator *c, const struct coordinator_config *config) {
    uint64_t n = shared_coordinators(c->shared);
    if (n > 1 && !config->modules)
        log_warn(
            "%u coordinators use this database, and this one keeps modules in its home, where the others do not find "
            "them: set WASM_CACHE_DIR to one folder for all",
            (unsigned)n);
}

static bool open_blobs(struct coordinator *c, const struct coordinator_config *config, struct err *e) {
    SCOPED_ARENA(a);
    const char *modules = config->modules ? config->modules : arena_printf(a, "%s/wasm", config->home);
    const char *around = config->modules ? config->modules : config->home;
    warn_of_modules(c, config);
    if (!blobs_open(&c->blobs, modules, config->wasm_max_bytes, e) ||
        !blobs_open(&c->cargo_locks, arena_printf(a, "%s/cargo-locks", around), LOCKS_BYTES, e))
        return false;
    if (config->modules) {
        blobs_expect_others(c->blobs);
        blobs_expect_others(c->cargo_locks);
    }
    return true;
}

// A page asks the faucet at this address, and a policy that names a path means no other one.
static const char *faucet_account(struct arena *a, const char *faucet) {
    size_t n = faucet ? strlen(faucet) : 0;
    return n ? arena_printf(a, "%.*s/account", (int)(n - (faucet[n - 1] == '/')), faucet) : NULL;
}

static bool is_public(const char *network) {
    return network && (strcmp(network, "testnet") == 0 || strcmp(network, "mainnet") == 0);
}

static bool open_dashboard(struct coordinator *c, const struct coordinator_config *config, struct err *e) {
    SCOPED_ARENA(a);
    const char *const asked[] = {config->shown.rpc_urls, faucet_account(a, config->shown.faucet_url)};
    if (!config->dashboard) {
        log_info("no dashboard is served: DASHBOARD_DIR is not set");
        return true;
    }
    return (pages_open(&c->dashboard, "the dashboard", config->dashboard, asked, ARRAY_LEN(asked), e) &&
            (!is_public(config->network) || pages_offer_wallets(c->dashboard, e))) ||
           err_wrap(e, "DASHBOARD_DIR") ||
           err_hint(e, "`make dashboard` makes the files; without DASHBOARD_DIR none are served");
}

static bool open_book(struct coordinator *c, const struct coordinator_config *config, struct err *e) {
    if (!config->docs) {
        log_info("no book is served: DOCS_DIR is not set");
        return true;
    }
    return pages_open(&c->book, "the book", config->docs, NULL, 0, e) || err_wrap(e, "DOCS_DIR") ||
           err_hint(e, "`make book` makes the files; without DOCS_DIR none are served");
}

static bool open_words(struct coordinator *c, const struct coordinator_config *config, struct err *e) {
    const struct account_words_config words = {config->near_rpc_url, config->public_url, config->network};
    return account_words_new(&c->words, c->shared, &words, e);
}

static bool open_parts(struct coordinator *c, const struct coordinator_config *config, struct err *e) {
    const char *home = config->home, *url = config->database_url;
    const struct db_keep keep = database_keep(c, config->database_ms);
    struct db_keep paged = keep, brief = database_keep(c, TOKEN_DATABASE_MS);
    brief.first_ms = keep.connect_ms;
    paged.pages_by_index = true;
    return (examples_read(&c->examples, config->examples, e) || err_wrap(e, "EXAMPLES_FILE")) &&
           database_open_as(&c->writing, home, url, &keep, e) && open_redis(c, config, e) &&
           writer_new(&c->writer, c->writing, e) && open_shared(c, config, e) &&
           database_open_as(&c->reading, home, url, &keep, e) &&
           database_open_as(&c->authorising, home, url, &brief, e) &&
           database_open_as(&c->knowing, home, url, &brief, e) && database_open_as(&c->aged, home, url, &keep, e) &&
           readers_new(&c->readers, config->readers ? config->readers : READERS_DEFAULT, home, url, &keep, e) &&
           tokens_move(config->home, config->database_url, c->reading, e) &&
           (c->tokens = tokens_new(c->authorising, c->writer, TOKENS_OF_PROGRAMS, clock_mono_ms)) &&
           (c->keys = tokens_new(c->knowing, c->writer, KEYS_OF_ACCOUNTS, clock_mono_ms)) && open_words(c, config, e) &&
           open_blobs(c, config, e) && prices_new(&c->prices, config->near_rpc_url, config->contract_id, e) &&
           truth_new(&c->truth, config->near_rpc_url, e) &&
           client_rules_parse(&c->askers, config->trusted_proxies, e) && branch_open(c, config, e) &&
           open_dashboard(c, config, e) && open_book(c, config, e) &&
           keystore_proxy_new(&c->secrets, c->shared, &config->keystore, e) && open_queue(c, config, e) &&
           retention_start(&c->retention, &config->limits, c->aged, c->writer, e) &&
           database_open_as(&c->rolled, home, url, &paged, e) && rollups_start(&c->rollups, c->rolled, c->writer, e) &&
           database_open_as(&c->watched, home, url, &paged, e) &&
           changes_start(c->changes, c->queue, c->shared, c->watched, e);
}

bool coordinator_open(struct coordinator **out, const struct coordinator_config *config, struct err *e) {
    struct coordinator *c = xcalloc(1, sizeof *c);
    c->require_auth = config->require_auth;
    c->database_lock = -1;
    c->kept = kept_answers_new();
    c->changes = changes_new();
    pthread_mutex_init(&c->reading_mutex, NULL);
    pthread_mutex_init(&c->sums_mutex, NULL);
    pthread_mutex_init(&c->stop_mutex, NULL);
    cond_init(&c->stop_changed);
    tally_init(&c->unavailable);
    tally_init(&c->too_many);
    c->network = config->network ? xstrdup(config->network) : NULL;
    c->contract_id = config->contract_id ? xstrdup(config->contract_id) : NULL;
    c->shown = shown_text(config);
    if (!open_parts(c, config, e)) {
        coordinator_stop(c);
        coordinator_free(c);
        return false;
    }
    *out = c;
    return true;
}

// Waits for a database have an end of their own, which is too late for who wants to see this process ended.
static void *watch_stop(void *ctx) {
    struct coordinator *c = ctx;
    uint64_t end = deadline_in(STOP_PATIENCE_MS);
    pthread_mutex_lock(&c->stop_mutex);
    while (!c->stopped && cond_wait_until(&c->stop_changed, &c->stop_mutex, end))
        ;
    bool late = !c->stopped;
    pthread_mutex_unlock(&c->stop_mutex);
    if (late)
        log_warn("the database is waited for no more: what it was asked last may be stored or not");
    atomic_store(&c->gives_up, late);
    return NULL;
}

// Where it is not begun yet. A file is no server: nobody waits for it.
static void begin_watch(struct coordinator *c) {
    if (!c->stop_watched && c->writing && db_engine(c->writing) == DB_POSTGRES)
        c->stop_watched = pthread_create(&c->stop_watch, NULL, watch_stop, c) == 0;
}

static void end_watch(struct coordinator *c) {
    if (!c->stop_watched)
        return;
    pthread_mutex_lock(&c->stop_mutex);
    c->stopped = true;
    pthread_cond_signal(&c->stop_changed);
    pthread_mutex_unlock(&c->stop_mutex);
    pthread_join(c->stop_watch, NULL);
}

void coordinator_drain(struct coordinator *c, uint64_t ms) {
    atomic_store(&c->draining, true);
    begin_watch(c);
    log_info("draining: no more leases are given out, %u s at most", (unsigned)(ms / 1000));
    if (!queue_drain(c->queue, ms) && ms)
        log_warn("some leases have not ended: they last over a restart, and their workers go on");
}

void coordinator_hurry(struct coordinator *c) {
    log_info("told again to end: leases are not waited for");
    (void)!queue_drain(c->queue, 0);
}

void coordinator_stop(struct coordinator *c) {
    if (!c)
        return;
    atomic_store(&c->stopping, true);
    begin_watch(c);
    retention_stop(c->retention);
    c->retention = NULL;
    rollups_stop(c->rollups);
    c->rollups = NULL;
    changes_stop(c->changes);
    queue_stop(c->queue);
    if (c->prices)
        prices_stop(c->prices);
    truth_stop(c->truth);
    keystore_proxy_stop(c->secrets);
    account_words_stop(c->words);
    readers_stop(c->readers);
    branch_lookups_stop(c->branches);
}

void coordinator_free(struct coordinator *c) {
    if (!c)
        return;
    queue_free(c->queue);
    changes_free(c->changes);
    tokens_free(c->tokens);
    tokens_free(c->keys);
    account_words_free(c->words);
    writer_free(c->writer);
    db_close(c->writing);
    db_close(c->reading);
    readers_free(c->readers);
    kept_answers_free(c->kept);
    pages_free(c->dashboard);
    pages_free(c->book);
    askers_release(&c->public_askers);
    askers_release(&c->token_askers);
    askers_release(&c->key_askers);
    limiter_free(c->key_holders);
    db_close(c->authorising);
    db_close(c->knowing);
    db_close(c->aged);
    db_close(c->rolled);
    db_close(c->watched);
    if (c->database_lock >= 0)
        close(c->database_lock);
    blobs_free(c->blobs);
    blobs_free(c->cargo_locks);
    prices_free(c->prices);
    truth_free(c->truth);
    free(c->network);
    free(c->shown);
    free(c->examples);
    free(c->contract_id);
    keystore_proxy_free(c->secrets);
    branch_close(c);
    shared_free(c->shared);
    redis_free(c->redis);
    end_watch(c);
    pthread_cond_destroy(&c->stop_changed);
    pthread_mutex_destroy(&c->stop_mutex);
    pthread_mutex_destroy(&c->reading_mutex);
    pthread_mutex_destroy(&c->sums_mutex);
    free(c);
}
