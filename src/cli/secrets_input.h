// SPDX-License-Identifier: Apache-2.0
// Where the values of secrets come from: a file of NAME=value lines, standard input, or a prompt without echo; never a
// command line, which other users of the machine can read.
#pragma once
#include "cli/env_file.h"

// The lines of a .env file, of which there must be one at least. Texts are in `a`: free it wiped.
[[nodiscard]] bool secrets_from_env(struct secrets *out, struct arena *a, struct slice text, struct err *e);
// From a file, or (file NULL) standard input, or a prompt where that is a terminal.
[[nodiscard]] bool secrets_read(struct secrets *out, struct arena *a, const char *file, struct err *e);
