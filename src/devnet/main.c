// SPDX-License-Identifier: Apache-2.0
// outlayer-devnet: a NEAR chain for development in one process.
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/settings.h"
#include "base/text.h"
#include "chain/genesis.h"
#include "devnet/server.h"
#include "http/status.h"
#include <signal.h>

#define NAME "outlayer-devnet"
#define VALIDATOR "validator.near"
#define SECOND_NS 1000000000u
#define GENESIS_TIME_MAX 10000000000u // in the year 2286; in nanoseconds it stays below 2^64

struct settings {
    const char *host, *home, *data_dir, *network, *genesis, *log_level, *log_format, *status_listen;
    uint64_t port, genesis_time, block_ms, idle_ms, history, states, top_level_length;
};
static const struct setting table[] = {
    SET_TEXT(struct settings, host, "HOST", "127.0.0.1", "address to listen on"),
    SET_U64(struct settings, port, "PORT", "3030", 0, 65535, "port; 0 takes a free one"),
    SET_TEXT(struct settings, home, "OUTLAYER_HOME", NULL, "folder for the chain (~/.outlayer/<network>)"),
    SET_TEXT(struct settings, data_dir, "DATA_DIR", NULL, "another name for OUTLAYER_HOME, which is preferred"),
    SET_TEXT(struct settings, network, "OUTLAYER_NETWORK", "devnet", "chain id where GENESIS gives none"),
    SET_TEXT(struct settings, genesis, "GENESIS", NULL, "JSON file with the first accounts (one account: test.near)"),
    SET_U64(struct settings, genesis_time, "GENESIS_TIME", "0", 0, GENESIS_TIME_MAX,
            "when a new chain begins, in seconds since 1970, for contracts that look at dates; 0: now"),
    SET_U64(struct settings, block_ms, "BLOCK_MS", "600", 0, 600000,
            "time between blocks; 0: at once when a transaction or receipt is pending"),
    SET_U64(struct settings, idle_ms, "BLOCK_IDLE_MS", "600", 0, 3600000,
            "with BLOCK_MS 0: a block after so long without one, so that time passes; 0: never"),
    SET_U64(struct settings, history, "HISTORY_BLOCKS", "100000", 0, 1000000000, "blocks that are kept; 0: all"),
    SET_U64(struct settings, states, "HISTORY_STATES", "1000", 16, 1000000,
            "blocks whose state can still be queried; kept in memory"),
    SET_U64(struct settings, top_level_length, "MIN_TOP_LEVEL_LENGTH", "0", 0, 65,
            "shortest top-level account that anybody may create"),
    STATUS_SETTING(struct settings, status_listen, "off"),
    LOG_SETTINGS(struct settings, log_level, log_format),
};

struct daemon {
    struct arena *arena;
    struct settings set;
    const char *home;
    int lock;
    struct genesis genesis;
    struct persist *persist;
    struct http_server *server;
    struct status *status;
    struct devnet net;
    uint64_t shift_ns; // of the chain's time before the clock's
};

// The key whose public part stands in blocks; made once.
static bool validator_key(struct daemon *d, struct err *e) {
    const char *path = arena_printf(d->arena, "%s/validator_key.json", d->home);
    struct credentials c = {.account = {VALIDATOR}};
    bool ok = true;
    if (access(path, F_OK) == 0) {
        ok = credentials_read(&c, path, e);
    } else {
        secret_key_generate(&c.secret);
        c.public = secret_key_public(&c.secret);
        ok = credentials_write(&c, path, e);
    }
    secret_key_wipe(&c.secret);
    d->net.facts.validator = c.account;
    d->net.facts.validator_key = c.public;
    return ok;
}

static bool read_home(struct daemon *d, const struct daemon_args *args, struct err *e) {
    struct settings *s = &d->set;
    if (!settings_load(s, sizeof *s, d->arena, table, ARRAY_LEN(table), args->config, e) ||
        !log_init(NAME, s->log_level, s->log_format, e) ||
        !settings_home(s->home ? s->home : s->data_dir, s->network, d->arena, &d->home, e) ||
        !file_lock(arena_printf(d->arena, "%s/lock", d->home), NAME, &d->lock, e) || !validator_key(d, e))
        return false;
    bool ok = s->genesis ? genesis_read(&d->genesis, d->arena, s->genesis, e)
                         : genesis_default(&d->genesis, d->arena, d->home, e);
    if (!d->genesis.chain_id)
        d->genesis.chain_id = s->network;
    return ok;
}

static bool time_fact(struct daemon *d, const char *name, uint64_t first, uint64_t *ns, struct err *e) {
    const char *text = arena_printf(d->arena, "%llu", (unsigned long long)first), *stored;
    return persist_fact(d->persist, name, text, d->arena, &stored, e) &&
           (text_u64(slice_str(stored), ns) || err_set(e, ERR_CORRUPT, "the stored %s is damaged", name));
}

// When the chain began, by its own time and by the clock, stays what it was at its first start. Homes that were made
// before there was GENESIS_TIME have the first of the two alone: their time is the clock's.
static bool genesis_time(struct daemon *d, uint64_t *began, uint64_t *shift, struct err *e) {
    uint64_t now = clock_wall_ns(), first = d->set.genesis_time ? d->set.genesis_time * SECOND_NS : now, by_clock;
    if (!time_fact(d, "genesis_time_ns", first, began, e) ||
        !time_fact(d, "genesis_clock_ns", *began == first ? now : *began, &by_clock, e))
        return false;
    *shift = *began - by_clock;
    return true;
}

static void set_facts(struct daemon *d, const struct chain_config *c) {
    struct config_facts *f = &d->net.facts;
    f->chain_id = c->chain_id;
    f->epoch_length = c->epoch_length;
    f->genesis_height = c->genesis_height;
    f->genesis_time_ns = c->genesis_time_ns;
    for (size_t i = 0; i < c->account_count; i++)
        f->total_supply += c->accounts[i].balance.v;
}

static bool open_chain(struct daemon *d, struct err *e) {
    if (!persist_open(&d->persist, d->home, d->genesis.chain_id, e))
        return false;
    uint64_t began;
    if (!genesis_time(d, &began, &d->shift_ns, e))
        return false;
    d->net.history = history_new(d->persist, d->set.history);
    struct chain_config c = {
        .chain_id = d->genesis.chain_id,
        .genesis_height = 1,
        .genesis_time_ns = began,
        .accounts = d->genesis.accounts,
        .account_count = d->genesis.account_count,
        .validator = d->net.facts.validator,
        .validator_key = d->net.facts.validator_key,
        .epoch_length = 43200,
        .tx_validity_period = 86400,
        .history = d->set.states,
        .min_top_level_length = d->set.top_level_length,
        .registrar = {"registrar"},
        .journal = history_journal,
        .journal_ctx = d->net.history,
    };
    if (!chain_create(&d->net.chain, &c, e) || !persist_state(d->persist, chain_restore, d->net.chain, e) ||
        !chain_start(d->net.chain, e))
        return false;
    history_follow(d->net.history, d->net.chain);
    set_facts(d, &c);
    return true;
}

// The chain cannot be stored any more: main ends with a failure.
static void fatal(void *ctx) {
    (void)ctx;
    kill(getpid(), SIGUSR1);
}

static void show_figures(void *ctx, struct buf *out) {
    struct daemon *d = ctx;
    figure_one(out, FIGURE_GAUGE, "outlayer_devnet_height", "Height of the newest block.",
               history_head(d->net.history));
}

static bool serve_operator(struct daemon *d, struct err *e) {
    const struct status_settings s = {.listen = d->set.status_listen,
                                      .daemon = NAME,
                                      .figures = show_figures,
                                      .ctx = d,
                                      .doors = {{"public", d->server}}};
    return status_start(&d->status, &s, e);
}

static bool serve(struct daemon *d, const struct daemon_args *args, struct err *e) {
    struct producer_config timing = {d->set.block_ms, d->set.idle_ms, d->shift_ns};
    d->net.waits = wait_list_new();
    d->net.started_ms = clock_mono_ms();
    d->net.rpc_addr = arena_printf(d->arena, "%s:%llu", d->set.host, (unsigned long long)d->set.port);
    if (!producer_start(&d->net.producer, &d->net, &timing, fatal, NULL, e) ||
        !devnet_serve(&d->server, &d->net, d->set.host, (uint16_t)d->set.port, e) || !serve_operator(d, e))
        return false;
    unsigned port = http_server_port(d->server);
    d->net.rpc_addr = arena_printf(d->arena, "%s:%u", d->set.host, port);
    log_info("chain %s at height %llu, serving on http://%s:%u", d->genesis.chain_id,
             (unsigned long long)history_head(d->net.history), d->set.host, port);
    daemon_ready(args, arena_printf(d->arena, "{\"port\":%u,\"chain_id\":\"%s\",\"status_port\":%u}", port,
                                    d->genesis.chain_id, status_port(d->status)));
    return true;
}

// Parked requests are answered before the server goes; the chain after both.
static void close_all(struct daemon *d) {
    status_stop(d->status);
    producer_stop(d->net.producer);
    if (d->net.waits)
        wait_stop(d->net.waits);
    http_server_stop(d->server);
    producer_free(d->net.producer);
    chain_destroy(d->net.chain);
    history_free(d->net.history);
    wait_list_free(d->net.waits);
    persist_close(d->persist);
    if (d->lock >= 0)
        close(d->lock);
    arena_free(d->arena);
}

int main(int argc, char **argv) {
    struct daemon_args args;
    struct err e;
    int status, got = 0;
    if (!daemon_args_parse(&args, argc, argv, NAME, "a NEAR chain for development", table, ARRAY_LEN(table), &status))
        return status;
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &ends, NULL); // before any thread: all of them inherit it
    signal(SIGPIPE, SIG_IGN);
    struct daemon d = {.arena = arena_new(), .lock = -1};
    bool ok = read_home(&d, &args, &e) && open_chain(&d, &e) && serve(&d, &args, &e);
    if (ok)
        sigwait(&ends, &got);
    else
        log_err(LOG_ERROR, "cannot start", &e);
    close_all(&d);
    return ok && got != SIGUSR1 ? 0 : 1;
}
