// SPDX-License-Identifier: Apache-2.0
// For tests: a queue in a folder of its own, and calls that wait for their answer.
#pragma once
#include "base/clock.h"
#include "base/file.h"
#include "base/sync.h"
#include "queue/database.h"
#include "queue/queue.h"
#include "store/test_database.h"
#include "store/writer.h"

// For what comes by itself, and has come long before, however busy the machine is.
#define TEST_WAIT_S 60

struct world {
    char home[32];
    const char *url;     // of PostgreSQL; NULL: the form for one process, over SQLite in the home
    struct redis *redis; // the test's; NULL: none
    struct db *writing, *reading;
    struct writer *writer;
    struct queue *q;
    uint64_t serve_ms, look_ms;
    bool loses;                 // a lease that nobody confirms is lost soon; else no test is too slow for one
    struct db_keep database;    // how long the queue waits for a server
    void (*changed)(void *ctx); // whom it tells of changes
    void *ctx;
};

// Tasks here are their request's number.
static inline bool read_number(struct arena *a, const char *json, struct queue_stored *out, struct err *e) {
    (void)a, (void)e;
    *out = (struct queue_stored){.key = {"a.near", strtoull(json, NULL, 10)}, .build_target = "t", .payer = "p"};
    return true;
}

static inline void world_start(struct world *w) {
    struct err e;
    const struct queue_config config = {.serve_ms = w->serve_ms,
                                        .confirm_ms = w->loses ? 0 : TEST_WAIT_S * 1000,
                                        .look_ms = w->look_ms,
                                        .read = read_number,
                                        .database = w->database,
                                        .changed = w->changed,
                                        .ctx = w->ctx};
    if (w->url) {
        assert_ok(queue_open_scaled(&w->q, &config, w->url, w->redis, &e), &e);
        assert_ok(db_open_as(&w->reading, w->url, &(struct db_keep){.pages_by_index = true}, &e), &e);
        return;
    }
    assert_ok(database_open(&w->writing, w->home, NULL, &e), &e);
    assert_ok(database_open(&w->reading, w->home, NULL, &e), &e);
    assert_ok(writer_new(&w->writer, w->writing, &e), &e);
    assert_ok(queue_open_local(&w->q, &config, w->writer, &e), &e);
}

static inline void world_stop(struct world *w) {
    queue_stop(w->q);
    queue_free(w->q);
    writer_free(w->writer);
    db_close(w->writing);
    db_close(w->reading);
    w->writer = NULL;
    w->writing = NULL;
}

// In the form that the test's state says: NULL, or a database of PostgreSQL.
static inline void world_open_on(struct world *w, void **state, uint64_t serve_ms) {
    *w = (struct world){.home = "/tmp/outlayer-queue-XXXXXX", .serve_ms = serve_ms};
    w->url = *state ? ((const struct test_database *)*state)->url : NULL;
    assert_non_null(mkdtemp(w->home));
    world_start(w);
}
#define ON_BOTH_FORMS(f) cmocka_unit_test(f), ON_POSTGRES(f)

static inline void world_open(struct world *w, uint64_t serve_ms) {
    void *state = NULL;
    world_open_on(w, &state, serve_ms);
}

static inline void world_close(struct world *w) {
    struct err e;
    world_stop(w);
    assert_ok(file_remove_tree(w->home, &e), &e);
}

static inline void sql(struct world *w, const char *text) {
    struct err e;
    assert_ok(db_exec(w->reading, text, &e), &e);
}

// --- calls that wait for their answer

struct test_answer {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool told, ok;
    struct err e;
};

static inline void tell(void *ctx, const struct err *e) {
    struct test_answer *a = ctx;
    pthread_mutex_lock(&a->lock);
    assert_false(a->told);
    a->told = true;
    a->ok = !e;
    if (e)
        a->e = *e;
    pthread_cond_signal(&a->changed);
    pthread_mutex_unlock(&a->lock);
}

static inline struct queue_call call_new(struct test_answer *a) {
    *a = (struct test_answer){.lock = PTHREAD_MUTEX_INITIALIZER};
    cond_init(&a->changed);
    return (struct queue_call){.done = tell, .ctx = a};
}

static inline bool wait_for(struct test_answer *a) {
    uint64_t end = deadline_in(2 * TEST_WAIT_S * 1000);
    pthread_mutex_lock(&a->lock);
    while (!a->told)
        assert_true(cond_wait_until(&a->changed, &a->lock, end));
    pthread_mutex_unlock(&a->lock);
    pthread_cond_destroy(&a->changed);
    return a->ok;
}

// Zeros mean what they mean to the queue, and what is not said is "t" for "p".
static inline bool create_as(struct world *w, uint64_t id, const char *payer, const char *target, uint64_t dead_at_ms,
                             bool *created) {
    struct test_answer a;
    char json[24];
    snprintf(json, sizeof json, "%u", (unsigned)id);
    struct queue_create x = {.call = call_new(&a),
                             .key = {"a.near", id},
                             .build_target = target ? target : "t",
                             .payer = payer ? payer : "p",
                             .dead_at_ms = dead_at_ms,
                             .json = json,
                             .about = "{}"};
    queue_create(w->q, &x);
    bool ok = wait_for(&a);
    *created = x.created;
    return ok;
}

static inline bool create(struct world *w, uint64_t id) {
    bool created;
    return create_as(w, id, NULL, NULL, 0, &created) && created;
}

struct test_lease {
    uint64_t id; // 0: there was none
    unsigned attempt, handed;
    bool too_late, hopeless;
    char token[LEASE_TOKEN_LEN + 1];
};

static inline struct test_lease poll_step(struct world *w, const char *worker_id, uint64_t wait_s,
                                          const char *contract_id, const char *capabilities, const bool *cannot) {
    struct test_answer a;
    SCOPED_ARENA(arena);
    struct queue_poll x = {.call = call_new(&a),
                           .arena = arena,
                           .worker_id = worker_id,
                           .contract_id = contract_id,
                           .capabilities = capabilities,
                           .wait_s = wait_s};
    for (size_t i = 0; cannot && i < QUEUE_STEP_COUNT; i++)
        x.cannot[i] = cannot[i];
    queue_poll(w->q, &x);
    assert_true(wait_for(&a));
    struct test_lease out = {
        x.leased ? strtoull(x.json, NULL, 10) : 0, x.attempt, x.handed, x.too_late, x.hopeless, ""};
    memcpy(out.token, x.token, sizeof out.token);
    return out;
}

static inline struct test_lease poll_by(struct world *w, const char *worker_id, uint64_t wait_s,
                                        const char *contract_id, const char *capabilities) {
    return poll_step(w, worker_id, wait_s, contract_id, capabilities, NULL);
}

// By a worker that does nothing but this.
static inline struct test_lease poll_to(struct world *w, enum queue_step step, uint64_t wait_s) {
    bool cannot[QUEUE_STEP_COUNT];
    for (size_t i = 0; i < QUEUE_STEP_COUNT; i++)
        cannot[i] = i != (size_t)step;
    return poll_step(w, step == QUEUE_BUILD ? "builder" : "runner", wait_s, NULL, NULL, cannot);
}

static inline struct test_lease poll_as(struct world *w, uint64_t wait_s, const char *contract_id,
                                        const char *capabilities) {
    return poll_by(w, "w", wait_s, contract_id, capabilities);
}

static inline struct test_lease poll_one(struct world *w) { return poll_as(w, 0, NULL, NULL); }

static inline enum queue_answer beat(struct world *w, const struct test_lease *l, enum execution_event event,
                                     uint64_t dead_at_ms) {
    struct test_answer a;
    struct queue_beat x = {
        .call = call_new(&a), .key = {"a.near", l->id}, .token = l->token, .event = event, .dead_at_ms = dead_at_ms};
    queue_beat(w->q, &x);
    assert_true(wait_for(&a));
    return x.answer;
}

static inline enum queue_answer give_back(struct world *w, const struct test_lease *l) {
    struct test_answer a;
    struct queue_give_back x = {.call = call_new(&a), .key = {"a.near", l->id}, .token = l->token};
    queue_give_back(w->q, &x);
    assert_true(wait_for(&a));
    return x.answer;
}

static inline enum queue_answer hand_over(struct world *w, const struct test_lease *l, enum queue_step next) {
    struct test_answer a;
    struct queue_give_back x = {
        .call = call_new(&a), .key = {"a.near", l->id}, .token = l->token, .hand = true, .step = next};
    queue_give_back(w->q, &x);
    assert_true(wait_for(&a));
    return x.answer;
}

// false: it could not be stored.
static inline bool end(struct world *w, const struct test_lease *l, enum queue_answer *answer, bool *changed) {
    struct test_answer a;
    struct queue_end x = {.call = call_new(&a),
                          .key = {"a.near", l->id},
                          .token = l->token,
                          .outcome = "success",
                          .report = "{}",
                          .instructions = 1};
    queue_end(w->q, &x);
    bool ok = wait_for(&a);
    *answer = x.answer;
    *changed = x.changed;
    return ok;
}

static inline enum queue_answer end_well(struct world *w, const struct test_lease *l, bool *changed) {
    enum queue_answer answer;
    assert_true(end(w, l, &answer, changed));
    return answer;
}

static inline uint64_t count_of(struct world *w, enum execution_state state) {
    struct queue_counts c;
    queue_counts(w->q, &c);
    return c.by_state[state];
}

// What happens by itself is looked for until it is there; the test's own end stops a wait for what never comes.
static inline void wait_until_expired(struct world *w, uint64_t n) {
    struct queue_counts c;
    do
        queue_counts(w->q, &c);
    while (c.expired < n);
}

static inline void restart(struct world *w) {
    world_stop(w);
    world_start(w);
}

// As if the rows had been so when it stopped.
static inline void restart_after(struct world *w, const char *text) {
    struct db *db;
    struct err e;
    world_stop(w);
    assert_ok(database_open(&db, w->home, w->url, &e), &e);
    assert_ok(db_exec(db, text, &e), &e);
    db_close(db);
    world_start(w);
}

static inline uint64_t rows_of(struct world *w, const char *query) {
    struct db_stmt *s;
    struct err e;
    bool row;
    assert_ok(db_query(w->reading, query, &s, &e) && db_step(w->reading, s, &row, &e) && row, &e);
    uint64_t n = (uint64_t)db_int(w->reading, s, "n");
    db_done(w->reading, s);
    return n;
}
