// SPDX-License-Identifier: Apache-2.0
// Whoever opens the playground of a fresh `outlayer up` finds nothing to begin with, or a file that stops the
// coordinator.
#include "base/file.h"
#include "base/test.h"
#include "cli/presets.h"
#include "codec/json.h"
#include "coordinator/examples.h"
#include <stdlib.h>
#include <unistd.h>

struct home {
    char path[64];
    struct arena *a;
};

static int set_up(void **state) {
    struct home *h = xcalloc(1, sizeof *h);
    snprintf(h->path, sizeof h->path, "/tmp/outlayer-presets-XXXXXX");
    h->a = arena_new();
    *state = h;
    return !mkdtemp(h->path);
}

static int tear_down(void **state) {
    struct home *h = *state;
    assert_int_equal(system(arena_printf(h->a, "rm -rf %s", h->path)), 0);
    arena_free(h->a);
    free(h);
    return 0;
}

static void make(struct home *h, const char *folder) {
    struct err e;
    const char *path = arena_printf(h->a, "%s/examples/%s", h->path, folder);
    assert_true(file_make_dirs(path, 0700, &e));
    assert_true(file_write_atomic(arena_printf(h->a, "%s/Makefile", path), SLICE_LIT("all:\n"), 0600, &e));
}

static void examples_that_are_there_become_presets(void **state) {
    struct home *h = *state;
    struct err e;
    const char *path;
    char *shown;
    make(h, "stats-c");
    make(h, "random-c");
    make(h, "hmac-c"); // it needs a secret
    assert_true(presets_write(&path, h->a, h->path, arena_printf(h->a, "%s/examples", h->path), &e));
    assert_true(examples_read(&shown, path, &e));
    SCOPED_JSON(o) = json_parse_big(slice_str(shown), EXAMPLES_BYTES_MAX, &e);
    const json_t *list = json_object_get(o, "examples");
    assert_int_equal(json_array_size(list), 2);
    const json_t *first = json_array_get(list, 0), *request = json_object_get(first, "request");
    assert_string_equal(json_string_value(json_object_get(first, "id")), "random-c");
    assert_non_null(strstr(json_string_value(json_object_get(request, "repo")), "/random-c"));
    assert_int_equal(strlen(json_string_value(json_object_get(request, "commit"))), 40);
    free(shown);
}

static void without_examples_there_is_no_file(void **state) {
    struct home *h = *state;
    struct err e;
    const char *path;
    assert_true(presets_write(&path, h->a, h->path, arena_printf(h->a, "%s/none", h->path), &e));
    assert_null(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(examples_that_are_there_become_presets, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_examples_there_is_no_file, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
