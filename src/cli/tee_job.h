// SPDX-License-Identifier: Apache-2.0
// One run of `outlayer tee …`: what its actions share.
#pragma once
#include "cli/target.h"

struct tee_options {
    struct target_options target;
    const char *file; // the operand
    const char *app_id, *instance_id, *key_provider;
    bool json;
};

struct tee_job {
    struct arena *a; // wiped
    const struct tee_options *o;
};

// Prints the result as the last line where --json was given; it is taken.
void tee_finish(const struct tee_job *j, json_t *result);

[[nodiscard]] bool tee_run_measure(struct tee_job *j, struct err *e);
