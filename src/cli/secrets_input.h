// SPDX-License-Identifier: Apache-2.0
// Where the values of secrets come from: a file of NAME=value lines, standard input, or a prompt without echo; never a
// command line, which other users of the machine can read.
#pragma once
#include "secrets/values.h"

#define SECRETS_TEXT_MAX (128u << 10)

// Lines `NAME=value`, as env files have them: blank lines and those with # are skipped, `export ` in front is fine, a
// value may stand in single quotes (as it is) or double quotes (\n, \t, \", \\ and \$ are understood). Every name and
// value is checked. Texts are in `a`: free it wiped. Errors name the line, never a value.
[[nodiscard]] bool secrets_from_env(struct secrets *out, struct arena *a, struct slice text, struct err *e);
// From a file, or (file NULL) standard input, or a prompt where that is a terminal.
[[nodiscard]] bool secrets_read(struct secrets *out, struct arena *a, const char *file, struct err *e);
