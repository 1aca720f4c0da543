// SPDX-License-Identifier: Apache-2.0
// outlayer token: who may talk to a coordinator, and for what. Works on its database: a running coordinator takes a new
// one at once, and a revoked one no longer than TOKEN_KNOWN_MS.
#include "base/clock.h"
#include "base/settings.h"
#include "cli/commands.h"
#include "codec/json.h"
#include "coordinator/tokens.h"

struct token_options {
    const char *name, *home, *network, *database, *scope, *worker_id;
    struct arg_u64 days;
    bool json;
};
static const struct arg table[] = {
    ARG_OPERAND(struct token_options, name, "NAME", "who uses it, for example worker-1"),
    ARG_OPTION(struct token_options, scope, "--scope", "LIST",
               "create: worker (everything), or of build, run, monitor, read what it is for (worker)"),
    ARG_OPTION(struct token_options, worker_id, "--worker-id", "ID",
               "create: the WORKER_ID that whoever uses it may call itself (any)"),
    ARG_NUMBER(struct token_options, days, "--days", "create: how long it is good (without end)"),
    ARG_OPTION(struct token_options, home, "--home", "DIR", "the coordinator's OUTLAYER_HOME (~/.outlayer/<network>)"),
    ARG_OPTION(
        struct token_options, database, "--database", "URL",
        "the coordinator's; else DATABASE_URL, the file that DATABASE_URL_FILE names, or coordinator.db in the home"),
    ARG_OPTION(struct token_options, network, "--network", "NAME",
               "devnet, testnet or mainnet (OUTLAYER_NETWORK, devnet)"),
    ARG_SWITCH(struct token_options, json, "--json", "one JSON object"),
};

#define DAY_MS 86400000ull
#define DAYS_MAX 36500

static struct token_place place_of(const struct token_options *o) { return (struct token_place){o->home, o->database}; }

static void print_json(struct arena *a, json_t *j) {
    print_json_line(a, j);
    json_decref(j);
}

static bool token_new(struct arena *a, const struct token_options *o, struct err *e) {
    const char *token;
    const struct token_place at = place_of(o);
    const struct token_terms terms = {o->name, o->scope, o->worker_id, o->days.v * DAY_MS};
    if (o->days.given && (!o->days.v || o->days.v > DAYS_MAX))
        return err_set(e, ERR_USAGE, "--days takes 1 to %d", DAYS_MAX);
    if (!token_create(&at, &terms, a, &token, e))
        return false;
    if (o->json)
        print_json(a, json_pack("{s:s, s:s}", "name", o->name, "token", token));
    else
        printf("%s\n", token);
    fprintf(stderr,
            "It is shown this once. Give it to the worker as API_AUTH_TOKEN, or in a file as API_AUTH_TOKEN_FILE.\n");
    return true;
}

static const char *date(struct arena *a, uint64_t ms) {
    char when[32];
    return ms ? arena_strdup(a, clock_iso8601(ms, when)) : NULL;
}

static const char *state_of(const struct token_entry *x) {
    return !x->is_active ? "revoked" : x->expires_ms && x->expires_ms <= clock_wall_ms() ? "over" : "good";
}

static json_t *entry_json(struct arena *a, const struct token_entry *x) {
    json_t *j = json_object();
    json_set_text(j, "name", x->name);
    json_set_text(j, "state", state_of(x));
    json_set_text(j, "scope", x->scopes);
    json_set_text(j, "worker_id", x->worker_id);
    json_set_text(j, "created_at", date(a, x->created_ms));
    json_set_text(j, "expires_at", date(a, x->expires_ms));
    json_set_text(j, "last_used_at", date(a, x->used_ms));
    return j;
}

// Names that were put there by SQL may have anything in them.
static void print_entry(struct arena *a, const struct token_entry *x) {
    printf("%-32s %-7s made %s, for %s", printable_line(a, x->name), state_of(x), date(a, x->created_ms),
           printable_line(a, x->scopes));
    if (x->worker_id)
        printf(" as worker %s", printable_line(a, x->worker_id));
    if (x->expires_ms)
        printf(", until %s", date(a, x->expires_ms));
    if (x->used_ms)
        printf(", used about %s\n", date(a, x->used_ms));
    else
        printf(", not used\n");
}

static bool token_show(struct arena *a, const struct token_options *o, struct err *e) {
    const struct token_place at = place_of(o);
    struct token_entry *entries;
    size_t count;
    if (!token_list(&at, a, &entries, &count, e))
        return false;
    SCOPED_JSON(all) = json_array();
    for (size_t i = 0; i < count; i++) {
        if (o->json)
            json_array_append_new(all, entry_json(a, &entries[i]));
        else
            print_entry(a, &entries[i]);
    }
    if (o->json)
        print_json(a, json_pack("{s:O}", "tokens", all));
    else if (!count)
        printf("there are no tokens in %s\n", o->database ? "this database" : o->home);
    return true;
}

static bool token_end(struct arena *a, const struct token_options *o, struct err *e) {
    const struct token_place at = place_of(o);
    if (!token_revoke(&at, o->name, e))
        return false;
    if (o->json)
        print_json(a, json_pack("{s:s}", "revoked", o->name));
    else
        printf("revoked %s\n", o->name);
    return true;
}

static const struct {
    const char *name;
    bool (*run)(struct arena *a, const struct token_options *o, struct err *e);
    bool needs_name;
} actions[] = {{"create", token_new, true}, {"list", token_show, false}, {"revoke", token_end, true}};

static const struct args_command command = {.name = "token",
                                            .about = "who may talk to a coordinator as a worker",
                                            .missing = "say what to do with tokens",
                                            .hint = "outlayer token create NAME | list | revoke NAME",
                                            ARGS_ACTIONS(actions),
                                            ARGS_TABLE(table)};

static bool check_uses(const struct token_options *o, const char *action, struct err *e) {
    const struct arg_use uses[] = {{o->scope ? "--scope" : NULL, "create"},
                                   {o->worker_id ? "--worker-id" : NULL, "create"},
                                   {o->days.given ? "--days" : NULL, "create"}};
    return args_check_uses("token", action, uses, ARRAY_LEN(uses), e);
}

static bool find_place(struct arena *a, struct token_options *o, struct err *e) {
    if (!o->database && !settings_secret(a, "DATABASE_URL", &o->database, e))
        return false;
    return home_from_options(a, o->home, o->network, &o->home, e);
}

int command_token(int argc, char **argv) {
    SCOPED_ARENA(a);
    struct token_options o = {0};
    struct err e;
    bool help;
    size_t i;
    if (!args_action(&i, &o, &command, argc, argv, &help, &e))
        return command_failed(&e);
    if (help)
        return CLI_OK;
    bool named = !actions[i].needs_name || o.name || args_no_action(&command, &e);
    bool ok = named && check_uses(&o, actions[i].name, &e) && find_place(a, &o, &e) && actions[i].run(a, &o, &e);
    return ok ? CLI_OK : command_failed(&e);
}
