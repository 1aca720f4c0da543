// SPDX-License-Identifier: Apache-2.0
// What a request builds of a repository: the name of a branch or a tag, or a commit. Every name that git's own format
// of refs accepts, and nothing that could be an option (repo/rules.h). How one is found: docs/repositories.md.
#pragma once
#include "base/arena.h"
#include "base/err.h"
#include "repo/rules.h"

#define REF_HEADS "refs/heads/"
#define REF_TAGS "refs/tags/"

struct ref {
    const char *text; // "HEAD", a name, "refs/heads/…", "refs/tags/…", or a commit in small letters
    bool is_commit;   // of 40 hexadecimal digits
    bool is_whole;    // begins with "refs/"
};
// git's own format of what stands behind refs/heads/ or refs/tags/ (git-check-ref-format), in UTF-8, and no option.
bool ref_name_ok(const char *text);
// "" and NULL are HEAD, the default branch. ERR_INVALID: no ref.
[[nodiscard]] bool ref_read(struct ref *out, struct arena *a, const char *text, struct err *e);
// The beginning of a commit's name, 7 to 40 hexadecimal digits, in small letters; NULL: none. A branch or a tag may
// have such a name, too, and goes before it.
const char *ref_short_commit(struct arena *a, const char *text);
