// SPDX-License-Identifier: Apache-2.0
// One run of `outlayer collateral …`: what its actions share.
#pragma once
#include "cli/attest_args.h"
#include "cli/target.h"
#include "collateral/platform.h"
#include <stdatomic.h>

struct collateral_options {
    const char *file; // the operand: a quote of the platform, or collateral
    const char *fmspc, *ca, *set, *out;
    const char *register_contract, *from, *listen;
    struct attest_options attest;
    struct target_options target;
    struct arg_u64 timeout, every;
    bool sgx, once, json;
};

struct collateral_job {
    struct arena *a;
    const struct collateral_options *o;
    struct attest attest;
    const atomic_bool *cancel; // ends what waits; NULL: nobody cancels
};

// Which platform is meant: by the quote that is named, or by --fmspc and --ca.
[[nodiscard]] bool job_platform(struct collateral_job *j, struct quote_platform *out, struct err *e);
// Where collateral of a platform's set is kept: OUTLAYER_HOME/collateral/FMSPC.json, of other sets FMSPC.SET.json.
[[nodiscard]] bool job_folder(struct collateral_job *j, const char **out, struct err *e);
const char *job_file(struct arena *a, const char *folder, const struct quote_platform *p, const char *set);
// Fetches one set of a platform within FETCH_SECONDS.
[[nodiscard]] bool job_fetch(struct collateral_job *j, const struct quote_platform *p, const char *set,
                             struct fetched *out, struct err *e);

// The file that is named, or all that are kept.
#define JOB_FILES_MAX 256
struct job_files {
    const char *at[JOB_FILES_MAX];
    size_t count;
};
[[nodiscard]] bool job_list_files(struct collateral_job *j, struct job_files *out, struct err *e);

// From when on a part's end is a warning, and an alarm.
#define WARN_DAYS 10
#define ALARM_DAYS 3

// One line per part, for people; and the same as JSON, which the caller releases.
void parts_print(struct arena *a, const struct collateral_facts facts[static COLLATERAL_PARTS], uint64_t now);
json_t *parts_json(const struct collateral_facts facts[static COLLATERAL_PARTS], uint64_t now);

[[nodiscard]] bool collateral_run_fetch(struct collateral_job *j, struct err *e);
[[nodiscard]] bool collateral_run_status(struct collateral_job *j, struct err *e);
[[nodiscard]] bool collateral_run_push(struct collateral_job *j, struct err *e);
[[nodiscard]] bool collateral_run_watch(struct collateral_job *j, struct err *e);
