// SPDX-License-Identifier: Apache-2.0
// One run of `outlayer secrets …`: what its actions share.
#pragma once
#include "cli/secrets_access.h"
#include "cli/secrets_remote.h"

#define PROFILE_DEFAULT "default"

struct secrets_options {
    struct target_options target;
    struct access_options access;
    const char *repo, *branch, *profile, *from, *owner, *env_file, *name, *type;
    struct arg_u64 before;
    bool json;
};

struct secrets_job {
    struct arena *a; // wiped
    const struct secrets_options *o;
    struct target target;
    struct credentials from;
    struct remote remote;
    struct scope scope;
};

// Prints the result as the last line where --json was given; it is taken.
void job_finish(const struct secrets_job *j, json_t *result);
// Repository, branch, profile and owner from the options, checked.
[[nodiscard]] bool job_find_scope(struct secrets_job *j, struct err *e);
// On standard error: whose secrets.
void job_show_scope(const struct secrets_job *j);
// Finds the scope and its stored row. ERR_NOT_FOUND where it is `needed` and not there.
[[nodiscard]] bool job_find_row(struct secrets_job *j, struct remote_row *row, bool needed, struct err *e);

// What seals and stores (secrets_store.c).
[[nodiscard]] bool secrets_run_set(struct secrets_job *j, struct err *e);
[[nodiscard]] bool secrets_run_encrypt(struct secrets_job *j, struct err *e);
[[nodiscard]] bool secrets_run_generate(struct secrets_job *j, struct err *e);
[[nodiscard]] bool secrets_run_rotate(struct secrets_job *j, struct err *e);
[[nodiscard]] bool secrets_run_audit(struct secrets_job *j, struct err *e); // secrets_audit.c
