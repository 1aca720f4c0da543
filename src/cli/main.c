// SPDX-License-Identifier: Apache-2.0
// outlayer: the one program people type. Each subcommand has a file that begins with cmd_.
#include "cli/commands.h"

#include "base/log.h"
#include "base/settings.h"
#include "base/text.h"

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *about;
} commands[] = {
    {"init", command_init, "writes a project to start from, in C, Rust or C++"},
    {"demo", command_demo, "one whole request of each kind, live, on this machine"},
    {"up", command_up, "starts a local chain, keystore, coordinator and worker, and keeps them running"},
    {"request", command_request, "asks a deployment to run a repository and shows the answer and its cost"},
    {"secrets", command_secrets, "stores sealed values for guests, and says who may use them"},
    {"keys", command_keys, "an account's API keys: makes, lists and revokes them"},
    {"run", command_run, "runs a module here, under a worker's limits"},
    {"deploy", command_deploy, "deploys and sets up the contract on a network"},
    {"tee", command_tee, "what a TDX machine proves about itself, and the key that is believed because of it"},
    {"verify-quote", command_verify_quote, "what a TDX or SGX quote proves, by Intel's collateral and a policy"},
    {"collateral", command_collateral, "fetches what Intel signs about platforms, and says how long it lasts"},
    {"token", command_token, "creates, lists and revokes workers' tokens"},
    {"admin", command_admin, "the operator's acts on a running coordinator or worker"},
    {"db", command_db, "moves a coordinator's database from SQLite to PostgreSQL"},
    {"audit", command_audit, "verifies and exports the keystore's audit log"},
};

static void print_help(void) {
    printf(
        "outlayer: off-chain computation for NEAR contracts\n\nUsage: outlayer COMMAND [OPTIONS]   (outlayer COMMAND "
        "--help)\n       outlayer --version\n\n");
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        printf("  %-12s %s\n", commands[i].name, commands[i].about);
    printf("\nExit status: 0 success, 1 the guest or its build failed, 2 wrong usage or settings, 3 the platform "
           "failed\n");
}

static int unknown(const char *name) {
    struct err e;
    size_t n = strlen(name);
    struct nearest near = {.given = name, .most = n < 4 ? 1 : n < 6 ? 2 : 3};
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        nearest_try(&near, commands[i].name);
    err_set(&e, ERR_USAGE, "unknown command '%s'", name);
    if (near.name)
        err_hint(&e, "did you mean outlayer %s?", near.name);
    else
        err_hint(&e, "outlayer --help lists the commands");
    return command_failed(&e);
}

int main(int argc, char **argv) {
    const char *level = getenv("LOG_LEVEL");
    struct err e;
    if (!log_init("outlayer", level && level[0] ? level : "warn", NULL, &e))
        return command_failed(&e);
    const char *name = argc > 1 ? argv[1] : "--help";
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
        print_help();
        return argc > 1 ? CLI_OK : CLI_USAGE;
    }
    if (strcmp(name, "--version") == 0) {
        printf("outlayer %s\n", PROGRAM_VERSION);
        return CLI_OK;
    }
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (strcmp(commands[i].name, name) == 0)
            return commands[i].run(argc - 2, argv + 2);
    return unknown(name);
}
