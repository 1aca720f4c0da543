// SPDX-License-Identifier: Apache-2.0
// `outlayer tee …`: what a machine proves about itself, and the keys that are believed because of it.
#include "cli/commands.h"
#include "cli/tee_job.h"

static const struct arg table[] = {
    ARG_OPERAND(struct tee_options, file, "FILE",
                "measure: the compose file; approve: a quote (this machine's); remove: a key (this machine's)"),
    ARG_OPTION(struct tee_options, register_contract, "--register", "ACCOUNT",
               "register contract; else REGISTER_CONTRACT_ID or the running `up`"),
    ARG_OPTION(
        struct tee_options, agent, "--agent", "PATH",
        "socket or URL of dstack's guest agent; else DSTACK_SIMULATOR_ENDPOINT, the running `up`, or the usual ones"),
    ARG_OPTION(struct tee_options, from, "--from", "ACCOUNT",
               "who pays, or removes; else INIT_ACCOUNT_ID, or for remove the contract's owner"),
    ARG_OPTION(struct tee_options, key, "--key", "FILE", "this machine's key (HOME/keys/tee-worker.json)"),
    ARG_OPTION(struct tee_options, collateral, "--collateral", "FILE",
               "register, approve: the nine-member object; else fetched"),
    ARG_OPTION(struct tee_options, pccs_url, "--pccs-url", "LIST",
               "where collateral comes from; else PCCS_URL or Intel"),
    ARG_SWITCH(struct tee_options, renew, "--renew", "register: also before it is due"),
    ARG_SWITCH(struct tee_options, new_key, "--new-key", "register: another key in place of one that was removed"),
    ARG_OPTION(struct tee_options, name, "--name", "TEXT", "approve: what the image is called"),
    ARG_OPTION(struct tee_options, role, "--role", "ROLE", "approve: worker or keystore (worker)"),
    ARG_SWITCH(struct tee_options, exact, "--exact", "approve: exactly these registers, not the compose file"),
    ARG_OPTION(struct tee_options, app_id, "--app-id", "HEX", "measure: another one than the compose hash gives"),
    ARG_OPTION(struct tee_options, instance_id, "--instance-id", "HEX", "measure: the machine's"),
    ARG_OPTION(struct tee_options, key_provider, "--key-provider", "JSON",
               "measure: payload of the event key-provider, {\"name\":…,\"id\":…}"),
    ARG_OPTION(struct tee_options, storage_fs, "--storage-fs", "FS",
               "measure: zfs or ext4, as the machine's disk has it; none: its dstack is older than 0.5.5"),
    TARGET_OPTIONS(struct tee_options, target),
    ARG_SWITCH(struct tee_options, yes, "--yes", "approve: do not ask"),
    ARG_SWITCH(struct tee_options, json, "--json", "end with one JSON value on one line; implies --yes"),
};

static const struct {
    const char *name;
    bool (*run)(struct tee_job *j, struct err *e);
} actions[] = {{"status", tee_run_status},   {"measure", tee_run_measure}, {"register", tee_run_register},
               {"approve", tee_run_approve}, {"recheck", tee_run_recheck}, {"remove", tee_run_remove}};

static bool check_options(const char *action, const struct tee_options *o, struct err *e) {
    const struct arg_use uses[] = {{o->file ? o->file : NULL, "measure, approve, remove"},
                                   {o->agent ? "--agent" : NULL, "status, register, approve"},
                                   {o->from ? "--from" : NULL, "register, recheck, remove"},
                                   {o->key ? "--key" : NULL, "status, register, remove"},
                                   {o->collateral ? "--collateral" : NULL, "register, approve"},
                                   {o->pccs_url ? "--pccs-url" : NULL, "status, register, approve"},
                                   {o->renew ? "--renew" : NULL, "register"},
                                   {o->new_key ? "--new-key" : NULL, "register"},
                                   {o->name ? "--name" : NULL, "approve"},
                                   {o->role ? "--role" : NULL, "approve"},
                                   {o->exact ? "--exact" : NULL, "approve"},
                                   {o->yes ? "--yes" : NULL, "approve"},
                                   {o->app_id ? "--app-id" : NULL, "measure"},
                                   {o->instance_id ? "--instance-id" : NULL, "measure"},
                                   {o->key_provider ? "--key-provider" : NULL, "measure"},
                                   {o->storage_fs ? "--storage-fs" : NULL, "measure"}};
    if (!args_check_uses("tee", action, uses, ARRAY_LEN(uses), e))
        return false;
    if (!o->role || strcmp(o->role, "worker") == 0 || strcmp(o->role, "keystore") == 0)
        return true;
    return err_set(e, ERR_USAGE, "--role '%s' is neither worker nor keystore", o->role);
}

static const struct args_command command = {
    .name = "tee",
    .about = "what a machine proves about itself, and keys that are believed because of it",
    .missing = "say what to do",
    .hint = "outlayer tee status | measure FILE | register | approve | recheck | remove (--help)",
    ARGS_ACTIONS(actions),
    ARGS_TABLE(table)};

int command_tee(int argc, char **argv) {
    struct tee_options o = {0};
    struct err e;
    bool help;
    size_t i;
    if (!args_action(&i, &o, &command, argc, argv, &help, &e))
        return command_failed(&e);
    if (help)
        return CLI_OK;
    if (!check_options(actions[i].name, &o, &e))
        return command_failed(&e);
    struct tee_job j = {.a = arena_new(), .o = &o};
    bool ok = actions[i].run(&j, &e);
    int status = !ok ? command_failed(&e) : j.status_wrong ? CLI_GUEST : CLI_OK;
    tee_close(&j);
    arena_free_wiped(j.a);
    return status;
}
