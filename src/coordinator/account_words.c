// SPDX-License-Identifier: Apache-2.0
#include "coordinator/account_words.h"

#include "base/clock.h"
#include "base/log.h"
#include "coordinator/coordinator.h"
#include "http/deferred.h"
#include "near/chain_view.h"

#define THREADS 4
#define WAITING_MAX 64
// Of one address: a person at a keyboard never meets these.
#define BURST 30
#define PER_MINUTE 60
static const struct deferred_share share = {.at_once = 2, .waiting_each = 8};

struct account_words {
    char *public_url, *network; // public_url NULL: no setting
    struct rpc *rpc;            // NULL: none is configured
    struct chain_sight sight;
    struct deferred *deferred;
    struct askers addresses;
    struct limiter *accounts;
    atomic_bool cancel;
};

// --- as whom accounts know this coordinator

// An origin as browsers write it: no path, and nothing that would not stand in a message.
static bool is_origin(struct slice s) {
    static const char *const schemes[] = {"https://", "http://"};
    for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
        size_t n = strlen(schemes[i]);
        if (s.len > n && s.len <= WORD_COORDINATOR_MAX && memcmp(s.ptr, schemes[i], n) == 0)
            return !memchr(s.ptr + n, '/', s.len - n) && !memchr(s.ptr, ' ', s.len);
    }
    return false;
}

static struct slice part_of(const char *list) { return slice_trim(slice_of(list, strcspn(list, ","))); }

static const char *next_part(const char *list) {
    list += strcspn(list, ",");
    return list + (*list == ',');
}

static bool check_url(const char *list, struct err *e) {
    for (const char *at = list ? list : ""; *at; at = next_part(at))
        if (!is_origin(part_of(at))) {
            err_set(e, ERR_SETTINGS, "PUBLIC_URL has '%.*s', which is no origin", (int)part_of(at).len,
                    (const char *)part_of(at).ptr);
            return err_hint(e, "write https://coordinator.example, without a path or a slash behind it");
        }
    return true;
}

static bool is_this_machine(const char *coordinator) {
    static const char *const names[] = {"http://127.0.0.1", "http://localhost", "http://[::1]"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        size_t n = strlen(names[i]);
        if (strncmp(coordinator, names[i], n) == 0 && (coordinator[n] == 0 || coordinator[n] == ':'))
            return is_origin(slice_str(coordinator));
    }
    return false;
}

static bool is_for_us(const struct account_words *w, const char *coordinator, struct err *e) {
    if (!w->public_url && is_this_machine(coordinator))
        return true;
    for (const char *at = w->public_url ? w->public_url : ""; *at; at = next_part(at))
        if (slice_eq_str(part_of(at), coordinator))
            return true;
    err_set(e, ERR_UNAUTHORIZED, "the account gave its word to the coordinator %s, and this is another one",
            coordinator);
    return err_hint(e, w->public_url ? "its operator says in PUBLIC_URL as whom accounts know it"
                                     : "it is known as an address of its own machine until PUBLIC_URL says others");
}

// --- beginning and end

bool account_words_new(struct account_words **out, struct shared *shared, const struct account_words_config *config,
                       struct err *e) {
    if (!check_url(config->public_url, e))
        return false;
    struct account_words *w = xcalloc(1, sizeof *w);
    w->network = xstrdup(config->network ? config->network : "devnet");
    w->public_url = config->public_url ? xstrdup(config->public_url) : NULL;
    askers_init(&w->addresses, shared, "words of an address", "words of a network", BURST, PER_MINUTE);
    w->accounts = limiter_new(shared, "words of an account", BURST, PER_MINUTE);
    w->deferred = deferred_new(THREADS, WAITING_MAX);
    *out = w;
    if (config->rpc_urls && !rpc_new(&w->rpc, config->rpc_urls, e))
        return false; // what is there is freed with the coordinator
    if (w->rpc)
        rpc_set_cancel(w->rpc, &w->cancel);
    w->sight.rpc = w->rpc;
    w->sight.rests = strcmp(w->network, "devnet") == 0;
    return true;
}

void account_words_stop(struct account_words *w) {
    if (!w)
        return;
    atomic_store(&w->cancel, true);
    deferred_stop(w->deferred);
}

void account_words_free(struct account_words *w) {
    if (!w)
        return;
    deferred_free(w->deferred);
    rpc_free(w->rpc);
    askers_release(&w->addresses);
    limiter_free(w->accounts);
    free(w->public_url);
    free(w->network);
    free(w);
}

// --- one request

static bool read_word(struct account_words *w, struct http_request *r, struct account_act *x, struct err *e) {
    const char *header = http_header(r, "Authorization");
    if (!header || strncasecmp(header, WORD_SCHEME, strlen(WORD_SCHEME)) != 0) {
        err_set(e, ERR_UNAUTHORIZED, "this needs the word of the account");
        return err_hint(e, "send `Authorization: NEP413 …`; docs/coordinator-api.md says what is signed");
    }
    header += strlen(WORD_SCHEME);
    return word_read(&x->word, http_arena(r), header + strspn(header, " "), e) &&
           is_for_us(w, x->word.coordinator, e) && word_check(&x->word, w->network, x->act, clock_wall_ms(), e);
}

static bool can_ask(const struct account_words *w, struct err *e) {
    if (w->rpc)
        return true;
    err_set(e, ERR_UNAVAILABLE, "this coordinator cannot ask the chain about an account's keys");
    return err_hint(e, "its operator sets NEAR_RPC_URL");
}

// On one of the threads.
static void ask_chain(struct http_request *r, void *ctx) {
    struct account_act *x = ctx;
    struct account_words *w = x->c->words;
    struct chain_view view;
    struct err e;
    chain_view_init(&view, &w->sight);
    if (chain_view_speaks_for(&view, http_arena(r), x->word.account, &x->word.key, &e) &&
        coordinator_may_ask(r, w->accounts, x->word.account, &e)) {
        x->then(r, x);
        return;
    }
    if (chain_view_is_trouble(&e))
        log_err(LOG_WARN, "what the chain says of an account's key is not known", &e);
    http_reply_err(r, &e);
}

void account_act_run(struct http_request *r, struct account_act *x) {
    struct account_words *w = x->c->words;
    char asker[CLIENT_MAX];
    struct err e;
    coordinator_client(x->c, r, asker);
    if (coordinator_may_come(r, &w->addresses, asker, &e) && read_word(w, r, x, &e) && can_ask(w, &e))
        deferred_run_for(w->deferred, r, ask_chain, x, asker, &share);
    else
        http_reply_err(r, &e);
}
