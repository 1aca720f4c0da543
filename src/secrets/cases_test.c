// SPDX-License-Identifier: Apache-2.0
// What the contract takes, this side can read: both run over the same cases (contracts/outlayer/cases). Where they
// differed, a row would be stored and paid for that is never decided or never found.
#include "base/test.h"
#include "secrets/access.h"

#define FOLDER "contracts/outlayer/cases/"

// Calls `one` for each line that is neither empty nor a remark: its first word, and what follows the blank.
static void each_case(const char *file, void (*one)(const char *word, const char *text)) {
    char line[1024];
    size_t cases = 0;
    FILE *f = fopen(file, "r");
    if (!f)
        fail_msg("%s cannot be read; tests run in the repository's root", file);
    while (fgets(line, sizeof line, f)) {
        line[strcspn(line, "\n")] = 0;
        char *blank = strchr(line, ' ');
        if (line[0] == '#' || !blank)
            continue;
        *blank = 0;
        one(line, blank + 1);
        cases++;
    }
    fclose(f);
    assert_true(cases > 20);
}

static void condition(const char *word, const char *json) {
    SCOPED_ARENA(a);
    struct access *c;
    struct err e = {0};
    bool ok = access_parse(&c, a, slice_str(json), &e);
    bool want = strcmp(word, "taken") == 0 || strcmp(word, "entry") == 0;
    if (ok != want)
        fail_msg("%s %s: %s", word, json, ok ? "taken" : e.msg);
}

static void conditions(void **state) {
    (void)state;
    each_case(FOLDER "access.txt", condition);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conditions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
