// SPDX-License-Identifier: Apache-2.0
// Names of repositories as strangers write them: the normal form is its own normal form, in each of the spellings that
// mean it, and stays within its bound.
// Canary: the seeds reach an accepted name of each spelling.
#include "secrets/repo.h"

static void same(struct arena *a, const char *prefix, const char *name, const char *suffix, const char *want) {
    const char *again = NULL;
    struct err e;
    BUG_ON(!repo_normal(a, slice_str(arena_printf(a, "%s%s%s", prefix, name, suffix)), &again, &e));
    BUG_ON(strcmp(again, want) != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    SCOPED_ARENA(a);
    const char *name;
    struct err e = {0};
    if (!repo_normal(a, slice_of(data, size), &name, &e)) {
        BUG_ON(e.code != ERR_INVALID || !e.msg[0]);
        return 0;
    }
    size_t slashes = 0;
    for (const char *p = name; *p; p++) {
        BUG_ON(*p <= ' ' || *p > '~' || *p == ':' || *p == '"' || *p == '\\');
        slashes += *p == '/';
    }
    BUG_ON(slashes != 2 || strlen(name) > REPO_NORMAL_MAX);
    same(a, "https://", name, ".git", name);
    same(a, " http://", name, ".git\n", name);
    same(a, "", name, "", name);
    return 0;
}
