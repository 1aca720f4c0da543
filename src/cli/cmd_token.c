// SPDX-License-Identifier: Apache-2.0
// outlayer token: who may talk to a coordinator as a worker. Works on its database; a running coordinator sees it at
// once.
#include "base/clock.h"
#include "cli/commands.h"
#include "codec/json.h"
#include "coordinator/tokens.h"

struct token_options {
    const char *name, *home, *network;
    bool json;
};
static const struct arg table[] = {
    ARG_OPERAND(struct token_options, name, "NAME", "who uses it, for example worker-1"),
    ARG_OPTION(struct token_options, home, "--home", "DIR", "the coordinator's OUTLAYER_HOME (~/.outlayer/<network>)"),
    ARG_OPTION(struct token_options, network, "--network", "NAME",
               "devnet, testnet or mainnet (OUTLAYER_NETWORK, devnet)"),
    ARG_SWITCH(struct token_options, json, "--json", "one JSON object"),
};

static void print_json(struct arena *a, json_t *j) {
    print_json_line(a, j);
    json_decref(j);
}

static bool token_new(struct arena *a, const struct token_options *o, struct err *e) {
    const char *token;
    if (!token_create(o->home, o->name, a, &token, e))
        return false;
    if (o->json)
        print_json(a, json_pack("{s:s, s:s}", "name", o->name, "token", token));
    else
        printf("%s\n", token);
    fprintf(stderr,
            "It is shown this once. Give it to the worker as API_AUTH_TOKEN, or in a file as API_AUTH_TOKEN_FILE.\n");
    return true;
}

static bool token_show(struct arena *a, const struct token_options *o, struct err *e) {
    struct token_entry *entries;
    size_t count;
    char when[32];
    if (!token_list(o->home, a, &entries, &count, e))
        return false;
    json_t *all = json_array();
    for (size_t i = 0; i < count; i++) {
        clock_iso8601(entries[i].created_ms, when);
        if (o->json)
            json_array_append_new(all, json_pack("{s:s, s:s}", "name", entries[i].name, "created_at", when));
        else
            printf("%-32s made %s\n", entries[i].name, when);
    }
    if (o->json)
        print_json(a, json_pack("{s:O}", "tokens", all));
    else if (!count)
        printf("no tokens in %s\n", o->home);
    json_decref(all);
    return true;
}

static bool token_end(struct arena *a, const struct token_options *o, struct err *e) {
    if (!token_revoke(o->home, o->name, e))
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
    return named && home_from_options(a, o.home, o.network, &o.home, &e) && actions[i].run(a, &o, &e)
               ? CLI_OK
               : command_failed(&e);
}
