// SPDX-License-Identifier: Apache-2.0
// The queue without HTTP: what only time or a failing database brings about.
#include "queue/queue.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/sync.h"
#include "base/test.h"
#include "queue/database.h"
#include "store/writer.h"

struct world {
    char home[32];
    struct db *writing, *reading;
    struct writer *writer;
    struct queue *q;
    uint64_t serve_ms;
};

// Tasks here are their request's number.
static bool read_number(struct arena *a, const char *json, struct queue_stored *out, struct err *e) {
    (void)a, (void)e;
    *out = (struct queue_stored){{"a.near", strtoull(json, NULL, 10)}, "t"};
    return true;
}

static void world_start(struct world *w) {
    struct err e;
    const struct queue_config config = {w->serve_ms, read_number};
    assert_ok(database_open(&w->writing, w->home, NULL, &e), &e);
    assert_ok(database_open(&w->reading, w->home, NULL, &e), &e);
    assert_ok(writer_new(&w->writer, w->writing, &e), &e);
    assert_ok(queue_open_local(&w->q, &config, w->writer, w->reading, &e), &e);
}

static void world_stop(struct world *w) {
    queue_stop(w->q);
    writer_free(w->writer);
    queue_free(w->q);
    db_close(w->writing);
    db_close(w->reading);
}

static void world_open(struct world *w, uint64_t serve_ms) {
    *w = (struct world){.home = "/tmp/outlayer-queue-XXXXXX", .serve_ms = serve_ms};
    assert_non_null(mkdtemp(w->home));
    world_start(w);
}

static void world_close(struct world *w) {
    struct err e;
    world_stop(w);
    assert_ok(file_remove_tree(w->home, &e), &e);
}

static void sql(struct world *w, const char *text) {
    struct err e;
    assert_ok(db_exec(w->reading, text, &e), &e);
}

// --- calls that wait for their answer

struct answer {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool told, ok;
    struct err e;
};

static void tell(void *ctx, const struct err *e) {
    struct answer *a = ctx;
    pthread_mutex_lock(&a->lock);
    assert_false(a->told);
    a->told = true;
    a->ok = !e;
    if (e)
        a->e = *e;
    pthread_cond_signal(&a->changed);
    pthread_mutex_unlock(&a->lock);
}

static struct queue_call call_new(struct answer *a) {
    *a = (struct answer){.lock = PTHREAD_MUTEX_INITIALIZER};
    cond_init(&a->changed);
    return (struct queue_call){.done = tell, .ctx = a};
}

static bool wait_for(struct answer *a) {
    uint64_t end = deadline_in(30000);
    pthread_mutex_lock(&a->lock);
    while (!a->told)
        assert_true(cond_wait_until(&a->changed, &a->lock, end));
    pthread_mutex_unlock(&a->lock);
    pthread_cond_destroy(&a->changed);
    return a->ok;
}

static bool create(struct world *w, uint64_t id) {
    struct answer a;
    char json[24];
    snprintf(json, sizeof json, "%u", (unsigned)id);
    struct queue_create x = {
        .call = call_new(&a), .key = {"a.near", id}, .build_target = "t", .json = json, .about = "{}"};
    queue_create(w->q, &x);
    return wait_for(&a);
}

static uint64_t count_of(struct world *w, enum execution_state state) {
    struct queue_counts c;
    queue_counts(w->q, &c);
    return c.by_state[state];
}

// What happens by itself is looked for until it is there; the test's own end stops a wait for what never comes.
static void wait_until_expired(struct world *w, uint64_t n) {
    struct queue_counts c;
    do
        queue_counts(w->q, &c);
    while (c.expired < n);
}

// --- tests

// An execution whose end cannot be stored must stay: forgotten, it would wait in the database until the next start.
static void test_expiry(void **state) {
    (void)state;
    struct world w;
    world_open(&w, 20);
    sql(&w, "CREATE TRIGGER no BEFORE UPDATE ON executions BEGIN SELECT RAISE(FAIL, 'not now'); END");
    assert_true(create(&w, 1));
    uint64_t end = clock_mono_ms() + 200; // some tries
    while (clock_mono_ms() < end)
        assert_int_equal(count_of(&w, EXECUTION_QUEUED), 1);
    sql(&w, "DROP TRIGGER no");
    assert_true(create(&w, 2));
    wait_until_expired(&w, 2);
    assert_int_equal(count_of(&w, EXECUTION_QUEUED), 0);
    world_close(&w);
}

// The timer must wake for an execution that came while it slept without a deadline.
static void test_expiry_from_sleep(void **state) {
    (void)state;
    struct world w;
    world_open(&w, 50);
    for (unsigned i = 1; i <= 3; i++) {
        uint64_t start = clock_mono_ms();
        assert_true(create(&w, i));
        wait_until_expired(&w, i);
        assert_in_range(clock_mono_ms() - start, 45, 5000);
    }
    world_close(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_expiry), cmocka_unit_test(test_expiry_from_sleep)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
