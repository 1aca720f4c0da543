// SPDX-License-Identifier: Apache-2.0
#include "base/test.h"
#include "secrets/repo.h"

// Names that users write, and the one name that all of them mean. Two for one repository would be two keys, and secrets
// that are stored would not be found.
static void one_name_for_all_spellings(void **state) {
    (void)state;
    static const char *const table[][2] = {
        {"https://github.com/a/b.git", "github.com/a/b"},
        {"https://github.com/a/b", "github.com/a/b"},
        {"http://github.com/a/b", "github.com/a/b"},
        {"a/b", "github.com/a/b"},
        {" a/b ", "github.com/a/b"},
        {"a/b.git", "github.com/a/b"},
        {"git@github.com:a/b.git", "github.com/a/b"},
        {"github.com/a/b", "github.com/a/b"},
        {"GitHub.com/A/B", "GitHub.com/A/B"},
        {"a/b/c", "a/b/c"},
        {"github.com/a/.git", "github.com/a/.git"},
        {"a/b.git.git", "github.com/a/b"},
        {"gitlab.example:8443/a/b", NULL},
        {"", NULL},
        {"  ", NULL},
        {"b", NULL},
        {"https://github.com/", NULL},
        {"https://github.com/a", NULL},
        {"https://github.com/a/", NULL},
        {"https://github.com/a/b/", NULL},
        {"https://github.com/a/b/tree/x", NULL},
        {"github.com/a/b/tree/x", NULL},
        {"ssh://git@github.com/a/b", NULL},
        {"https://user@github.com:x/a/b", NULL},
        {"https://git@/a/b", NULL},
        {"a b/c", NULL},
        {"a/..", NULL},
        {"-x/b", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        SCOPED_ARENA(a);
        struct err e;
        const char *got = NULL;
        bool ok = repo_normal(a, slice_str(table[i][0]), &got, &e) && repo_normal(a, slice_str(got), &got, &e);
        if (ok != (table[i][1] != NULL) || (ok && strcmp(got, table[i][1]) != 0))
            fail_msg("'%s' became '%s'", table[i][0], ok ? got : "an error");
    }
}

static void names_are_bounded(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct err e;
    const char *got;
    char name[REPO_NORMAL_MAX + 8];
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = 0;
    assert_false(repo_normal(a, slice_str(arena_printf(a, "a/b/%s", name)), &got, &e));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_name_for_all_spellings),
        cmocka_unit_test(names_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
