// SPDX-License-Identifier: Apache-2.0
#include "base/ends.h"

#include "base/sync.h"
#include "base/test.h"
#include <unistd.h>

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned hurried;
} fake = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void hurry(void *ctx) {
    (void)ctx;
    pthread_mutex_lock(&fake.lock);
    fake.hurried++;
    pthread_cond_signal(&fake.changed);
    pthread_mutex_unlock(&fake.lock);
}

static void wait_hurried(void *ctx) {
    uint64_t end = deadline_in(60000);
    if (ctx)
        kill(getpid(), *(int *)ctx);
    pthread_mutex_lock(&fake.lock);
    while (ctx && !fake.hurried && cond_wait_until(&fake.changed, &fake.lock, end))
        ;
    pthread_mutex_unlock(&fake.lock);
}

// If this fails, whoever presses Ctrl-C twice waits for a whole drain, or a drain is cut that nobody wanted cut.
static void test_hurry(void **state) {
    (void)state;
    sigset_t ends;
    int signals[] = {SIGINT, SIGTERM};
    cond_init(&fake.changed);
    ends_block(&ends);
    ends_during(wait_hurried, hurry, NULL);
    assert_int_equal(fake.hurried, 0);
    for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
        fake.hurried = 0;
        ends_during(wait_hurried, hurry, &signals[i]);
        assert_int_equal(fake.hurried, 1);
    }
    struct timespec none = {0};
    assert_int_equal(sigtimedwait(&ends, NULL, &none), -1); // nothing is left over for whoever waits next
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(test_hurry)};
RUN_TESTS(tests)
