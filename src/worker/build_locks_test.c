// SPDX-License-Identifier: Apache-2.0
#include "worker/build_locks.h"

#include "base/clock.h"
#include "base/sync.h"
#include "base/test.h"
#include "http/test_server.h"
#include <pthread.h>

#define KEY "build:1"
#define LONG_S 60 // no test lasts so long

// A coordinator of one lock.
static struct {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    const char *holder;                 // NULL: nobody
    int refuse_acquire, refuse_release; // so many more calls are answered with `status`
    int status;
    unsigned acquires, releases; // that were answered with 200
    unsigned calls, refusals;
    bool waits; // acquisitions are not answered yet
} fake = {.mutex = PTHREAD_MUTEX_INITIALIZER};
static struct http_server *server;
static struct api *api;

static bool refused(struct http_request *r, int *left) {
    fake.calls++;
    bool is = *left > 0;
    if (is) {
        (*left)--;
        fake.refusals++;
        http_reply(r, fake.status, "application/json",
                   slice_str(fake.status == 403 ? "{\"error\":{\"code\":\"forbidden\",\"message\":\"another has it\"}}"
                                                : "{\"error\":{\"code\":\"unavailable\",\"message\":\"later\"}}"));
    }
    return is;
}

static void acquire(struct http_request *r, void *ctx) {
    (void)ctx;
    pthread_mutex_lock(&fake.mutex);
    bool is_refused = refused(r, &fake.refuse_acquire);
    pthread_cond_broadcast(&fake.changed);
    while (fake.waits)
        cond_wait_until(&fake.changed, &fake.mutex, NO_DEADLINE);
    if (!is_refused) {
        fake.acquires++;
        fake.holder = fake.holder ? fake.holder : "w";
        http_reply_json(r, 200, json_pack("{s:b}", "acquired", strcmp(fake.holder, "w") == 0));
    }
    pthread_cond_broadcast(&fake.changed);
    pthread_mutex_unlock(&fake.mutex);
}

static void release(struct http_request *r, void *ctx) {
    (void)ctx;
    pthread_mutex_lock(&fake.mutex);
    if (!refused(r, &fake.refuse_release)) {
        fake.releases++;
        fake.holder = NULL;
        http_reply_json(r, 200, json_pack("{s:b}", "released", 1));
    }
    pthread_cond_broadcast(&fake.changed);
    pthread_mutex_unlock(&fake.mutex);
}

static const struct http_route routes[] = {
    {.method = HTTP_POST, .path = "/locks/acquire", .handler = acquire, .max_body = 1 << 16},
    {.method = HTTP_DELETE, .path = "/locks/release/{key}", .handler = release},
};

static void fake_reset(void) {
    pthread_mutex_lock(&fake.mutex);
    fake.holder = NULL;
    fake.refuse_acquire = fake.refuse_release = 0;
    fake.status = 503;
    fake.acquires = fake.releases = fake.calls = fake.refusals = 0;
    pthread_mutex_unlock(&fake.mutex);
}

static void fake_set(int *what, int value) {
    pthread_mutex_lock(&fake.mutex);
    *what = value;
    pthread_mutex_unlock(&fake.mutex);
}

static void fake_give_to(const char *holder) {
    pthread_mutex_lock(&fake.mutex);
    fake.holder = holder;
    pthread_mutex_unlock(&fake.mutex);
}

// Until the counter is as high, for as long as a test may take.
static void await(const unsigned *counter, unsigned n) {
    uint64_t end = deadline_in(60000);
    pthread_mutex_lock(&fake.mutex);
    while (*counter < n)
        assert_true(cond_wait_until(&fake.changed, &fake.mutex, end));
    pthread_mutex_unlock(&fake.mutex);
}

static unsigned count(const unsigned *counter) {
    pthread_mutex_lock(&fake.mutex);
    unsigned n = *counter;
    pthread_mutex_unlock(&fake.mutex);
    return n;
}

static struct build_locks *open_locks(uint64_t ttl_s) {
    struct build_locks *l;
    struct err e;
    fake_reset();
    const struct build_locks_settings s = {.api = api, .ttl_s = ttl_s, .prolong_ms = 20, .retry_ms = 20};
    assert_ok(build_locks_start(&l, &s, &e), &e);
    return l;
}

static struct build_lock *take(struct build_locks *l, bool answered) {
    SCOPED_ARENA(a);
    struct build_lock *x;
    struct err e;
    assert_int_equal(build_lock_take(l, a, KEY, &x, &e), answered);
    return x;
}

// Nothing is left to be asked about: the thread has no more to do, and has done no more.
static void ends_quietly(struct build_locks *l) {
    unsigned before = count(&fake.calls);
    build_locks_stop(l, 60000);
    assert_int_equal(count(&fake.calls), before);
    build_locks_free(l);
}

// If this fails, a build that takes longer than its lock lasts is done by two workers at once.
static void what_is_in_use_is_prolonged(void **state) {
    (void)state;
    struct build_locks *l = open_locks(LONG_S);
    struct build_lock *x = take(l, true);
    assert_non_null(x);
    await(&fake.acquires, 5);
    assert_int_equal(count(&fake.releases), 0);
    build_lock_drop(l, x);
    await(&fake.releases, 1);
    ends_quietly(l);
}

// If this fails, a coordinator that restarts as a build ends makes everybody wait who needs that build.
static void a_release_is_repeated(void **state) {
    (void)state;
    struct build_locks *l = open_locks(LONG_S);
    struct build_lock *x = take(l, true);
    fake_set(&fake.refuse_release, 3);
    build_lock_drop(l, x);
    await(&fake.releases, 1);
    ends_quietly(l);
}

// What ends by itself is not asked about for ever.
static void a_release_is_given_up(void **state) {
    (void)state;
    struct build_locks *l = open_locks(1);
    struct build_lock *x = take(l, true);
    uint64_t taken_ms = clock_mono_ms();
    fake_set(&fake.refuse_release, 1 << 20);
    build_lock_drop(l, x);
    await(&fake.refusals, 2);
    build_locks_stop(l, 1000 * LONG_S); // which ends when nothing is left to be asked about
    assert_in_range(clock_mono_ms() - taken_ms, 1000, 500 * LONG_S);
    build_locks_free(l);
}

// Another's lock is left alone.
static void what_another_has_is_not_released(void **state) {
    (void)state;
    struct build_locks *l = open_locks(LONG_S);
    fake_give_to("another");
    assert_null(take(l, true));
    ends_quietly(l);
    l = open_locks(LONG_S);
    struct build_lock *x = take(l, true);
    fake_set(&fake.status, 403);
    fake_set(&fake.refuse_release, 1 << 20);
    build_lock_drop(l, x);
    await(&fake.refusals, 1);
    ends_quietly(l);
}

// If this fails, nobody sees that two workers build the same.
static void a_lost_lock_is_noticed(void **state) {
    (void)state;
    struct build_locks *l = open_locks(LONG_S);
    struct build_lock *x = take(l, true);
    assert_int_equal(build_locks_lost(l), 0);
    fake_give_to("another");
    uint64_t end = deadline_in(60000);
    while (!build_locks_lost(l))
        assert_true(clock_mono_ms() < end);
    unsigned before = count(&fake.acquires);
    build_lock_drop(l, x);
    x = take(l, true);
    assert_null(x);
    assert_int_equal(count(&fake.acquires), before + 1);
    assert_int_equal(count(&fake.releases), 0);
    assert_int_equal(build_locks_lost(l), 1);
    ends_quietly(l);
}

// If this fails, a build that began while the coordinator was away is done by others, too, when it is back.
static void it_is_asked_for_until_it_is_held(void **state) {
    (void)state;
    struct build_locks *l = open_locks(LONG_S);
    fake_set(&fake.refuse_acquire, 3);
    struct build_lock *x = take(l, false);
    assert_non_null(x);
    await(&fake.acquires, 2);
    build_lock_drop(l, x);
    await(&fake.releases, 1);
    ends_quietly(l);
}

// If this fails, the late release of a build that ended ends the lock of the next one.
static void a_lock_that_is_taken_again_is_kept(void **state) {
    (void)state;
    struct build_locks *l = open_locks(LONG_S);
    struct build_lock *x = take(l, true);
    fake_set(&fake.refuse_release, 1 << 20);
    build_lock_drop(l, x);
    await(&fake.refusals, 2);
    x = take(l, true);
    assert_non_null(x);
    fake_set(&fake.refuse_release, 0);
    unsigned before = count(&fake.acquires);
    await(&fake.acquires, before + 3);
    assert_int_equal(count(&fake.releases), 0);
    build_lock_drop(l, x);
    await(&fake.releases, 1);
    ends_quietly(l);
}

// If this fails, others wait for a worker that was ended by its operator.
static void the_end_releases(void **state) {
    (void)state;
    struct build_locks *l = open_locks(LONG_S);
    struct build_lock *x = take(l, true);
    fake_set(&fake.refuse_release, 2);
    build_locks_stop(l, 60000);
    assert_int_equal(count(&fake.releases), 1);
    build_lock_drop(l, x);
    build_locks_free(l);
    l = open_locks(LONG_S);
    take(l, true);
    fake_set(&fake.refuse_release, 1 << 20);
    uint64_t before = clock_mono_ms();
    build_locks_stop(l, 100); // and nobody waits for a coordinator that does not answer
    assert_in_range(clock_mono_ms() - before, 100, 500 * LONG_S);
    build_locks_free(l);
}

struct late {
    struct build_locks *locks;
    struct build_lock *lock;
    bool ok;
    struct err e;
};

static void *take_late(void *ctx) {
    SCOPED_ARENA(a);
    struct late *x = ctx;
    x->ok = build_lock_take(x->locks, a, KEY, &x->lock, &x->e);
    return NULL;
}

static void fake_wait(bool on) {
    pthread_mutex_lock(&fake.mutex);
    fake.waits = on;
    pthread_cond_broadcast(&fake.changed);
    pthread_mutex_unlock(&fake.mutex);
}

// If this fails, others wait for a worker that was ended as it asked for a lock, or asks for one after its end.
static void nothing_is_taken_at_the_end(void **state) {
    (void)state;
    struct late x = {.locks = open_locks(LONG_S)};
    pthread_t thread;
    fake_wait(true);
    assert_int_equal(pthread_create(&thread, NULL, take_late, &x), 0);
    await(&fake.calls, 1);
    build_locks_stop(x.locks, 5000);
    fake_wait(false);
    pthread_join(thread, NULL);
    assert_err(x.ok, &x.e, ERR_UNAVAILABLE, "stops");
    assert_null(x.lock);
    assert_int_equal(count(&fake.acquires), 1);
    assert_int_equal(count(&fake.releases), 1);
    take_late(&x);
    assert_err(x.ok, &x.e, ERR_UNAVAILABLE, "stops");
    assert_int_equal(count(&fake.acquires), 1);
    build_locks_free(x.locks);
}

static int set_up(void **state) {
    (void)state;
    static char url[64];
    struct err e = {0};
    cond_init(&fake.changed);
    server = test_server(routes, ARRAY_LEN(routes), 2);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/", http_server_port(server));
    const struct api_settings s = {
        .base_url = url, .token = "t", .worker_id = "w", .version = "1", .network = "devnet", .contract_id = "c.near"};
    assert_ok(api_new(&api, &s, &e), &e);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    api_free(api);
    http_server_stop(server);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_is_in_use_is_prolonged),
                                       cmocka_unit_test(a_release_is_repeated),
                                       cmocka_unit_test(a_release_is_given_up),
                                       cmocka_unit_test(what_another_has_is_not_released),
                                       cmocka_unit_test(a_lost_lock_is_noticed),
                                       cmocka_unit_test(it_is_asked_for_until_it_is_held),
                                       cmocka_unit_test(a_lock_that_is_taken_again_is_kept),
                                       cmocka_unit_test(the_end_releases),
                                       cmocka_unit_test(nothing_is_taken_at_the_end)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
