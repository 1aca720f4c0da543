// SPDX-License-Identifier: Apache-2.0
// outlayer db: moves the database of a stopped coordinator.
#include "base/clock.h"
#include "base/settings.h"
#include "cli/commands.h"
#include "codec/json.h"
#include "queue/copy.h"
#include <inttypes.h>

struct db_options {
    const char *from, *to, *home, *network;
    bool json;
};
static const struct arg table[] = {
    ARG_OPTION(struct db_options, from, "--from", "URL",
               "copy: sqlite:///PATH of a coordinator that is stopped (coordinator.db in the home)"),
    ARG_OPTION(struct db_options, to, "--to", "URL",
               "copy: an empty database, postgres://USER@HOST/NAME; else DATABASE_URL, or the file that "
               "DATABASE_URL_FILE names, which may have its password"),
    ARG_OPTION(struct db_options, home, "--home", "DIR", "the coordinator's OUTLAYER_HOME (~/.outlayer/<network>)"),
    ARG_OPTION(struct db_options, network, "--network", "NAME",
               "devnet, testnet or mainnet (OUTLAYER_NETWORK, devnet)"),
    ARG_SWITCH(struct db_options, json, "--json", "one JSON object"),
};

#define SHOW_MS 1000

struct shown {
    const char *table;
    uint64_t at_ms;
};

static void show_row(void *ctx, const char *name, uint64_t rows) {
    struct shown *s = ctx;
    uint64_t now = clock_mono_ms();
    if (s->table == name && now < s->at_ms + SHOW_MS)
        return;
    *s = (struct shown){name, now};
    fprintf(stderr, "%s: %" PRIu64 " rows…\n", name, rows);
}

// Whoever lists processes reads their command lines.
static bool check_secret(const char *url, struct err *e) {
    const char *user = strstr(url, "://"), *at = user ? strchr(user, '@') : NULL, *colon = user ? user + 3 : NULL;
    colon = colon ? strchr(colon, ':') : NULL;
    if (!(at && colon && colon < at) && !strstr(url, "password="))
        return true;
    err_set(e, ERR_USAGE, "a password on the command line can be read by everybody on this machine");
    return err_hint(e, "leave --to out, and put the URL into a file that DATABASE_URL_FILE names");
}

static bool find_places(struct arena *a, struct db_options *o, struct err *e) {
    if (!o->from) {
        if (!home_from_options(a, o->home, o->network, &o->home, e))
            return false;
        o->from = arena_printf(a, "%s/coordinator.db", o->home);
    }
    if (o->to)
        return check_secret(o->to, e);
    if (!settings_secret(a, "DATABASE_URL", &o->to, e))
        return false;
    if (o->to)
        return true;
    err_set(e, ERR_USAGE, "it is not said what to copy to");
    return err_hint(e, "by --to URL, by DATABASE_URL, or by a file that DATABASE_URL_FILE names");
}

static bool copy(struct arena *a, struct db_options *o, struct err *e) {
    struct shown shown = {0};
    const struct copy_progress progress = {show_row, &shown};
    struct copied done;
    if (!find_places(a, o, e) || !database_copy(o->from, o->to, &progress, &done, e))
        return false;
    if (o->json) {
        SCOPED_JSON(j) = json_pack("{s:I, s:I, s:I, s:I, s:I}", "tables", (json_int_t)done.tables, "rows",
                                   (json_int_t)done.rows, "executions", (json_int_t)done.executions, "open",
                                   (json_int_t)done.open, "leased", (json_int_t)done.leased);
        print_json_line(a, j);
        return true;
    }
    printf("copied and compared %" PRIu64 " rows of %" PRIu64 " tables: %" PRIu64 " executions, %" PRIu64
           " of them open, %" PRIu64 " leased\n",
           done.rows, done.tables, done.executions, done.open, done.leased);
    fprintf(stderr,
            "Start the coordinator with that DATABASE_URL and the same home within %d seconds, so that no lease is "
            "lost. Never start it on the old file again.\n",
            COPY_LEASE_MS / 1000);
    return true;
}

static const struct {
    const char *name;
    bool (*run)(struct arena *a, struct db_options *o, struct err *e);
} actions[] = {{"copy", copy}};

static const struct args_command command = {.name = "db",
                                            .about = "moves a coordinator's database from SQLite to PostgreSQL",
                                            .missing = "say what to do with the database",
                                            .hint =
                                                "outlayer db copy --from sqlite:///PATH --to postgres://USER@HOST/NAME",
                                            ARGS_ACTIONS(actions),
                                            ARGS_TABLE(table)};

int command_db(int argc, char **argv) {
    SCOPED_ARENA(a);
    struct db_options o = {0};
    struct err e;
    bool help;
    size_t i;
    if (!args_action(&i, &o, &command, argc, argv, &help, &e))
        return command_failed(&e);
    if (help)
        return CLI_OK;
    return actions[i].run(a, &o, &e) ? CLI_OK : command_failed(&e);
}
