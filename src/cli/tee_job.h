// SPDX-License-Identifier: Apache-2.0
// One run of `outlayer tee …`: what its actions share.
#pragma once
#include "cli/target.h"
#include "tee/registration.h"

struct tee_options {
    struct target_options target;
    const char *file; // the operand
    const char *app_id, *instance_id, *key_provider, *storage_fs;
    const char *register_contract, *agent, *key, *from, *collateral, *pccs_url;
    const char *name, *role;
    bool exact, renew, new_key, yes, json;
};

struct tee_job {
    struct arena *a; // wiped
    const struct tee_options *o;
    struct target target;
    struct registry registry;      // with tee_open_register
    struct registry_config config; // its own words
    const char *network;           // the chain's id
    struct credentials payer;      // with tee_open_payer
    struct dstack agent;           // with tee_open_agent
    const char *key_path;
    bool status_wrong; // of `status`: something is to be mended
};

// Prints the result as the last line where --json was given; it is taken.
void tee_finish(const struct tee_job *j, json_t *result);

// An option, else a variable of the environment, else what the running `up` says; NULL: none of them.
const char *tee_setting(const struct tee_job *j, const char *option, const char *variable, const char *session_key);

// Each may be called once; tee_close ends all.
[[nodiscard]] bool tee_open_register(struct tee_job *j, struct err *e);
[[nodiscard]] bool tee_open_agent(struct tee_job *j, struct err *e);
// Who signs and pays: `account`, or where it is NULL INIT_ACCOUNT_ID, --from or the session's first.
[[nodiscard]] bool tee_open_payer(struct tee_job *j, const char *account, struct err *e);
void tee_close(struct tee_job *j);

[[nodiscard]] bool tee_run_measure(struct tee_job *j, struct err *e);
[[nodiscard]] bool tee_run_register(struct tee_job *j, struct err *e);
[[nodiscard]] bool tee_run_status(struct tee_job *j, struct err *e);
[[nodiscard]] bool tee_run_approve(struct tee_job *j, struct err *e);
[[nodiscard]] bool tee_run_recheck(struct tee_job *j, struct err *e);
[[nodiscard]] bool tee_run_remove(struct tee_job *j, struct err *e);
