// SPDX-License-Identifier: Apache-2.0
// `outlayer collateral …`: fetches what Intel signs about platforms and shows how long it lasts. docs/collateral.md.
#include "cli/commands.h"

#include "base/file.h"
#include "base/settings.h"
#include "cli/collateral_job.h"
#include "codec/hex.h"
#include "collateral/forms.h"

static const struct arg table[] = {
    ARG_OPERAND(struct collateral_options, file, "FILE",
                "fetch, watch: a quote of the platform; status, push: one collateral file (else all that are kept)"),
    ARG_OPTION(struct collateral_options, fmspc, "--fmspc", "HEX", "fetch: the kind of platform, instead of a quote"),
    ARG_OPTION(struct collateral_options, ca, "--ca", "CA", "fetch: platform or processor, with --fmspc (platform)"),
    ARG_SWITCH(struct collateral_options, sgx, "--sgx", "fetch: for SGX enclaves, with --fmspc"),
    ARG_OPTION(struct collateral_options, set, "--set", "SET", "fetch: standard, early, or a set's number (standard)"),
    ARG_OPTION(struct collateral_options, out, "--out", "FILE",
               "fetch: instead of OUTLAYER_HOME/collateral/FMSPC.json"),
    ARG_NUMBER(struct collateral_options, timeout, "--timeout", "fetch, watch: seconds that the servers have (30)"),
    ARG_OPTION(struct collateral_options, register_contract, "--register", "ACCOUNT",
               "the register contract; else REGISTER_CONTRACT_ID, or that of the running `up`"),
    ARG_OPTION(struct collateral_options, from, "--from", "ACCOUNT", "push, watch: who pays; else INIT_ACCOUNT_ID"),
    ARG_NUMBER(struct collateral_options, every, "--every", "watch: seconds between two looks (21600)"),
    ARG_SWITCH(struct collateral_options, once, "--once", "watch: one look, then end"),
    ARG_OPTION(struct collateral_options, listen, "--listen", "ADDRESS:PORT", "watch: where /metrics is answered"),
    ATTEST_OPTIONS(struct collateral_options, attest),
    TARGET_OPTIONS(struct collateral_options, target),
    ARG_SWITCH(struct collateral_options, json, "--json", "end with one JSON value on one line"),
};

static const struct {
    const char *name;
    bool (*run)(struct collateral_job *j, struct err *e);
} actions[] = {{"fetch", collateral_run_fetch},
               {"status", collateral_run_status},
               {"push", collateral_run_push},
               {"watch", collateral_run_watch}};

// --- what the actions share

static bool platform_of_options(const struct collateral_options *o, struct quote_platform *out, struct err *e) {
    const char *ca = o->ca ? o->ca : "platform";
    uint8_t fmspc[6];
    if (strcmp(ca, "platform") != 0 && strcmp(ca, "processor") != 0)
        return err_set(e, ERR_USAGE, "--ca '%s' is neither platform nor processor", ca);
    if (!hex_decode_exact(fmspc, sizeof fmspc, slice_str(o->fmspc), e)) {
        e->code = ERR_USAGE;
        return err_wrap(e, "--fmspc");
    }
    hex_encode(out->fmspc, slice_of(fmspc, sizeof fmspc));
    out->ca = ca;
    out->tdx = !o->sgx;
    return true;
}

bool job_platform(struct collateral_job *j, struct quote_platform *out, struct err *e) {
    struct slice file, quote;
    struct dcap_fault f;
    if (j->o->fmspc)
        return platform_of_options(j->o, out, e);
    if (!j->o->file) {
        err_set(e, ERR_USAGE, "no platform is named");
        return err_hint(e, "name a file with a quote of it, or give --fmspc and --ca");
    }
    if (!file_read(j->a, j->o->file, QUOTE_FILE_MAX, &file, e) || !quote_read(&quote, j->a, file, e))
        return err_wrap(e, "quote '%s'", j->o->file);
    if (quote_platform_of(out, quote, &j->attest.trust, j->attest.now, &f))
        return true;
    collateral_fault_err(&f, j->attest.now, e);
    return err_wrap(e, "quote '%s'", j->o->file);
}

static const char *first_of(const char *one, const char *two, const char *three) {
    return one && one[0] ? one : two && two[0] ? two : three;
}

bool job_folder(struct collateral_job *j, const char **out, struct err *e) {
    const char *home, *network = first_of(j->o->target.network, getenv("OUTLAYER_NETWORK"), "devnet");
    if (!settings_home(first_of(getenv("OUTLAYER_HOME"), NULL, NULL), network, j->a, &home, e))
        return false;
    *out = arena_printf(j->a, "%s/collateral", home);
    return true;
}

const char *job_file(struct arena *a, const char *folder, const struct quote_platform *p, const char *set) {
    bool standard = strcmp(set, "standard") == 0;
    return arena_printf(a, "%s/%s%s%s%s.json", folder, p->fmspc, p->tdx ? "" : "-sgx", standard ? "" : ".",
                        standard ? "" : set);
}

bool job_fetch(struct collateral_job *j, const struct quote_platform *p, const char *set, struct fetched *out,
               struct err *e) {
    uint64_t seconds = j->o->timeout.given ? j->o->timeout.v : FETCH_SECONDS;
    if (seconds < 1 || seconds > 3600)
        return err_set(e, ERR_USAGE, "--timeout takes 1 to 3600");
    const struct fetch f = {.addresses = &j->attest.addresses,
                            .platform = p,
                            .set = set,
                            .trust = &j->attest.trust,
                            .now = j->attest.now,
                            .patience = patience_within(&(const struct patience){0, j->cancel}, seconds * 1000)};
    return collateral_fetch(out, j->a, &f, e);
}

// --- the command

static bool check_options(const char *action, const struct collateral_options *o, struct err *e) {
    const struct arg_use uses[] = {{o->fmspc ? "--fmspc" : NULL, "fetch"},
                                   {o->ca ? "--ca" : NULL, "fetch"},
                                   {o->sgx ? "--sgx" : NULL, "fetch"},
                                   {o->set ? "--set" : NULL, "fetch"},
                                   {o->timeout.given ? "--timeout" : NULL, "fetch, watch"},
                                   {o->from ? "--from" : NULL, "push, watch"},
                                   {o->every.given ? "--every" : NULL, "watch"},
                                   {o->once ? "--once" : NULL, "watch"},
                                   {o->listen ? "--listen" : NULL, "watch"},
                                   {o->json && strcmp(action, "watch") == 0 ? "--json" : NULL, "fetch, status, push"},
                                   {o->out ? "--out" : NULL, "fetch"}};
    return args_check_uses("collateral", action, uses, ARRAY_LEN(uses), e);
}

static const struct args_command command = {.name = "collateral",
                                            .about = "what Intel signs about platforms, and how long it lasts",
                                            .missing = "say what to do with collateral",
                                            .hint = "outlayer collateral fetch | status | push | watch (--help)",
                                            ARGS_ACTIONS(actions),
                                            ARGS_TABLE(table)};

int command_collateral(int argc, char **argv) {
    struct collateral_options o = {0};
    struct err e;
    bool help;
    size_t i;
    if (!args_action(&i, &o, &command, argc, argv, &help, &e))
        return command_failed(&e);
    if (help)
        return CLI_OK;
    struct collateral_job j = {.a = arena_new(), .o = &o};
    bool ok =
        check_options(actions[i].name, &o, &e) && attest_read(&j.attest, j.a, &o.attest, &e) && actions[i].run(&j, &e);
    arena_free_wiped(j.a);
    return ok ? CLI_OK : command_failed(&e);
}
