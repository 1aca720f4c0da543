// SPDX-License-Identifier: Apache-2.0
// A quote that somebody looks at: of this machine, or from a file.
#pragma once
#include "cli/tee_job.h"
#include "tee/measurement.h"

struct tee_quote {
    struct dstack_quote q;
    struct td_view td;
};
// From FILE (its bytes, hexadecimal, base64, or the whole answer of GetQuote), else from this machine's agent, for
// report data of zeros, which serve no purpose of ours.
[[nodiscard]] bool tee_take_quote(struct tee_job *j, struct tee_quote *out, struct err *e);
// For people: what check_quote says of it.
void tee_show_verdict(const struct tee_job *j, const json_t *verdict, FILE *to);
const char *tee_role(const struct tee_job *j); // "worker" or "keystore"
