// SPDX-License-Identifier: Apache-2.0
// `outlayer tee …`: what a machine proves about itself, and the keys that are believed because of it.
#include "cli/commands.h"

#include "cli/tee_job.h"

static const struct arg table[] = {
    ARG_OPERAND(struct tee_options, file, "FILE", "measure: the compose file of dstack (app-compose.json)"),
    ARG_OPTION(struct tee_options, app_id, "--app-id", "HEX", "measure: another one than the compose hash gives"),
    ARG_OPTION(struct tee_options, instance_id, "--instance-id", "HEX", "measure: the machine's"),
    ARG_OPTION(struct tee_options, key_provider, "--key-provider", "JSON",
               "measure: payload of the event key-provider, {\"name\":…,\"id\":…}"),
    ARG_SWITCH(struct tee_options, json, "--json", "end with one JSON value on one line"),
};

static const struct {
    const char *name;
    bool (*run)(struct tee_job *j, struct err *e);
} actions[] = {{"measure", tee_run_measure}};

void tee_finish(const struct tee_job *j, json_t *result) {
    if (j->o->json)
        print_json_line(j->a, result);
    json_decref(result);
}

static int usage(void) {
    struct err e;
    err_set(&e, ERR_USAGE, "say what to do");
    err_hint(&e, "outlayer tee measure (--help)");
    return command_failed(&e);
}

int command_tee(int argc, char **argv) {
    struct tee_options o = {0};
    struct err e;
    bool help = argc > 0 && strcmp(argv[0], "--help") == 0;
    size_t i = 0;
    while (argc > 0 && i < ARRAY_LEN(actions) && strcmp(argv[0], actions[i].name) != 0)
        i++;
    if (!help && (argc < 1 || i == ARRAY_LEN(actions)))
        return usage();
    if (!help && !args_parse(&o, table, ARRAY_LEN(table), argc - 1, argv + 1, &help, &e))
        return command_failed(&e);
    if (help) {
        args_print_help("tee measure", "what a machine proves about itself", table, ARRAY_LEN(table));
        return CLI_OK;
    }
    struct tee_job j = {.a = arena_new(), .o = &o};
    bool ok = actions[i].run(&j, &e);
    arena_free_wiped(j.a);
    return ok ? CLI_OK : command_failed(&e);
}
