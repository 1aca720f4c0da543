// SPDX-License-Identifier: Apache-2.0
#include "base/buf.h"
#include "base/test.h"
#include "queue/snapshots.h"

#include <inttypes.h>

static void assert_becomes(const char *postgres, const char *packed, uint64_t next, const char *running) {
    SCOPED_ARENA(a);
    char text[SNAPSHOT_TEXT_MAX + 1];
    struct snapshot x;
    assert_true(snapshot_pack(text, postgres));
    assert_string_equal(text, packed);
    assert_true(snapshot_unpack(&x, a, text));
    assert_int_equal(x.next, next);
    assert_string_equal(x.running, running);
}

// If this fails, a page is told what it knows, or is not told what it does not know.
static void there_and_back(void **state) {
    (void)state;
    assert_becomes("731:731:", "731:0:", 731, "{}");
    assert_becomes("731:735:731,733", "731:4:0,2", 735, "{731,733}");
    assert_becomes("9223372036854775806:9223372036854775807:9223372036854775806", "9223372036854775806:1:0", INT64_MAX,
                   "{9223372036854775806}");
}

// What runs, and is told with `by` between one and the next.
static const char *many_run(struct buf *out, uint64_t first, unsigned count, uint64_t by) {
    buf_printf(out, "%" PRIu64 ":%" PRIu64 ":", first, first + count * by);
    for (unsigned i = 0; i < count; i++)
        buf_printf(out, "%s%" PRIu64, i ? "," : "", first + i * by);
    return buf_str(out);
}

// If this fails, everybody is told the same again and again while some hundred transactions run.
static void many_have_room(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    SCOPED_BUF(all, 1 << 20);
    char text[SNAPSHOT_TEXT_MAX + 1];
    struct snapshot x;
    assert_true(snapshot_pack(text, many_run(&all, 10000000000, 300, 17)));
    assert_true(snapshot_unpack(&x, a, text));
    assert_int_equal(x.next, 10000000000 + 300 * 17);
    assert_non_null(strstr(x.running, ",10000005083}"));
}

// If this fails, what a transaction changed that had no room in the text is never shown, or all before it is shown
// anew.
static void too_many_run(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    SCOPED_BUF(all, 1 << 20);
    char text[SNAPSHOT_TEXT_MAX + 1], last[32];
    struct snapshot x;
    uint64_t first = 10000000000, by = 1000;
    assert_true(snapshot_pack(text, many_run(&all, first, 2000, by)));
    assert_in_range(strlen(text), SNAPSHOT_TEXT_MAX - 60, SNAPSHOT_TEXT_MAX);
    assert_true(snapshot_unpack(&x, a, text));
    uint64_t told = (x.next - first) / by;
    assert_int_equal((x.next - first) % by, 0); // one that runs
    assert_in_range(told, 150, 250);
    snprintf(last, sizeof last, ",%" PRIu64 "}", x.next - by);
    assert_string_equal(x.running + strlen(x.running) - strlen(last), last); // and each before it is told
}

// If this fails, made-up words reach the statements.
static void made_up(void **state) {
    static const char *const texts[] = {"",
                                        "1",
                                        "1:2",
                                        ":2:",
                                        "0:0:",
                                        "1::",
                                        "x:1:",
                                        "-1:1:",
                                        "1:9:9",
                                        "1:9:3,0",
                                        "1:9:3,6",
                                        "1:9:,3",
                                        "1:9:3;drop",
                                        "1:1:1:1",
                                        "1:9:18446744073709551615",
                                        "99999999999999999999:1:",
                                        "9223372036854775807:9223372036854775807:",
                                        "9223372036854775808:1:"};
    (void)state;
    SCOPED_ARENA(a);
    struct snapshot x;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (snapshot_unpack(&x, a, texts[i]))
            fail_msg("'%s' is taken for a snapshot", texts[i]);
    char text[SNAPSHOT_TEXT_MAX + 1];
    for (const char **t = (const char *[]){"", "1:2", "2:1:", "1:9:3,2", "1:9:9", "x", NULL}; *t; t++)
        assert_false(snapshot_pack(text, *t));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(there_and_back), cmocka_unit_test(many_have_room),
                                       cmocka_unit_test(too_many_run), cmocka_unit_test(made_up)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
