// SPDX-License-Identifier: Apache-2.0
// If these fail, a long path costs the simulated machine, or a socket lands in a folder of somebody else's.
#include "base/test.h"

#include "base/file.h"
#include "cli/socket_place.h"
#include <sys/stat.h>

static void short_and_long(void **state) {
    (void)state;
    char home[] = "/tmp/socket-place-XXXXXX";
    assert_non_null(mkdtemp(home));
    SCOPED_ARENA(a);
    const char *at, *again, *other;
    struct err e;
    setenv("XDG_RUNTIME_DIR", home, 1);
    assert_true(socket_place(&at, a, "/a/home", "x.sock", &e));
    assert_string_equal(at, "/a/home/x.sock");
    const char *longest = arena_printf(a, "/%0100d", 0); // with /x.sock 108 bytes: one more than there may be
    assert_true(socket_place(&at, a, longest + 1, "x.sock", &e));
    assert_int_equal(strlen(at), 107);
    assert_true(socket_place(&at, a, longest, "x.sock", &e));
    assert_true(strlen(at) <= 107 && strncmp(at, home, strlen(home)) == 0);
    assert_true(socket_place(&again, a, longest, "x.sock", &e));
    assert_string_equal(at, again);
    assert_true(socket_place(&other, a, arena_printf(a, "%s/more", longest), "x.sock", &e));
    assert_string_not_equal(at, other);
    char *place = arena_strdup(a, at);
    *strrchr(place, '/') = 0;
    assert_int_equal(access(place, F_OK), 0);
    socket_place_leave(a, again, longest);
    assert_int_not_equal(access(place, F_OK), 0);
    socket_place_leave(a, arena_printf(a, "%s/x.sock", home), home); // which is no place of ours
    assert_int_equal(access(home, F_OK), 0);
    assert_true(file_remove_tree(home, &e));
}

static void of_somebody_else(void **state) {
    (void)state;
    char home[] = "/tmp/socket-place-XXXXXX";
    assert_non_null(mkdtemp(home));
    SCOPED_ARENA(a);
    const char *at, *folder = arena_printf(a, "/%0120d", 0);
    struct err e;
    setenv("XDG_RUNTIME_DIR", home, 1);
    assert_true(socket_place(&at, a, folder, "x.sock", &e));
    char *made = arena_strdup(a, at);
    *strrchr(made, '/') = 0;
    assert_int_equal(chmod(made, 0755), 0);
    assert_err(socket_place(&at, a, folder, "x.sock", &e), &e, ERR_FORBIDDEN, "this user alone");
    assert_int_equal(rmdir(made), 0);
    assert_int_equal(symlink(home, made), 0);
    assert_err(socket_place(&at, a, folder, "x.sock", &e), &e, ERR_FORBIDDEN, "this user alone");
    assert_true(file_remove_tree(home, &e));
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(short_and_long), cmocka_unit_test(of_somebody_else)};
RUN_TESTS(tests)
