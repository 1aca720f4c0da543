// SPDX-License-Identifier: Apache-2.0
// The one reading of .env files, for `secrets set` and `run --env-file`. What they may hold: docs/env-files.md.
#pragma once
#include "secrets/values.h"

#define ENV_FILE_MAX (128u << 10)

// Every name and value is checked as a secret's is; protected names are for `by` MADE_BY_KEYSTORE alone. No lines with
// names are no error: *out is empty then. Texts are in `a`: free it wiped. Errors name the line, and never print a
// value or what may be a piece of one.
[[nodiscard]] bool env_file_read(struct secrets *out, struct arena *a, struct slice text, enum secret_giver by,
                                 struct err *e);
// One more; ERR_USAGE where the name is there already.
[[nodiscard]] bool env_add(struct secrets *s, struct arena *a, struct slice name, const char *value,
                           enum secret_giver by, struct err *e);
