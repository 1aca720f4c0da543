// SPDX-License-Identifier: Apache-2.0
// What is no dashboard is refused with a sentence when the coordinator starts, not when somebody opens a page.
#include "base/test.h"

#include "base/file.h"
#include "coordinator/pages.h"
#include <unistd.h>

struct fixture {
    struct arena *arena;
    const char *folder;
};

static void put(struct fixture *f, const char *name, struct slice bytes) {
    struct err e;
    assert_ok(file_write_unsynced(arena_printf(f->arena, "%s/%s", f->folder, name), bytes, 0600, &e), &e);
}

static int setup(void **state) {
    struct arena *a = arena_new();
    struct fixture *f = arena_calloc(a, 1, sizeof *f);
    struct err e;
    f->arena = a;
    f->folder = mkdtemp(arena_strdup(a, "/tmp/outlayer-pages-XXXXXX"));
    assert_non_null(f->folder);
    assert_ok(file_make_dirs(arena_printf(a, "%s/assets", f->folder), 0700, &e), &e);
    *state = f;
    return 0;
}

static int teardown(void **state) {
    struct fixture *f = *state;
    (void)!file_remove_tree(f->folder, NULL);
    arena_free(f->arena);
    return 0;
}

static void test_folder(void **state) {
    struct fixture *f = *state;
    struct pages *p;
    struct err e;
    assert_err(pages_open(&p, "the dashboard", arena_printf(f->arena, "%s/none", f->folder), NULL, 0, &e), &e, ERR_IO,
               "cannot read");
    assert_err(pages_open(&p, "the dashboard", f->folder, NULL, 0, &e), &e, ERR_NOT_FOUND, "has no index.html");
    put(f, "index.html", SLICE_LIT("<p>"));
    assert_ok(pages_open(&p, "the dashboard", f->folder, NULL, 0, &e), &e);
    pages_free(p);
}

static void test_wallets(void **state) {
    struct fixture *f = *state;
    struct pages *p;
    struct err e;
    put(f, "index.html", SLICE_LIT("<p>"));
    assert_ok(pages_open(&p, "the dashboard", f->folder, NULL, 0, &e), &e);
    assert_ok(pages_offer_wallets(p, &e), &e); // there are none
    pages_free(p);
    put(f, "wallet.html", SLICE_LIT("<script src=x>"));
    assert_ok(pages_open(&p, "the dashboard", f->folder, NULL, 0, &e), &e);
    assert_err(pages_offer_wallets(p, &e), &e, ERR_SETTINGS, "@NONCE@");
    pages_free(p);
}

static bool open_asking(struct fixture *f, const char *asked, struct pages **out, struct err *e) {
    return pages_open(out, "the dashboard", f->folder, &asked, 1, e);
}

static void test_addresses(void **state) {
    struct fixture *f = *state;
    struct pages *p;
    struct err e;
    put(f, "index.html", SLICE_LIT("<p>"));
    assert_ok(open_asking(f, "http://127.0.0.1:3030, https://rpc.example/path", &p, &e), &e);
    pages_free(p);
    assert_err(open_asking(f, "https://a.example;script-src *", &p, &e), &e, ERR_SETTINGS, "no address");
    assert_err(open_asking(f, "https://a.example 'unsafe-inline'", &p, &e), &e, ERR_SETTINGS, "no address");
    // Browsers leave out what a policy cannot say, and a page would be kept from its chain without a word.
    assert_err(open_asking(f, "https://rpc.example/?key=x", &p, &e), &e, ERR_SETTINGS, "no address");
    assert_err(open_asking(f, "https://user@rpc.example", &p, &e), &e, ERR_SETTINGS, "no address");
    assert_err(open_asking(f, "*", &p, &e), &e, ERR_SETTINGS, "http:// and https://");
    char *many = arena_printf(f->arena, "https://%05000d.example", 0);
    assert_err(open_asking(f, many, &p, &e), &e, ERR_SETTINGS, "too long");
}

static void test_bounds(void **state) {
    struct fixture *f = *state;
    struct pages *p;
    struct err e;
    put(f, "index.html", SLICE_LIT("<p>"));
    for (unsigned i = 0; i < PAGES_FILES_MAX; i++)
        put(f, arena_printf(f->arena, "assets/%u.js", i), SLICE_LIT("1"));
    assert_err(pages_open(&p, "the dashboard", f->folder, NULL, 0, &e), &e, ERR_TOO_LARGE, "more than");
    (void)!unlink(arena_printf(f->arena, "%s/assets/0.js", f->folder));
    assert_ok(pages_open(&p, "the dashboard", f->folder, NULL, 0, &e), &e);
    pages_free(p);
    assert_int_equal(truncate(arena_printf(f->arena, "%s/assets/1.js", f->folder), PAGES_BYTES_MAX), 0);
    assert_err(pages_open(&p, "the dashboard", f->folder, NULL, 0, &e), &e, ERR_TOO_LARGE, "dashboard");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_folder, setup, teardown),
        cmocka_unit_test_setup_teardown(test_addresses, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wallets, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bounds, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
