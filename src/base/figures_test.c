// SPDX-License-Identifier: Apache-2.0
// Figures are read by other programs: one series that is not well formed, or that is there twice, and none is read.
#include "base/figures.h"
#include "base/test.h"

static void a_histogram_counts_up_to_each_bound(void **state) {
    (void)state;
    SCOPED_BUF(out, FIGURES_MAX);
    struct histogram h = {0};
    histogram_add(&h, 900);       // 1 ms
    histogram_add(&h, 1000);      // still 1 ms
    histogram_add(&h, 1001);      // 5 ms
    histogram_add(&h, 400000000); // beyond all
    figure_histogram(&out, "t_seconds", "route=\"/x\"", &h);
    const char *text = buf_str(&out);
    assert_non_null(strstr(text, "t_seconds_bucket{route=\"/x\",le=\"0.001\"} 2\n"));
    assert_non_null(strstr(text, "t_seconds_bucket{route=\"/x\",le=\"0.005\"} 3\n"));
    assert_non_null(strstr(text, "t_seconds_bucket{route=\"/x\",le=\"300\"} 3\n"));
    assert_non_null(strstr(text, "t_seconds_bucket{route=\"/x\",le=\"+Inf\"} 4\n"));
    assert_non_null(strstr(text, "t_seconds_sum{route=\"/x\"} 400.002901\n"));
    assert_non_null(strstr(text, "t_seconds_count{route=\"/x\"} 4\n"));
    buf_clear(&out);
    figure_histogram(&out, "t_seconds", NULL, &h);
    assert_non_null(strstr(buf_str(&out), "t_seconds_bucket{le=\"+Inf\"} 4\nt_seconds_sum 400.002901\n"));
}

static size_t count_of(const char *text, const char *what) {
    size_t n = 0;
    for (const char *p = text; (p = strstr(p, what)); p++)
        n++;
    return n;
}

// Whoever invents a name for each of its calls fills the memory of everything that reads figures.
static void a_tally_has_so_many_names_and_no_more(void **state) {
    (void)state;
    SCOPED_BUF(out, FIGURES_MAX);
    static struct tally t;
    char name[32];
    tally_init(&t);
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "worker-%d", i);
        tally_add(&t, name);
        tally_add(&t, "worker-0");
    }
    figure_tally(&out, "lost_total", "worker", &t);
    assert_int_equal(count_of(buf_str(&out), "\n"), TALLY_MAX + 1);
    assert_non_null(strstr(buf_str(&out), "lost_total{worker=\"worker-0\"} 1001\n"));
    assert_non_null(strstr(buf_str(&out), "lost_total{worker=\"worker-63\"} 1\n"));
    assert_non_null(strstr(buf_str(&out), "lost_total{worker=\"other\"} 936\n"));
}

// A name that ends its label or its line writes series of its own; two that look alike are one series twice.
static void hostile_names_stay_inside_their_label(void **state) {
    (void)state;
    SCOPED_BUF(out, FIGURES_MAX);
    static struct tally t;
    char label[FIGURE_LABEL_MAX], quotes[300];
    tally_init(&t);
    tally_add(&t, "a\"} 1\nup 0\n#");
    tally_add(&t, "b\\");
    tally_add(&t, "c\x01");
    tally_add(&t, "c\x02");
    tally_add(&t, "other");
    figure_tally(&out, "n", "who", &t);
    assert_string_equal(buf_str(&out),
                        "n{who=\"a\\\"} 1?up 0?#\"} 1\nn{who=\"b\\\\\"} 1\nn{who=\"c?\"} 1\nn{who=\"other\"} 2\n");
    memset(quotes, '"', sizeof quotes - 1);
    quotes[sizeof quotes - 1] = 0;
    figure_label(label, "who", quotes);
    size_t n = strlen(label);
    assert_true(n < FIGURE_LABEL_MAX && label[n - 1] == '"' && (n - strlen("who=\"\"")) % 2 == 0);
}

static void a_process_says_which_it_is(void **state) {
    (void)state;
    SCOPED_BUF(out, FIGURES_MAX);
    figures_of_process(&out, "outlayer-x", 1700000000123);
    const char *text = buf_str(&out);
    assert_non_null(strstr(text, "outlayer_build_info{daemon=\"outlayer-x\",version=\""));
    assert_non_null(strstr(text, "process_start_time_seconds 1700000000.123000\n"));
    assert_non_null(strstr(text, "# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total "));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_histogram_counts_up_to_each_bound),
        cmocka_unit_test(a_tally_has_so_many_names_and_no_more),
        cmocka_unit_test(hostile_names_stay_inside_their_label),
        cmocka_unit_test(a_process_says_which_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
