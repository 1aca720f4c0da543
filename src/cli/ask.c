// SPDX-License-Identifier: Apache-2.0
#include "cli/ask.h"

#include "base/clock.h"
#include "base/sync.h"
#include "base/text.h"
#include "cli/commands.h"
#include "http/client.h"
#include "near/send.h"
#include "protocol/contract.h"
#include "repo/ref.h"
#include <inttypes.h>
#include <pthread.h>

#define ASK_GAS (300 * TGAS)
// A request at its longest: its window, an extension for each 50 of the ASK_GAS that are not spent before, and the time
// after which anybody may cancel what nobody answered.
#define EXTENSIONS_MAX 5
#define SETTLE_MS (1000ull * (WINDOW_SECONDS + EXTENSIONS_MAX * MORE_SECONDS + STALE_SECONDS))
#define INCLUDE_MS 5000
#define OUTAGE_MS 60000
#define COMMIT_MS 5000
#define LOOK_MS 150 // how often the coordinator is asked for progress: it has no way to notify a visitor

static json_t *limits_json(const struct exec_limits *l) {
    return json_pack("{s:I,s:i,s:i}", "max_instructions", (json_int_t)l->max_instructions, "max_memory_mb",
                     (int)l->max_memory_mb, "max_execution_seconds", (int)l->max_seconds);
}

bool ask_estimate(const struct target *t, struct arena *a, const struct exec_limits *limits, struct yocto *out,
                  struct err *e) {
    struct rpc *rpc;
    if (!rpc_new(&rpc, t->rpc_url, e))
        return false;
    SCOPED_JSON(args) = json_pack("{s:o}", "resource_limits", limits_json(limits));
    SCOPED_JSON(value) = rpc_view_json(rpc, a, t->contract, "estimate_execution_cost", args, e);
    rpc_free(rpc);
    if (!value)
        return false;
    const char *text = json_string_value(value);
    return (text && text_u128(slice_str(text), &out->v)) ||
           err_set(e, ERR_CHAIN, "estimate_execution_cost of '%s' gave no amount", t->contract);
}

// --- following: a thread of its own, while the main one waits for the transaction ---------------------------------

struct follower {
    const struct target *target;
    void (*tell)(void *ctx, const struct ask_progress *p);
    void *ctx;
    const char *transaction;
    uint64_t started_us;
    enum ask_stage told;
    pthread_mutex_t lock; // guards `done`
    pthread_cond_t wake;
    bool done;
};

static void tell(struct follower *f, enum ask_stage stage, const char *detail) {
    if (stage <= f->told && stage != ASK_SENT)
        return;
    f->told = stage;
    struct ask_progress p = {stage, detail, clock_mono_us() - f->started_us};
    if (f->tell)
        f->tell(f->ctx, &p);
}

static enum ask_stage stage_of(const char *status) {
    static const struct {
        const char *status;
        enum ask_stage stage;
    } map[] = {{"queued", ASK_QUEUED},   {"leased", ASK_QUEUED},         {"building", ASK_BUILDING},
               {"running", ASK_RUNNING}, {"submitting", ASK_SUBMITTING}, {"settled", ASK_SETTLED}};
    for (size_t i = 0; i < ARRAY_LEN(map); i++)
        if (strcmp(map[i].status, status) == 0)
            return map[i].stage;
    return ASK_SENT;
}

static void look(struct follower *f, struct http_client *http, struct arena *a) {
    const char *url =
        arena_printf(a, "%s/public/jobs?transaction_hash=%s&limit=1", f->target->coordinator_url, f->transaction);
    struct http_call call = {.method = "GET", .url = url, .timeout_ms = 2000};
    SCOPED_JSON(list) = NULL;
    int status;
    if (!http_call_json(http, a, &call, NULL, &status, &list, NULL))
        return; // progress is a courtesy: the answer does not depend on it
    const json_t *job = json_array_get(list, 0);
    const char *state = json_string_value(json_object_get(job, "state"));
    const char *worker = json_string_value(json_object_get(job, "worker_id"));
    uint64_t id;
    if (!state || !json_get_u64(job, "request_id", &id, NULL))
        return;
    tell(f, ASK_TAKEN, arena_printf(a, "request %" PRIu64, id));
    if (stage_of(state) < ASK_SETTLED)
        tell(f, stage_of(state), worker ? printable(a, slice_str(worker)) : "");
}

static void *follow(void *arg) {
    struct follower *f = arg;
    struct http_client *http = http_client_new();
    pthread_mutex_lock(&f->lock);
    while (!f->done) {
        pthread_mutex_unlock(&f->lock);
        SCOPED_ARENA(a);
        look(f, http, a);
        pthread_mutex_lock(&f->lock);
        uint64_t next = deadline_in(LOOK_MS);
        while (!f->done && cond_wait_until(&f->wake, &f->lock, next))
            ;
    }
    pthread_mutex_unlock(&f->lock);
    http_client_free(http);
    return NULL;
}

static void stop_following(struct follower *f, pthread_t thread, bool running) {
    if (running) {
        pthread_mutex_lock(&f->lock);
        f->done = true;
        pthread_cond_signal(&f->wake);
        pthread_mutex_unlock(&f->lock);
        pthread_join(thread, NULL);
    }
    pthread_cond_destroy(&f->wake);
    pthread_mutex_destroy(&f->lock);
}

// --- sending --------------------------------------------------------------------------------------------------------

static json_t *arguments(const struct ask *ask) {
    json_t *ref = ask->secrets_profile
                      ? json_pack("{s:s,s:s}", "profile", ask->secrets_profile, "account_id", ask->secrets_owner)
                      : json_null();
    return json_pack("{s:{s:s,s:s,s:s},s:o,s:s,s:s,s:o}", "code_source", "repo", ask->repo, "commit", ask->commit,
                     "build_target", ask->build_target, "resource_limits", limits_json(&ask->limits), "input_data",
                     ask->input, "response_format", ask->format, "secrets_ref", ref);
}

// An answer that did not come says nothing about the transaction: it is looked up by its hash from here on. *why stays
// where a server says that it is not there, or none can be asked.
static bool may_be_there(struct rpc *rpc, struct arena *a, const struct sent *sent, const char *signer,
                         const struct err *why) {
    SCOPED_JSON(outcome) = NULL;
    struct err e;
    return why->code == ERR_TIMEOUT || rpc_tx(rpc, a, sent->hash, signer, "INCLUDED", INCLUDE_MS, &outcome, &e);
}

static bool send(struct sender *s, struct rpc *rpc, const struct ask *ask, struct arena *a, struct sent *sent,
                 struct err *e) {
    SCOPED_JSON(args) = arguments(ask);
    if (!args)
        return err_set(e, ERR_USAGE, "the arguments are not UTF-8 text");
    struct account_id receiver;
    struct action call = {.kind = ACTION_FUNCTION_CALL,
                          .method = ask->method,
                          .args = slice_str(json_text(a, args)),
                          .gas = {ASK_GAS},
                          .deposit = ask->deposit};
    if (!account_id_parse(&receiver, slice_str(ask->receiver), e))
        return false;
    for (int i = 0; i < 5; i++) {
        struct tx_said said;
        json_t *outcome = NULL;
        if (!sender_sign(s, a, &receiver, &call, 1, sent, e))
            return false;
        bool taken = rpc_send_wait(rpc, a, sent->bytes, sent->hash, "INCLUDED", &said, &outcome, e);
        json_decref(outcome);
        if (taken || (said.verdict == TX_DOUBT && may_be_there(rpc, a, sent, sender_account(s)->s, e)))
            return true;
        if (!tx_may_be_signed_anew(said.verdict))
            return false;
        if (said.verdict == TX_STALE && (!sender_was_taken(s, a, sent, &taken, e) || taken))
            return taken;
        sender_heed(s, &said, e);
    }
    return false;
}

// The transaction is on its way: an RPC server that cannot be reached for a while (it restarts) loses nothing.
static bool outcome_of(struct rpc *rpc, const struct credentials *from, struct arena *a, struct ask_result *out,
                       struct err *e) {
    uint64_t end = clock_mono_ms() + SETTLE_MS, patience = 0;
    while (!rpc_tx(rpc, a, out->transaction, from->account.s, "FINAL", SETTLE_MS, &out->outcome, e)) {
        uint64_t now = clock_mono_ms();
        if (e->code != ERR_UNAVAILABLE || now > end || (patience && now > patience)) {
            err_wrap(e, "transaction %s", out->transaction);
            return err_hint(e,
                            "it was sent and may still be answered: the coordinator's /public/jobs?transaction_hash=%s "
                            "says what became of it",
                            out->transaction);
        }
        patience = patience ? patience : now + OUTAGE_MS;
        nanosleep(&(struct timespec){.tv_nsec = LOOK_MS * 1000000L}, NULL); // nothing tells when a server is back
    }
    return true;
}

static bool await(struct rpc *rpc, const struct target *t, const struct credentials *from, struct arena *a,
                  struct ask_result *out, struct err *e) {
    if (!outcome_of(rpc, from, a, out, e))
        return false;
    const char *words = rpc_failure_text(a, json_object_get(out->outcome, "status"));
    if (!answer_read(&out->answer, a, out->outcome, t->contract, e))
        return false;
    if (words && !out->answer.settled) {
        err_set(e, ERR_INVALID, "the chain refused the request: %s", words);
        return err_hint(e, "transaction %s", out->transaction);
    }
    if (!out->answer.known) {
        err_set(e, ERR_CHAIN, "transaction %s made no request", out->transaction);
        return err_hint(e, "is '%s' an OutLayer contract?", t->contract);
    }
    return true;
}

// --- what was built

// The coordinator hears of it with the request's end, a moment after the chain. true: *commit is what it knows.
static bool built_commit(const struct target *t, struct http_client *http, struct arena *a, const char *transaction,
                         const char **commit) {
    const char *url = arena_printf(a, "%s/public/jobs?transaction_hash=%s&limit=1", t->coordinator_url, transaction);
    struct http_call call = {.method = "GET", .url = url, .timeout_ms = 2000};
    SCOPED_JSON(list) = NULL;
    int status;
    if (!http_call_json(http, a, &call, NULL, &status, &list, NULL))
        return false;
    const json_t *job = json_array_get(list, 0);
    const char *state = json_string_value(json_object_get(job, "state"));
    const char *text = json_string_value(json_object_get(job, "commit"));
    *commit = text ? arena_strdup(a, text) : NULL;
    return text || (state && strcmp(state, "settled") == 0);
}

static const char *find_commit(const struct target *t, const struct ask *ask, struct arena *a,
                               const struct ask_result *r) {
    const char *commit = NULL;
    struct ref ref;
    if (!r->answer.wasm_hash) // nothing was built
        return NULL;
    if (ref_read(&ref, a, ask->commit, NULL) && ref.is_commit)
        return ref.text;
    if (!t->coordinator_url)
        return NULL;
    struct http_client *http = http_client_new();
    for (uint64_t end = clock_mono_ms() + COMMIT_MS;
         !built_commit(t, http, a, r->transaction, &commit) && clock_mono_ms() < end;)
        nanosleep(&(struct timespec){.tv_nsec = LOOK_MS * 1000000L}, NULL); // it has no way to notify a visitor
    http_client_free(http);
    return commit;
}

bool ask_run(const struct target *t, const struct credentials *from, const struct ask *ask,
             void (*say)(void *ctx, const struct ask_progress *p), void *ctx, struct arena *a, struct ask_result *out,
             struct err *e) {
    *out = (struct ask_result){0};
    struct follower f = {.target = t,
                         .tell = say,
                         .ctx = ctx,
                         .transaction = out->transaction,
                         .started_us = clock_mono_us(),
                         .lock = PTHREAD_MUTEX_INITIALIZER};
    struct rpc *rpc;
    struct sender *s = NULL;
    struct sent sent;
    pthread_t thread = 0;
    if (!rpc_new(&rpc, t->rpc_url, e))
        return false;
    cond_init(&f.wake);
    bool ok = sender_new(&s, rpc, &from->account, &from->secret, e) && send(s, rpc, ask, a, &sent, e);
    if (ok) {
        memcpy(out->transaction, sent.hash, sizeof out->transaction);
        tell(&f, ASK_SENT, out->transaction);
        bool following = say && t->coordinator_url && pthread_create(&thread, NULL, follow, &f) == 0;
        ok = await(rpc, t, from, a, out, e);
        stop_following(&f, thread, following);
        if (ok)
            tell(&f, ASK_SETTLED, "");
        if (ok)
            out->commit = find_commit(t, ask, a, out);
    }
    out->total_us = clock_mono_us() - f.started_us;
    sender_free(s);
    rpc_free(rpc);
    return ok;
}

void ask_release(struct ask_result *r) {
    answer_release(&r->answer);
    json_decref(r->outcome);
    r->outcome = NULL;
}
