// SPDX-License-Identifier: Apache-2.0
// Repositories as people write them, and what each spelling means. The one place where that is decided: builder, branch
// look-up, keystore, coordinator, worker and command line read it here, and the contract holds what is stored to the
// same rules (repo/rules.h). All spellings: docs/repositories.md.
//
// Strangers choose these texts, and they become arguments of git: nothing that could be an option, a local path,
// another protocol or a login gets through. Two spellings have one name only if they are fetched from one address.
#pragma once
#include "base/arena.h"
#include "base/err.h"
#include "repo/rules.h"

struct repo {
    const char *name;   // host/owner/name: secrets and branches belong to it
    const char *folder; // of the repository, where the program is; NULL: its root
    const char *url;    // https://name
    const char *place;  // the URL, and //folder where there is one: what is built, as build keys and records name it
};
// text: [https://]host/owner/name or owner/name (of github.com), each with .git or / behind it, or //folder. On failure
// ERR_INVALID, with a hint that says how to write it.
[[nodiscard]] bool repo_read(struct repo *out, struct arena *a, const char *text, struct err *e);
// The name alone.
[[nodiscard]] bool repo_name(const char **out, struct arena *a, const char *text, struct err *e);
