// SPDX-License-Identifier: Apache-2.0
// `outlayer demo`: a chain, a client contract that asks, workers that answer; each answer compared in three places.
#include "cli/commands.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "cli/ask.h"
#include "cli/demo_price.h"
#include "cli/demo_secrets.h"
#include "cli/demo_tee.h"
#include "cli/deployment.h"
#include "cli/repo.h"
#include "cli/stack.h"
#include "cli/target.h"
#include "codec/hex.h"
#include "http/client.h"
#include "near/send.h"
#include <inttypes.h>
#include <signal.h>
#include <sys/stat.h>

#define BLOCK_MS_DEFAULT 100 // NEAR has 600: a demonstration need not be waited for
#define CLIENT_GAS (50 * TGAS)
#define SETTLED_MS 15000 // the coordinator hears of the end a moment after the chain

struct demo_options {
    struct arg_u64 block_ms;
    bool keep;
};

static const struct arg table[] = {
    ARG_NUMBER(struct demo_options, block_ms, "--block-ms", "time between blocks (100; NEAR has 600)"),
    ARG_SWITCH(struct demo_options, keep, "--keep", "keep the state folder afterwards"),
};

static const char random_input[] = "{\"min\":1,\"max\":100}", stats_input[] = "{\"numbers\":[3,1,2,-7,40]}";

enum answer_kind {
    ANSWER_RANDOM,
    ANSWER_STATS, // compared with one computed here
    ANSWER_PRICE, // what the API says that the demo itself serves
};
static const struct service {
    const char *folder, *what, *input;
    enum answer_kind kind;
} services[] = {
    {"random-c", "a random number, in C", random_input, ANSWER_RANDOM},
    {"random-rust", "a random number, in Rust", random_input, ANSWER_RANDOM},
    {"stats-c", "a calculation, in C", stats_input, ANSWER_STATS},
    {"stats-rust", "a calculation, in Rust", stats_input, ANSWER_STATS},
    {"price-c", "a price from an API, over TLS, in C", NULL, ANSWER_PRICE},
};
static const char *const build_targets[] = {"wasm32-wasip1", "wasm32-wasip2"};

struct demo {
    struct arena *arena;
    struct stack stack;
    struct target target;
    struct account_id client; // the client contract
    struct http_client *http;
    struct rpc *rpc;
    struct price_server *prices;
};

static void show_step(void *ctx, const struct stack_step *step) {
    (void)ctx;
    char time[24];
    printf("%9s  %-19s %s\n", text_duration(step->us, time), step->what, step->detail);
    fflush(stdout);
}

// --- the client contract

static bool deploy_client(struct demo *d, struct err *e) {
    struct credentials *alice = &d->stack.developers[0];
    struct slice code = contract_asker_wasm();
    const char *name = arena_printf(d->arena, "client.%s", alice->account.s);
    const char *args = arena_printf(d->arena, "{\"outlayer_id\":\"%s\"}", d->target.contract);
    struct action actions[] = {
        {.kind = ACTION_CREATE_ACCOUNT},
        {.kind = ACTION_TRANSFER, .deposit = {10 * NEAR_ONE}},
        {.kind = ACTION_ADD_KEY, .key = alice->public, .access = {.full_access = true}},
        {.kind = ACTION_DEPLOY_CONTRACT, .code = code},
        {.kind = ACTION_FUNCTION_CALL, .method = "new", .args = slice_str(args), .gas = {CLIENT_GAS}},
    };
    struct sender *s;
    SCOPED_JSON(outcome) = NULL;
    uint64_t start = clock_mono_us(), gas = 0;
    if (!account_id_parse(&d->client, slice_str(name), e) ||
        !sender_new(&s, d->rpc, &alice->account, &alice->secret, e))
        return false;
    bool ok = sender_call(s, d->arena, &d->client, actions, ARRAY_LEN(actions), "FINAL", NULL, NULL, &outcome, e);
    sender_free(s);
    if (!ok)
        return err_wrap(e, "cannot deploy the client contract");
    json_t *first = json_array_get(json_object_get(outcome, "receipts_outcome"), 0);
    (void)json_get_u64(json_object_get(first, "outcome"), "gas_burnt", &gas, NULL);
    char time[24];
    printf("%9s  %-19s %s, %zu bytes, %.2f Tgas\n\n", text_duration(clock_mono_us() - start, time), "client contract",
           d->client.s, code.len, (double)gas / 1e12);
    return true;
}

// --- one request

static void show_progress(void *ctx, const struct ask_progress *p) {
    (void)ctx;
    static const char *const names[] = {"asked",   "event seen", "queued", "building in the sandbox",
                                        "running", "resolving",  "settled"};
    char time[24];
    printf("%9s    %-24s %s\n", text_duration(p->us, time), names[p->stage], p->detail);
    fflush(stdout);
}

// The settled execution as the coordinator shows it: what the worker said the executor printed, and in which
// transaction.
static json_t *settled_job(struct demo *d, const struct ask_result *r, struct err *e) {
    const char *url =
        arena_printf(d->arena, "%s/public/jobs?transaction_hash=%s&limit=1", d->target.coordinator_url, r->transaction);
    struct http_call call = {.method = "GET", .url = url};
    for (uint64_t end = clock_mono_ms() + SETTLED_MS; clock_mono_ms() < end;) {
        SCOPED_JSON(list) = NULL;
        int status;
        if (!http_call_json(d->http, d->arena, &call, NULL, &status, &list, e))
            return NULL;
        json_t *job = json_array_get(list, 0);
        const char *state = json_string_value(json_object_get(job, "state"));
        if (state && strcmp(state, "settled") == 0)
            return json_incref(job);
        struct timespec pause = {.tv_nsec = 50 * 1000000}; // the public page has nothing that notifies
        nanosleep(&pause, NULL);
    }
    err_set(e, ERR_TIMEOUT, "the coordinator did not see the end of the request");
    return NULL;
}

// The output inside the resolving transaction's arguments.
static bool resolved_output(struct demo *d, const char *transaction, json_t **args, const char **text, struct err *e) {
    SCOPED_JSON(outcome) = NULL;
    struct slice bytes;
    if (!rpc_tx(d->rpc, d->arena, transaction, d->stack.operator.account.s, "FINAL", 20000, &outcome, e))
        return err_wrap(e, "resolving transaction");
    json_t *action = json_array_get(json_object_get(json_object_get(outcome, "transaction"), "actions"), 0);
    const char *encoded = json_string_value(json_object_get(json_object_get(action, "FunctionCall"), "args"));
    if (!encoded || !base64_decode(&bytes, d->arena, slice_str(encoded), e))
        return err_set(e, ERR_CHAIN, "the resolving transaction %s has no arguments", transaction);
    *args = json_parse_big(bytes, JSON_MAX_BYTES, e);
    if (!*args)
        return false;
    const json_t *response = json_object_get(*args, "response");
    const json_t *output = json_object_get(response ? response : *args, "output");
    *text = json_string_value(json_object_get(output, "Text"));
    return *text || err_set(e, ERR_CHAIN, "the resolving transaction %s has no text output", transaction);
}

static bool callback_value(struct demo *d, const char **out, struct err *e) {
    SCOPED_JSON(view) = rpc_view_json(d->rpc, d->arena, d->client.s, "get_answer", NULL, e);
    if (!view)
        return false;
    const char *text = json_string_value(json_object_get(view, "value"));
    if (!text)
        return err_set(e, ERR_CHAIN, "the client contract's callback stored no text");
    *out = arena_strdup(d->arena, text);
    return true;
}

// What stats says to its input, computed here and not in WebAssembly (FNV-1a, 64 bits, of the input's bytes).
static const char *expected_stats(struct demo *d) {
    uint64_t h = 14695981039346656037u;
    for (const char *p = stats_input; *p; p++)
        h = (h ^ (uint8_t)*p) * 1099511628211u;
    return arena_printf(d->arena, "{\"count\":5,\"sum\":39,\"min\":-7,\"max\":40,\"fnv1a\":\"%016" PRIx64 "\"}", h);
}

static bool answer_is_right(struct demo *d, const struct service *s, const char *value, struct err *e) {
    if (s->kind == ANSWER_PRICE)
        return strcmp(value, price_now(d->prices)) == 0 ||
               err_set(e, ERR_CORRUPT, "got '%.80s', the API says %s", value, price_now(d->prices));
    SCOPED_JSON(j) = json_parse(slice_str(value), 4096, e);
    uint64_t n;
    if (!j)
        return err_wrap(e, "the answer '%.80s'", value);
    if (s->kind == ANSWER_RANDOM)
        return json_get_u64(j, "random_number", &n, e) &&
               ((n >= 1 && n <= 100) || err_set(e, ERR_CORRUPT, "%" PRIu64 " is not from 1 to 100", n));
    SCOPED_JSON(want) = json_parse(slice_str(expected_stats(d)), 4096, e);
    return json_equal(j, want) || err_set(e, ERR_CORRUPT, "got %.120s, computed here %s", value, expected_stats(d));
}

// Callback's value = what the executor printed (by its hash) = the output in the resolving transaction.
static bool compare(struct demo *d, const struct service *s, const struct ask_result *r, struct err *e) {
    const char *value = "", *hash, *transaction, *resolved = "";
    char hex[65];
    SCOPED_JSON(args) = NULL;
    SCOPED_JSON(job) = settled_job(d, r, e);
    if (!job || !json_get_text(job, "output_hash", &hash, e) || !json_get_text(job, "resolve_tx_id", &transaction, e) ||
        !resolved_output(d, transaction, &args, &resolved, e) || !callback_value(d, &value, e))
        return false;
    struct hash of_value = sha256(slice_str(value));
    uint64_t peak = 0;
    (void)json_opt_u64(job, "peak_memory_bytes", &peak, NULL);
    if (strcmp(value, resolved) != 0)
        return err_set(e, ERR_CORRUPT, "the callback has '%.80s', the transaction %.80s", value, resolved);
    if (strcmp(hash_hex(&of_value, hex), hash) != 0)
        return err_set(e, ERR_CORRUPT, "the callback has '%.80s', which is not what the executor printed", value);
    if (!answer_is_right(d, s, value, e))
        return false;
    char count[32], charged[64], refunded[64];
    const struct chain_answer *w = &r->answer;
    printf("           ran: %s instructions, %" PRIu64 " ms, %.1f MiB at most%s\n",
           text_grouped(w->instructions, count), w->time_ms, (double)peak / (1 << 20),
           w->compile_time_ms ? arena_printf(d->arena, ", built in %" PRIu64 " ms", w->compile_time_ms) : "");
    printf("           resolved in %s\n           charged %s, refunded %s\n", transaction,
           yocto_text(w->charged, charged), yocto_text(w->refunded, refunded));
    static const char *const remarks[] = {
        [ANSWER_RANDOM] = "", [ANSWER_STATS] = "   (as computed here)", [ANSWER_PRICE] = "   (as the API says)"};
    printf("           the callback stored: %s%s\n", value, remarks[s->kind]);
    return true;
}

static bool one_request(struct demo *d, const struct service *s, const char *build_target, const char *examples,
                        struct err *e) {
    struct repo_ref repo;
    const char *folder = arena_printf(d->arena, "%s/%s", examples, s->folder);
    const char *input = s->input;
    if (s->kind == ANSWER_PRICE)
        input = arena_printf(d->arena, "{\"url\":\"%s\",\"path\":\"near.usd\"}", price_url(d->prices));
    printf("%s, %s: %s\n", s->what, build_target, input);
    fflush(stdout);
    if (!repo_prepare(d->arena, d->stack.home, folder, NULL, &repo, e))
        return false;
    struct ask ask = {.repo = repo.repo,
                      .commit = repo.commit,
                      .build_target = build_target,
                      .input = input,
                      .format = "Text",
                      .limits = LIMITS_DEFAULT,
                      .deposit = {NEAR_ONE / 10},
                      .receiver = d->client.s,
                      .method = "ask"};
    struct ask_result r;
    bool ok = ask_run(&d->target, &d->stack.developers[0], &ask, show_progress, NULL, d->arena, &r, e);
    if (ok && !r.answer.success)
        ok = err_set(e, ERR_CHAIN, "the request failed: %s", r.answer.error ? r.answer.error : "no reason given");
    ok = ok && compare(d, s, &r, e);
    ask_release(&r);
    printf("\n");
    return ok;
}

// --- the whole

static bool open_target(struct demo *d, struct err *e) {
    d->target = (struct target){.network = STACK_NETWORK,
                                .home = d->stack.home,
                                .rpc_url = d->stack.rpc_url,
                                .coordinator_url = d->stack.coordinator_url,
                                .contract = d->stack.contract.account.s};
    d->http = http_client_new();
    return rpc_new(&d->rpc, d->stack.rpc_url, e);
}

// The folder with the example services: beside the folder of the build.
static bool find_examples(struct demo *d, const char **out, struct err *e) {
    const char *bin = file_program_dir(d->arena);
    *out = arena_printf(d->arena, "%s/../../examples", bin);
    struct stat st;
    if (stat(*out, &st) == 0)
        return true;
    err_set(e, ERR_SETTINGS, "no folder '%s'", *out);
    return err_hint(e, "the demo runs from a checkout: ./run demo");
}

static bool show_all(struct demo *d, struct err *e) {
    const char *examples;
    unsigned done = 0;
    if (!open_target(d, e) || !find_examples(d, &examples, e) || !deploy_client(d, e))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(services); i++)
        // P1 has no outgoing calls.
        for (size_t k = services[i].kind == ANSWER_PRICE; k < ARRAY_LEN(build_targets); k++, done++)
            if (!one_request(d, &services[i], build_targets[k], examples, e))
                return err_wrap(e, "%s as %s", services[i].folder, build_targets[k]);
    const struct demo_secrets secrets = {d->arena, &d->stack, &d->target, examples, show_progress};
    if (!demo_secrets(&secrets, e))
        return err_wrap(e, "secrets");
    if (d->stack.root_key && (!stack_publish(&d->stack, false, e) || !demo_tee(d->arena, &d->stack, e)))
        return err_wrap(e, "a machine that proves itself");
    printf(
        "%u requests, each answered: callback value = executor's output = output in the resolving transaction;\n"
        "one with a secret that was printed nowhere, and one refused; a key of a (simulated) TDX machine came and "
        "went\n"
        "next: `build/bin/outlayer up`, then `build/bin/outlayer request --repo YOUR-FOLDER …` in another terminal;\n"
        "docs/tutorial.md goes on from there\n",
        done);
    return true;
}

static bool demo(const struct demo_options *o, struct demo *d, struct err *e) {
    const char *tmp = getenv("TMPDIR");
    char *home = arena_printf(d->arena, "%s/outlayer-demo.XXXXXX", tmp && tmp[0] ? tmp : "/tmp");
    if (!mkdtemp(home))
        return err_errno(e, "cannot make a folder '%s'", home);
    const char *ca = arena_printf(d->arena, "%s/prices.pem", home);
    struct stack_options so = {
        .home = home, .block_ms = o->block_ms.given ? o->block_ms.v : BLOCK_MS_DEFAULT, .egress_ca_file = ca};
    d->stack.say = show_step;
    bool ok = price_start(&d->prices, ca, e);
    if (ok) {
        so.egress_allow = price_allow(d->prices);
        ok = stack_start(&d->stack, &so, e);
    }
    if (ok) {
        ok = show_all(d, e);
        rpc_free(d->rpc);
        http_client_free(d->http);
        stack_stop(&d->stack);
    }
    price_stop(d->prices);
    if (o->keep || !ok)
        fprintf(stderr, "state and logs are in %s\n", home);
    else if (!file_remove_tree(home, NULL))
        fprintf(stderr, "cannot remove %s\n", home);
    return ok;
}

int command_demo(int argc, char **argv) {
    struct demo_options o = {0};
    struct demo d = {0};
    struct err e;
    bool help;
    if (!args_parse(&o, table, ARRAY_LEN(table), argc, argv, &help, &e))
        return command_failed(&e);
    if (help) {
        args_print_help("demo", "one whole request of each kind, live", table, ARRAY_LEN(table));
        return CLI_OK;
    }
    json_wipe_memory();
    d.arena = arena_new();
    bool ok = demo(&o, &d, &e);
    arena_free_wiped(d.arena);
    // Whatever went wrong in a demo, it is not the user's usage.
    return ok ? CLI_OK : (command_failed(&e), CLI_PLATFORM);
}
