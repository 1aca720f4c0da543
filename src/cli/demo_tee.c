// SPDX-License-Identifier: Apache-2.0
#include "cli/demo_tee.h"

#include "base/file.h"
#include "cli/tool.h"
#include "codec/json.h"

struct tee_demo {
    struct arena *a;
    const struct stack *stack;
};

// What an operator types, with --json for the demo to look at.
static bool type(struct tee_demo *d, const char *action, const char *option, json_t **out, struct err *e) {
    const char *program = arena_printf(d->a, "%s/outlayer", file_program_dir(d->a));
    const char *home = arena_printf(d->a, "OUTLAYER_HOME=%s", d->stack->home);
    const struct tool tool = {.argv = (const char *const[]){program, "tee", action, "--json", option, NULL},
                              .extra_env = (const char *const[]){home, NULL}};
    struct slice text;
    *out = NULL;
    if (!tool_run(d->a, &tool, &text, e))
        return err_wrap(e, "outlayer tee %s", action);
    *out = json_parse_big(text, TOOL_OUTPUT_MAX, e);
    return *out != NULL;
}

static const char *member(const json_t *j, const char *key) {
    const char *text = json_string_value(json_object_get(j, key));
    return text ? text : "";
}

static bool step(struct tee_demo *d, const char *action, const char *option, const char *what, const char *shown,
                 const char *want_key, const char *want, struct err *e) {
    SCOPED_JSON(j) = NULL;
    if (!type(d, action, option, &j, e))
        return false;
    const json_t *value = json_object_get(j, want_key);
    const char *got = json_is_integer(value) ? arena_printf(d->a, "%" JSON_INTEGER_FORMAT, json_integer_value(value))
                                             : member(j, want_key);
    if (strcmp(got, want) != 0)
        return err_set(e, ERR_CORRUPT, "outlayer tee %s: %s is '%s', not '%s'", action, want_key, got, want);
    printf("           %-52s %s%s%s\n",
           arena_printf(d->a, "outlayer tee %s%s%s", action, option ? " " : "", option ? option : ""), what,
           shown ? " " : "", shown ? member(j, shown) : "");
    fflush(stdout);
    return true;
}

bool demo_tee(struct arena *a, const struct stack *s, struct err *e) {
    struct tee_demo d = {a, s};
    printf("a machine that proves itself, simulated: in the place of Intel's keys are some that everybody has\n");
    bool ok =
        step(&d, "approve", "--name=demo", "its owner approves the image, compose hash", "compose_hash", "name", "demo",
             e) &&
        step(&d, "register", NULL, "a key is made, quoted, registered:", "public_key", "result", "registered", e) &&
        step(&d, "register", "--renew", "a fresh quote renews it, in", "transaction_hash", "result", "renewed", e) &&
        step(&d, "recheck", NULL, "it is judged again by today's collateral, in", "transaction_hash", "checked", "1",
             e) &&
        step(&d, "remove", NULL, "it is removed and never comes back, in", "transaction_hash", "removed", "1", e);
    printf("\n");
    return ok;
}
