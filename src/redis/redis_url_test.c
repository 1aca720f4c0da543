// SPDX-License-Identifier: Apache-2.0
#include "redis/redis_url.h"

#include "base/test.h"

static void is_text(const char *got, const char *want) {
    if (want)
        assert_string_equal(got, want);
    else
        assert_null(got);
}

// If this fails, a server that others reach by this URL is not found.
static void what_operators_write(void **state) {
    (void)state;
    static const struct {
        const char *url, *host, *user, *password;
        unsigned port, database;
    } rows[] = {
        {"redis://localhost", "localhost", NULL, NULL, 6379, 0},
        {"redis://localhost/", "localhost", NULL, NULL, 6379, 0},
        {"redis://10.0.0.1:7000/3", "10.0.0.1", NULL, NULL, 7000, 3},
        {"redis://:geheim@h:1/0", "h", NULL, "geheim", 1, 0},
        {"redis://u:p%40%2F%3A@h", "h", "u", "p@/:", 6379, 0},
        {"redis://[::1]:6380/15", "::1", NULL, NULL, 6380, 15},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct redis_url u;
        struct err e;
        assert_ok(redis_url_parse(&u, rows[i].url, &e), &e);
        is_text(u.host, rows[i].host);
        is_text(u.user, rows[i].user);
        is_text(u.password, rows[i].password);
        assert_int_equal(u.port, rows[i].port);
        assert_int_equal(u.database, rows[i].database);
        redis_url_release(&u);
    }
}

// If this fails, a mistake in the setting is found out by nothing being woken; or the log has the password.
static void what_is_refused(void **state) {
    (void)state;
    static const char *const urls[] = {
        "",
        "localhost:6379",
        "http://h",
        "redis://",
        "redis://h:0",
        "redis://h:70000",
        "redis://h/x",
        "redis://h/1/2",
        "redis://h/70000",
        "redis://geheim@h",
        "redis://:geheim@h:99999",
        "redis://h?a=geheim",
        "redis://:geheim@h/1#2",
        "redis://:geheim@h/%00",
        "redis://:geh\neim@h",
        "rediss://:geheim@h",
    };
    for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
        struct redis_url u;
        struct err e;
        assert_err(redis_url_parse(&u, urls[i], &e), &e, ERR_SETTINGS, "");
        assert_null(strstr(e.msg, "geheim"));
        assert_null(strstr(e.hint, "geheim"));
        assert_true(e.hint[0]);
        assert_null(u.host);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_operators_write), cmocka_unit_test(what_is_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
