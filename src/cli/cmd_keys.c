// SPDX-License-Identifier: Apache-2.0
// outlayer keys: an account's keys at a coordinator, made, listed and ended by the account's own word.
#include "base/clock.h"
#include "cli/account_ask.h"
#include "cli/commands.h"
#include "coordinator/account_keys.h"

#define PATH "/public/api-keys"

struct keys_options {
    struct target_options target;
    const char *name, *from;
    bool json;
};
static const struct arg table[] = {
    ARG_OPERAND(struct keys_options, name, "NAME",
                "create: what the key is called; revoke: its number, as list shows it"),
    ARG_OPTION(struct keys_options, from, "--from", "ACCOUNT", "whose keys; a full access key of it signs"),
    TARGET_OPTIONS(struct keys_options, target),
    ARG_SWITCH(struct keys_options, json, "--json", "one JSON object"),
};

struct keys_job {
    struct arena *a;
    const struct keys_options *o;
    struct target target;
    struct credentials from;
};

static bool ask(struct keys_job *j, const struct account_question *q, json_t **out, struct err *e) {
    return account_ask(j->a, &j->target, &j->from, q, out, e);
}

// What the coordinator says is shown as it is, on one line.
static const char *text_of(struct keys_job *j, const json_t *o, const char *name) {
    const char *text = json_string_value(json_object_get(o, name));
    return printable_line(j->a, text ? text : "?");
}

static const char *date_of(struct keys_job *j, const json_t *o, const char *name) {
    uint64_t ms = 0;
    char when[32];
    return json_opt_u64(o, name, &ms, NULL) && ms ? arena_strdup(j->a, clock_iso8601(ms, when)) : NULL;
}

static bool key_new(struct keys_job *j, struct err *e) {
    SCOPED_JSON(answer) = NULL;
    if (!account_key_name_check(j->o->name, e))
        return false;
    SCOPED_JSON(body) = json_pack("{s:s}", "name", j->o->name);
    const char *act = arena_printf(j->a, "make an API key named \"%s\"", j->o->name);
    if (!ask(j, &(struct account_question){"POST", PATH, act, body}, &answer, e))
        return false;
    if (j->o->json)
        print_json_line(j->a, answer);
    else
        printf("%s\n", text_of(j, answer, "key"));
    fprintf(stderr,
            "It is shown this once, and sent as X-API-Key. Whoever has it reads the logs of what %s asks for, and who "
            "asked for its secrets.\n",
            j->from.account.s);
    return true;
}

static void print_key(struct keys_job *j, const json_t *key) {
    const char *used = date_of(j, key, "last_used_ms"), *made = date_of(j, key, "created_ms");
    printf("%-18s %-20s %s…  made %s, ", text_of(j, key, "id"), text_of(j, key, "name"), text_of(j, key, "prefix"),
           made ? made : "?");
    printf("%s%s\n", used ? "used about " : "not used", used ? used : "");
}

static bool key_list(struct keys_job *j, struct err *e) {
    json_t *keys, *key;
    size_t i;
    SCOPED_JSON(answer) = NULL;
    if (!ask(j, &(struct account_question){"GET", PATH, "list API keys", NULL}, &answer, e) ||
        !json_get_array(answer, "keys", &keys, e))
        return false;
    if (j->o->json) {
        print_json_line(j->a, answer);
        return true;
    }
    json_array_foreach(keys, i, key)
        print_key(j, key);
    if (!json_array_size(keys))
        printf("%s has no keys there\n", j->from.account.s);
    return true;
}

static bool key_end(struct keys_job *j, struct err *e) {
    SCOPED_JSON(answer) = NULL;
    if (!account_key_id_is_one(j->o->name)) {
        err_set(e, ERR_USAGE, "'%.40s' is not a key's number", j->o->name);
        return err_hint(e, "outlayer keys list shows them, of %d hexadecimal digits", ACCOUNT_KEY_ID_LEN);
    }
    const char *act = arena_printf(j->a, "revoke the API key %s", j->o->name);
    const struct account_question q = {"DELETE", arena_printf(j->a, PATH "/%s", j->o->name), act, NULL};
    if (!ask(j, &q, &answer, e))
        return false;
    if (j->o->json)
        print_json_line(j->a, answer);
    else
        printf("revoked %s: it is good no more within 5 seconds\n", j->o->name);
    return true;
}

static const struct {
    const char *name;
    bool (*run)(struct keys_job *j, struct err *e);
    bool needs_name;
} actions[] = {{"create", key_new, true}, {"list", key_list, false}, {"revoke", key_end, true}};

static const struct args_command command = {.name = "keys",
                                            .about = "an account's API keys at a coordinator",
                                            .missing = "say what to do with keys",
                                            .hint = "outlayer keys create NAME | list | revoke ID",
                                            ARGS_ACTIONS(actions),
                                            ARGS_TABLE(table)};

static bool run(size_t action, const struct keys_options *o, struct arena *a, struct err *e) {
    struct keys_job j = {.a = a, .o = o};
    if (!target_find(&j.target, a, &o->target, e))
        return false;
    bool ok = target_credentials(&j.target, a, o->from, &j.from, e) && actions[action].run(&j, e);
    secret_key_wipe(&j.from.secret);
    target_release(&j.target);
    return ok;
}

static bool check_name(size_t action, const struct keys_options *o, struct err *e) {
    if (!o->name == !actions[action].needs_name)
        return true;
    if (!o->name)
        return args_no_action(&command, e);
    return err_set(e, ERR_USAGE, "outlayer keys list takes no name") || err_hint(e, "it shows all keys of the account");
}

int command_keys(int argc, char **argv) {
    struct keys_options o = {0};
    struct err e;
    bool help;
    size_t i;
    if (!args_action(&i, &o, &command, argc, argv, &help, &e))
        return command_failed(&e);
    if (help)
        return CLI_OK;
    if (!check_name(i, &o, &e))
        return command_failed(&e);
    json_wipe_memory();
    struct arena *a = arena_new();
    bool ok = run(i, &o, a, &e);
    arena_free_wiped(a);
    return ok ? CLI_OK : command_failed(&e);
}
