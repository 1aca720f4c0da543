// SPDX-License-Identifier: Apache-2.0
// `outlayer up`: the whole stack on this machine until Ctrl-C.
#include "cli/commands.h"

#include "base/settings.h"
#include "base/text.h"
#include "cli/stack.h"
#include <errno.h>
#include <signal.h>
#include <spawn.h>

#define BLOCK_MS_DEFAULT 600

struct up_options {
    const char *home;
    struct arg_u64 rpc_port, coordinator_port, block_ms;
    struct egress_options egress;
    bool open, json;
};

static const struct arg table[] = {
    ARG_OPTION(struct up_options, home, "--home", "DIR",
               "where state is kept (OUTLAYER_HOME, else ~/.outlayer/devnet)"),
    ARG_NUMBER(struct up_options, rpc_port, "--rpc-port", "port of the chain's RPC and neardata (any free one)"),
    ARG_NUMBER(struct up_options, coordinator_port, "--coordinator-port", "port of the coordinator (any free one)"),
    ARG_NUMBER(struct up_options, block_ms, "--block-ms",
               "time between blocks (600); 0: a block as soon as there is work"),
    EGRESS_OPTIONS(struct up_options, egress),
    ARG_SWITCH(struct up_options, open, "--open", "opens the dashboard in the browser"),
    ARG_SWITCH(struct up_options, json, "--json", "one JSON line on standard output once everything answers"),
};

static void show_step(void *ctx, const struct stack_step *step) {
    (void)ctx;
    char time[24];
    fprintf(stderr, "  %-20s %-52s %8s\n", step->what, step->detail, text_duration(step->us, time));
}

static void show_addresses(const struct stack *s) {
    printf("\nRPC          %s\nneardata     %s/v0/last_block/final\ncoordinator  %s\ncontract     %s\n", s->rpc_url,
           s->neardata_url, s->coordinator_url, s->contract.account.s);
    printf("dashboard    %s\n", s->dashboard ? s->coordinator_url : "none; `make dashboard` makes it");
    if (s->docs)
        printf("the book     %s/docs/\n", s->coordinator_url);
    else
        printf("the book     none; `make book` makes it\n");
    for (size_t i = 0; i < STACK_DEVELOPERS; i++)
        printf("account      %s   (key: %s/keys/%s.json)\n", s->developers[i].account.s, s->home, i ? "bob" : "alice");
    printf("\nTry, in another terminal:  outlayer request --repo examples/random-c --target wasm32-wasip1 "
           "--input '{\"min\":1,\"max\":100}'\nCtrl-C stops everything; state stays in %s\n",
           s->home);
    fflush(stdout);
}

// The desktop's own way to open an address. Whoever has none is told; everything else runs all the same. What a browser
// says is none of --json's line, and Ctrl-C ends what was started here, not a browser.
static void open_dashboard(const struct stack *s) {
    char opener[] = "xdg-open", *argv[] = {opener, arena_strdup(s->arena, s->coordinator_url), NULL};
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_t files;
    sigset_t none;
    pid_t pid;
    if (!s->dashboard) {
        fprintf(stderr, "there is no dashboard to open: `make dashboard` makes it\n");
        return;
    }
    sigemptyset(&none);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, STDERR_FILENO, STDOUT_FILENO);
    int error = posix_spawnp(&pid, opener, &files, &attributes, argv, environ);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    if (error)
        fprintf(stderr, "cannot open a browser (xdg-open: %s): open %s\n", strerror(error), s->coordinator_url);
}

static bool port_ok(const struct arg_u64 *port, const char *name, struct err *e) {
    return port->v <= UINT16_MAX || err_set(e, ERR_USAGE, "%s is not a port", name);
}

static bool run(const struct up_options *o, const sigset_t *stop, struct err *e) {
    SCOPED_ARENA(a);
    struct stack_options so = {.rpc_port = o->rpc_port.v,
                               .coordinator_port = o->coordinator_port.v,
                               .block_ms = o->block_ms.given ? o->block_ms.v : BLOCK_MS_DEFAULT,
                               .egress_allow = o->egress.allow,
                               .egress_ports = o->egress.ports,
                               .egress_ca_file = o->egress.ca_file};
    const char *given = o->home ? o->home : getenv("OUTLAYER_HOME");
    struct stack s = {.say = show_step};
    if (!port_ok(&o->rpc_port, "--rpc-port", e) || !port_ok(&o->coordinator_port, "--coordinator-port", e) ||
        !settings_home(given && given[0] ? given : NULL, STACK_NETWORK, a, &so.home, e) || !stack_start(&s, &so, e))
        return false;
    bool ok = stack_publish(&s, o->json, e);
    if (ok) {
        if (!o->json)
            show_addresses(&s);
        if (o->open)
            open_dashboard(&s);
        int signal;
        sigwait(stop, &signal);
        fprintf(stderr, "\nstopping\n");
    }
    stack_stop(&s);
    return ok;
}

int command_up(int argc, char **argv) {
    struct up_options o = {0};
    struct err e;
    bool help;
    if (!args_parse(&o, table, ARRAY_LEN(table), argc, argv, &help, &e))
        return command_failed(&e);
    if (help) {
        args_print_help("up", "a local chain, coordinator and worker until Ctrl-C", table, ARRAY_LEN(table));
        return CLI_OK;
    }
    // Blocked before the first thread starts, so that only sigwait sees them; also while starting up: a Ctrl-C then
    // waits for the start to end.
    sigset_t stop;
    sigemptyset(&stop);
    sigaddset(&stop, SIGINT);
    sigaddset(&stop, SIGTERM);
    sigaddset(&stop, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &stop, NULL);
    return run(&o, &stop, &e) ? CLI_OK : command_failed(&e);
}
