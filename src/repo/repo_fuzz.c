// SPDX-License-Identifier: Apache-2.0
// Repositories as strangers write them: what is accepted has one name, which is its own name in each of the spellings
// that mean it, and nothing in name or folder could be an option, a way up, a login or another protocol.
// Canary: the seeds reach an accepted name of each spelling, and a folder.
#include "repo/repo.h"

static void same(struct arena *a, const char *before, const struct repo *r, const char *behind) {
    struct repo again;
    struct err e;
    BUG_ON(!repo_read(&again, a, arena_printf(a, "%s%s%s", before, r->name, behind), &e));
    BUG_ON(strcmp(again.name, r->name) != 0 || again.folder);
}

static void check_path(struct arena *a, const char *path, bool is_name) {
    const char *closed = arena_printf(a, "%s/", path);
    BUG_ON(strstr(closed, "//") || strstr(closed, "/./") || strstr(closed, "/../") || strstr(closed, "/-"));
    for (const char *p = path; *p; p++)
        BUG_ON(*p <= ' ' || *p > '~' || strchr("\"'\\#?%", *p) || (is_name && *p == '@'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    SCOPED_ARENA(a);
    struct repo r;
    struct err e = {0};
    char *text = arena_text(a, slice_of(data, size));
    bool is_name = repo_name_ok((const char *)data, size);
    if (!repo_read(&r, a, text, &e)) {
        BUG_ON(e.code != ERR_INVALID || !e.msg[0] || !e.hint[0]);
        BUG_ON(is_name && strlen(text) == size);
        return 0;
    }
    BUG_ON(is_name && strlen(text) == size && strcmp(r.name, text) != 0);
    BUG_ON(!repo_name_ok(r.name, strlen(r.name)) || strlen(r.name) > REPO_MAX);
    check_path(a, r.name, true);
    BUG_ON(strcmp(r.url + sizeof "https://" - 1, r.name) != 0);
    if (r.folder)
        check_path(a, arena_printf(a, "/%s", r.folder), false);
    if (strlen(r.name) + 13 > REPO_MAX) // with what is added below
        return 0;
    same(a, "", &r, "");
    same(a, "https://", &r, "/");
    same(a, "https://", &r, ".git/");
    return 0;
}
