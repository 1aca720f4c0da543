// SPDX-License-Identifier: Apache-2.0
// outlayer admin: the operator's acts, over the admin routes of a daemon's STATUS_LISTEN. The token never stands on a
// command line, which other users of the machine can read.
#include "base/settings.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/prompt.h"
#include "codec/json.h"
#include "http/client.h"
#include <inttypes.h>

#define COORDINATOR "http://127.0.0.1:9080"
#define TOKEN_NAME "ADMIN_BEARER_TOKEN"
#define CALL_MS 15000
#define BENCH_S 3600

struct admin_options {
    const char *target, *at, *reason;
    struct arg_u64 seconds;
    bool json;
    const char *token; // no option: from the environment, a file or a prompt
};
static const struct arg table[] = {
    ARG_OPERAND(struct admin_options, target, "TARGET",
                "requeue, cancel, logs: CONTRACT/ID, as logs name a request; bench, unbench: a WORKER_ID"),
    ARG_OPTION(struct admin_options, at, "--at", "URL",
               "STATUS_LISTEN of the daemon (" COORDINATOR ", a coordinator's; drain: a worker's, too)"),
    ARG_OPTION(struct admin_options, reason, "--reason", "TEXT", "cancel: what lists show as the reason"),
    ARG_NUMBER(struct admin_options, seconds, "--seconds", "bench: for how long (3,600; at most 2,592,000)"),
    ARG_SWITCH(struct admin_options, json, "--json", "the daemon's answer, as one JSON object"),
};

// --- asking

struct act {
    const char *method, *path;
    json_t *body;   // NULL: none; released by act_do
    json_t *answer; // out; NULL: it has none; the caller's
};

// The daemon of an older version, or without a token, has no such route: its own word is that there is no such path.
static bool explain(struct err *e) {
    if (e->code == ERR_NOT_FOUND && strncmp(e->msg, "no such path", 12) == 0)
        err_hint(e, "is it a daemon's STATUS_LISTEN, and was the daemon started with " TOKEN_NAME "?");
    return false;
}

static bool act_do(struct act *act, struct arena *a, const struct admin_options *o, struct err *e) {
    struct http_client *client = http_client_new();
    size_t n = strlen(o->at);
    while (n && o->at[n - 1] == '/')
        n--;
    const struct http_call call = {.method = act->method,
                                   .url = arena_printf(a, "%.*s%s", (int)n, o->at, act->path),
                                   .bearer = o->token,
                                   .timeout_ms = CALL_MS};
    int status;
    bool ok = http_call_json(client, a, &call, act->body, &status, &act->answer, e);
    json_decref(act->body);
    http_client_free(client);
    return ok || explain(e);
}

// --- what is said

// For people a sentence; with --json what the daemon said, or an object of its own where it said nothing.
static void say(struct arena *a, const struct admin_options *o, const struct act *act, const char *done,
                const char *sentence) {
    if (!o->json) {
        printf("%s\n", printable_line(a, sentence));
        return;
    }
    SCOPED_JSON(own) = act->answer ? NULL : json_pack("{s:s}", "done", done);
    print_json_line(a, act->answer ? act->answer : own);
}

// One act whose answer is a sentence.
static bool act_and_say(struct arena *a, const struct admin_options *o, struct act *act, const char *done,
                        const char *sentence, struct err *e) {
    bool ok = act_do(act, a, o, e);
    if (ok)
        say(a, o, act, done, sentence);
    json_decref(act->answer);
    return ok;
}

// --- executions

// CONTRACT/ID.
static bool read_request(json_t **out, struct arena *a, const char *target, struct err *e) {
    const char *slash = strrchr(target, '/');
    uint64_t id;
    if (!slash || slash == target || !text_u64(slice_str(slash + 1), &id) || id > INT64_MAX) {
        err_set(e, ERR_USAGE, "'%.100s' names no request", target);
        return err_hint(e, "CONTRACT/ID, as logs name it, such as outlayer.near/17");
    }
    *out = json_object();
    json_set_text(*out, "contract_id", arena_printf(a, "%.*s", (int)(slash - target), target));
    json_set_u64(*out, "request_id", id);
    return true;
}

static bool requeue(struct arena *a, const struct admin_options *o, struct err *e) {
    struct act act = {"POST", "/admin/requeue", NULL, NULL};
    return read_request(&act.body, a, o->target, e) &&
           act_and_say(a, o, &act, "queued again", arena_printf(a, "%s is queued again", o->target), e);
}

static bool cancel(struct arena *a, const struct admin_options *o, struct err *e) {
    struct act act = {"POST", "/admin/cancel", NULL, NULL};
    if (!read_request(&act.body, a, o->target, e))
        return false;
    if (o->reason)
        json_set_text(act.body, "reason", o->reason);
    return act_and_say(a, o, &act, "cancelled",
                       arena_printf(a,
                                    "%s is cancelled here; on the chain it stays open until its time is over, and is "
                                    "cancelled and repaid then",
                                    o->target),
                       e);
}

static void print_said(struct arena *a, const char *title, const json_t *answer, const char *name) {
    const char *text = json_string_value(json_object_get(answer, name));
    printf("%s%s\n", title, text ? "" : " none");
    if (text) {
        char *shown = arena_strdup(a, text);
        text_make_printable(shown, false);
        printf("%s%s", shown, shown[0] && shown[strlen(shown) - 1] == '\n' ? "" : "\n");
    }
}

static bool logs(struct arena *a, const struct admin_options *o, struct err *e) {
    struct act act = {"GET", NULL, NULL, NULL};
    SCOPED_JSON(request) = NULL;
    const char *contract;
    uint64_t id;
    if (!read_request(&request, a, o->target, e) || !json_get_text(request, "contract_id", &contract, e) ||
        !json_get_u64(request, "request_id", &id, e))
        return false;
    act.path = arena_printf(a, "/admin/logs/%s/%" PRIu64, http_percent_encode(a, contract), id);
    if (!act_do(&act, a, o, e))
        return false;
    if (o->json) {
        print_json_line(a, act.answer);
    } else {
        print_said(a, "the build said:", act.answer, "build_log");
        print_said(a, "the guest wrote to its standard error:", act.answer, "guest_stderr");
    }
    json_decref(act.answer);
    return true;
}

// --- workers

static bool bench(struct arena *a, const struct admin_options *o, struct err *e) {
    struct act act = {"POST", "/admin/bench", json_object(), NULL};
    uint64_t seconds = o->seconds.given ? o->seconds.v : BENCH_S;
    char shown[32];
    json_set_text(act.body, "worker_id", o->target);
    json_set_u64(act.body, "seconds", seconds);
    return act_and_say(
        a, o, &act, "benched",
        arena_printf(a, "worker %s gets no new leases for %s s", o->target, text_grouped(seconds, shown)), e);
}

static bool unbench(struct arena *a, const struct admin_options *o, struct err *e) {
    struct act act = {"DELETE", arena_printf(a, "/admin/bench/%s", http_percent_encode(a, o->target)), NULL, NULL};
    return act_and_say(a, o, &act, "unbenched", arena_printf(a, "worker %s may take leases again", o->target), e);
}

static void print_bench(struct arena *a, const json_t *one) {
    const char *worker = json_string_value(json_object_get(one, "worker_id"));
    printf("%-40s for %" JSON_INTEGER_FORMAT " s\n", printable_line(a, worker ? worker : "?"),
           json_integer_value(json_object_get(one, "seconds")));
}

static bool benches(struct arena *a, const struct admin_options *o, struct err *e) {
    struct act act = {"GET", "/admin/bench", NULL, NULL};
    const json_t *one;
    size_t i;
    if (!act_do(&act, a, o, e))
        return false;
    if (o->json) {
        SCOPED_JSON(all) = json_pack("{s:O?}", "benched", act.answer);
        print_json_line(a, all);
    } else {
        json_array_foreach(act.answer, i, one)
            print_bench(a, one);
        if (!json_array_size(act.answer))
            printf("no worker is benched\n");
    }
    json_decref(act.answer);
    return true;
}

// --- the daemon

static bool drain(struct arena *a, const struct admin_options *o, struct err *e) {
    struct act act = {"POST", "/admin/drain", NULL, NULL};
    return act_and_say(a, o, &act, "draining", "it takes no new work, finishes what it has and ends", e);
}

static const struct {
    const char *name;
    bool (*run)(struct arena *a, const struct admin_options *o, struct err *e);
    const char *target; // what it needs; NULL: nothing
} actions[] = {{"requeue", requeue, "CONTRACT/ID"},
               {"cancel", cancel, "CONTRACT/ID"},
               {"logs", logs, "CONTRACT/ID"},
               {"bench", bench, "WORKER_ID"},
               {"unbench", unbench, "WORKER_ID"},
               {"benches", benches, NULL},
               {"drain", drain, NULL}};

static const struct args_command command = {
    .name = "admin",
    .about = "the operator's acts on a running coordinator or worker; the token is that of " TOKEN_NAME
             ", of the file that " TOKEN_NAME "_FILE names, or asked for",
    .missing = "say what to do",
    .hint = "outlayer admin requeue | cancel | logs CONTRACT/ID, bench | unbench WORKER_ID, benches, drain",
    ARGS_ACTIONS(actions),
    ARGS_TABLE(table)};

static bool check(const struct admin_options *o, size_t i, struct err *e) {
    const struct arg_use uses[] = {{o->reason ? "--reason" : NULL, "cancel"},
                                   {o->seconds.given ? "--seconds" : NULL, "bench"},
                                   {o->target ? "TARGET" : NULL, "requeue, cancel, logs, bench, unbench"}};
    if (!args_check_uses("admin", actions[i].name, uses, ARRAY_LEN(uses), e))
        return false;
    if (!actions[i].target || (o->target && o->target[0]))
        return true;
    err_set(e, ERR_USAGE, "it is not said what to %s", actions[i].name);
    return err_hint(e, "outlayer admin %s %s", actions[i].name, actions[i].target);
}

static bool find_token(struct arena *a, struct admin_options *o, struct err *e) {
    if (!settings_secret(a, TOKEN_NAME, &o->token, e))
        return false;
    if (!o->token && isatty(STDIN_FILENO) &&
        !prompt_ask(a, STDIN_FILENO, "the operator's token (not shown): ", true, &o->token, e))
        return false;
    if (o->token && o->token[0])
        return true;
    err_set(e, ERR_USAGE, "the operator's token is missing");
    return err_hint(e, "by " TOKEN_NAME ", by a file that " TOKEN_NAME "_FILE names, or at the prompt of a terminal");
}

int command_admin(int argc, char **argv) {
    struct arena *a = arena_new(); // has the token
    struct admin_options o = {.at = COORDINATOR};
    struct err e;
    bool help, ok;
    size_t i;
    ok = args_action(&i, &o, &command, argc, argv, &help, &e);
    if (ok && !help)
        ok = check(&o, i, &e) && find_token(a, &o, &e) && actions[i].run(a, &o, &e);
    arena_free_wiped(a);
    return ok ? CLI_OK : command_failed(&e);
}
