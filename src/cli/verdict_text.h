// SPDX-License-Identifier: Apache-2.0
// A report about a quote (src/dcap/report.h) for people: what it is first, then why.
#pragma once
#include "base/arena.h"
#include "codec/json.h"

struct verdict_source {
    const char *collateral; // file or address; NULL: there is none
    bool fetched;
};
void verdict_print(struct arena *a, const json_t *report, const struct verdict_source *from);
