// SPDX-License-Identifier: Apache-2.0
#include "worker/leases.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/sync.h"
#include "base/test.h"
#include "http/test_server.h"
#include "worker/held_file.h"
#include <pthread.h>
#include <sched.h>
#include <sys/stat.h>

#define PATIENCE_MS 60000
#define REFUSED_BEATS 3
#define LEASE_MS 15000  // as src/queue/queue.h has it
#define ALWAYS_DUE_MS 1 // with a coordinator that takes longer to answer
#define OTHER 'o'
#define NO_FILE "/nonexistent/held"

static struct {
    pthread_mutex_t lock; // guards what follows
    pthread_cond_t asked;
    int deaf;                    // so many answers more are a proxy's, whose coordinator is away
    int refused_beats;           // so many heartbeats behind a lease's first
    bool slow;                   // another heartbeat of the same lease is due when it has answered one
    const char *lost;            // a lease that it does not know
    unsigned told[128];          // how often, by the token's first letter
    bool for_good[128];          // as it was given back last, likewise
    unsigned announced;          // how often
    char silent;                 // a lease, likewise, of which nothing but its first heartbeat is answered
    struct http_request *parked; // the last of those; NULL: none
    unsigned told_parked;        // how often the other lease had been told then
} coordinator = {.lock = PTHREAD_MUTEX_INITIALIZER};

// With the lock held. The one before has been given up.
static void park(struct http_request *r) {
    if (coordinator.parked)
        http_reply_empty(coordinator.parked, 204);
    coordinator.parked = r;
    coordinator.told_parked = coordinator.told[OTHER];
}

static void say_that_it_is_lost(struct http_request *r) {
    http_reply(r, 409, "application/json",
               SLICE_LIT("{\"error\":{\"code\":\"lease_lost\",\"message\":\"it is over\"}}"));
}

static void serve_fail(struct http_request *r, void *ctx) {
    (void)ctx;
    struct err e;
    SCOPED_JSON(j) = json_parse(http_body(r), 4096, &e);
    const char *token = json_string_value(json_object_get(j, "token"));
    pthread_mutex_lock(&coordinator.lock);
    coordinator.for_good[token[0] & 127] = json_is_false(json_object_get(j, "retry"));
    const bool deaf = coordinator.deaf > 0 && coordinator.deaf--;
    const bool lost = coordinator.lost && strcmp(coordinator.lost, token) == 0;
    const bool silent = coordinator.silent == token[0];
    coordinator.told[token[0] & 127]++;
    if (silent)
        park(r);
    pthread_cond_broadcast(&coordinator.asked);
    pthread_mutex_unlock(&coordinator.lock);
    if (silent)
        return;
    if (deaf)
        http_reply(r, 502, "text/html", SLICE_LIT("<html>proxy</html>"));
    else if (lost)
        say_that_it_is_lost(r);
    else
        http_reply(r, 200, "application/json", SLICE_LIT("{\"retried\":true}"));
}

static void serve_beat(struct http_request *r, void *ctx) {
    (void)ctx;
    const uint64_t asked_ms = clock_mono_ms();
    struct err e;
    SCOPED_JSON(j) = json_parse(http_body(r), 4096, &e);
    const char *token = json_string_value(json_object_get(j, "token"));
    pthread_mutex_lock(&coordinator.lock);
    const bool refused =
        coordinator.told[token[0] & 127] && coordinator.refused_beats > 0 && coordinator.refused_beats--;
    const bool slow = coordinator.slow;
    const bool lost = coordinator.lost && strcmp(coordinator.lost, token) == 0;
    const bool silent = coordinator.told[token[0] & 127]++ && coordinator.silent == token[0];
    if (silent)
        park(r);
    pthread_cond_broadcast(&coordinator.asked);
    pthread_mutex_unlock(&coordinator.lock);
    if (silent)
        return;
    while (slow && clock_mono_ms() <= asked_ms + ALWAYS_DUE_MS)
        sched_yield();
    if (lost)
        say_that_it_is_lost(r);
    else if (refused)
        http_reply(r, 503, "application/json",
                   SLICE_LIT("{\"error\":{\"code\":\"unavailable\",\"message\":\"no database\"}}"));
    else
        http_reply(r, 200, "application/json", SLICE_LIT("{\"expires_in_ms\":15000}"));
}

static void serve_announcement(struct http_request *r, void *ctx) {
    (void)ctx;
    pthread_mutex_lock(&coordinator.lock);
    coordinator.announced++;
    pthread_cond_broadcast(&coordinator.asked);
    pthread_mutex_unlock(&coordinator.lock);
    http_reply(r, 200, "application/json", SLICE_LIT("{}"));
}

struct world {
    struct http_server *server;
    struct api *api;
    struct held *held;
};

static void world_open_beating(struct world *w, struct arena *a, int deaf, const char *file, uint64_t beat_ms) {
    static const struct http_route routes[] = {
        {.method = HTTP_POST, .path = "/tasks/fail", .handler = serve_fail, .max_body = 1 << 16},
        {.method = HTTP_POST, .path = "/tasks/heartbeat", .handler = serve_beat, .max_body = 1 << 16},
        {.method = HTTP_POST, .path = "/workers/heartbeat", .handler = serve_announcement, .max_body = 1 << 16}};
    struct err e;
    cond_init(&coordinator.asked);
    coordinator.deaf = deaf;
    coordinator.lost = NULL;
    coordinator.slow = beat_ms == ALWAYS_DUE_MS;
    coordinator.refused_beats = 0;
    coordinator.announced = 0;
    coordinator.silent = 0;
    coordinator.parked = NULL;
    memset(coordinator.told, 0, sizeof coordinator.told);
    w->server = test_server(routes, ARRAY_LEN(routes), 2);
    const struct api_settings s = {.base_url = arena_printf(a, "http://127.0.0.1:%u", http_server_port(w->server)),
                                   .token = "t",
                                   .worker_id = "w"};
    assert_ok(api_new(&w->api, &s, &e), &e);
    const struct held_settings held = {.api = w->api,
                                       .capabilities = "wasm32-wasip1",
                                       .slots = 1,
                                       .file = file,
                                       .pending_dir = "/nonexistent",
                                       .beat_ms = beat_ms};
    assert_ok(held_start(&w->held, &held, &e), &e);
}

static void world_open(struct world *w, struct arena *a, int deaf, const char *file) {
    world_open_beating(w, a, deaf, file, 0);
}

static void world_close(struct world *w) {
    held_stop(w->held);
    api_free(w->api);
    http_server_stop(w->server);
    pthread_cond_destroy(&coordinator.asked);
}

static unsigned told(char token) {
    pthread_mutex_lock(&coordinator.lock);
    unsigned n = coordinator.told[token & 127];
    pthread_mutex_unlock(&coordinator.lock);
    return n;
}

static bool told_more_than(char token, unsigned times) {
    const uint64_t end = deadline_in(PATIENCE_MS);
    pthread_mutex_lock(&coordinator.lock);
    while (coordinator.told[token & 127] <= times && cond_wait_until(&coordinator.asked, &coordinator.lock, end))
        ;
    bool more = coordinator.told[token & 127] > times;
    pthread_mutex_unlock(&coordinator.lock);
    return more;
}

static void give_back_as(struct world *w, struct arena *a, const char *token, bool retry) {
    const struct lease_id id = {"a.near", token, 1};
    held_give_back(w->held, a, &id, "no reason", retry);
}

static void give_back(struct world *w, struct arena *a, const char *token) { give_back_as(w, a, token, true); }

static struct held_lease *take(struct world *w, struct arena *a, uint64_t request_id, const char *token) {
    const struct lease lease = {.token = token, .task = {.contract_id = "a.near", .request_id = request_id}};
    struct err e;
    struct held_lease *l = held_take(w->held, a, &lease, &e);
    assert_non_null(l);
    return l;
}

// If this fails, a request whose lease is given back while the coordinator is away for a moment lies idle until the
// lease has run out.
static void what_was_not_heard_is_said_again(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct world w;
    world_open(&w, a, 1000, NO_FILE);
    give_back(&w, a, "one");
    give_back(&w, a, "two");
    assert_true(told_more_than('o', told('o')) && told_more_than('t', told('t'))); // again and again
    pthread_mutex_lock(&coordinator.lock);
    coordinator.deaf = 0;
    const unsigned unheard[] = {coordinator.told['o'], coordinator.told['t']};
    pthread_mutex_unlock(&coordinator.lock);
    assert_true(told_more_than('o', unheard[0]) && told_more_than('t', unheard[1]));
    give_back(&w, a, "later");
    assert_int_equal(told('l'), 1);
    world_close(&w);
    assert_int_equal(told('o'), unheard[0] + 1);
    assert_int_equal(told('t'), unheard[1] + 1);
}

static bool file_has(const char *file, const char *token) {
    SCOPED_ARENA(a);
    struct slice text;
    return file_read(a, file, 1 << 20, &text, NULL) && memmem(text.ptr, text.len, token, strlen(token));
}

static void wait_for_noted(const char *file, const char *token) {
    const uint64_t end = deadline_in(PATIENCE_MS);
    while (!file_has(file, token) && clock_mono_ms() <= end)
        sched_yield();
    assert_true(file_has(file, token));
}

static void *return_all(void *ctx) {
    struct world *w = ctx;
    held_return_all(w->held, "the worker stops", PATIENCE_MS);
    return NULL;
}

// If this fails, a worker that is ended by force while it waits for the answer to what it gives back, as at a stop that
// takes too long, comes back and does not know that lease: it lies idle until it has run out.
static void what_is_being_said_is_noted(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct world w;
    pthread_t thread;
    char file[] = "/tmp/outlayer-leases-XXXXXX";
    close(mkstemp(file));
    world_open(&w, a, 0, file);
    (void)take(&w, a, 1, "silent");
    pthread_mutex_lock(&coordinator.lock);
    coordinator.silent = 's';
    pthread_mutex_unlock(&coordinator.lock);
    assert_int_equal(pthread_create(&thread, NULL, return_all, &w), 0);
    assert_true(told_more_than('s', 1));
    (void)take(&w, a, 2, "later");
    wait_for_noted(file, "later"); // the file was written meanwhile
    assert_true(file_has(file, "silent"));
    pthread_mutex_lock(&coordinator.lock);
    coordinator.silent = 0;
    http_reply_json(coordinator.parked, 200, json_object());
    pthread_mutex_unlock(&coordinator.lock);
    pthread_join(thread, NULL);
    world_close(&w);
    unlink(file);
}

// If this fails, a worker whose coordinator is away writes the same to its disk twice a second.
static void what_stays_owed_is_noted_once(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct world w;
    struct stat first, last;
    char file[] = "/tmp/outlayer-leases-XXXXXX";
    close(mkstemp(file));
    world_open(&w, a, 1000, file);
    give_back(&w, a, "one");
    give_back(&w, a, "two");
    wait_for_noted(file, "one");
    wait_for_noted(file, "two");
    assert_int_equal(stat(file, &first), 0);
    assert_true(told_more_than('o', told('o') + 1)); // the other one came to the head, and then it again
    assert_int_equal(stat(file, &last), 0);
    assert_memory_equal(&first.st_ctim, &last.st_ctim, sizeof first.st_ctim);
    world_close(&w);
    unlink(file);
}

// If this fails, a lease that somebody else has by now is given back over and over.
static void what_is_over_is_said_once(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct world w;
    world_open(&w, a, 0, NO_FILE);
    coordinator.lost = "known to nobody";
    give_back(&w, a, "known to nobody");
    pthread_mutex_lock(&coordinator.lock);
    coordinator.deaf = 1;
    pthread_mutex_unlock(&coordinator.lock);
    give_back(&w, a, "one");
    assert_true(told_more_than('o', 1)); // a round of the heart
    world_close(&w);
    assert_int_equal(told('k'), 1);
}

// If this fails, what a worker had when it was killed lies idle where the coordinator is there only after the worker.
static void what_an_earlier_life_held_is_said_until_it_is_heard(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct world w;
    char file[] = "/tmp/outlayer-leases-XXXXXX";
    const int fd = mkstemp(file);
    assert_true(fd >= 0);
    close(fd);
    held_file_write(file, a, (const struct held_note[]){{.id = {"a.near", "one", 1}}, {.id = {"a.near", "two", 2}}}, 2);
    world_open(&w, a, 2, file);
    assert_true(told_more_than('o', 1) && told_more_than('t', 1));
    world_close(&w);
    assert_int_not_equal(access(file, F_OK), 0);
}

// If this fails, a lease is lost that its worker keeps alive, where one of several coordinators behind its address
// cannot reach their database: of the three heartbeats of a lease's time two that come to it are enough.
static void a_heartbeat_that_was_not_heard_is_said_again_soon(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct world w;
    world_open_beating(&w, a, 0, NO_FILE, 10 * PATIENCE_MS); // no regular heartbeat comes meanwhile
    coordinator.refused_beats = REFUSED_BEATS;
    struct held_lease *l = take(&w, a, 1, "held");
    held_stage(w.held, l, STAGE_BUILDING);
    assert_true(told_more_than('h', REFUSED_BEATS + 1));
    assert_false(held_is_lost(l));
    held_drop(w.held, l);
    world_close(&w);
}

// More than there are threads that keep leases alive, each due again as soon as it was kept alive.
static void open_with_many_leases(struct world *w, struct arena *a) {
    world_open_beating(w, a, 0, NO_FILE, ALWAYS_DUE_MS);
    for (char token[] = "a"; token[0] <= 'z'; token[0]++)
        (void)take(w, a, (uint64_t)token[0], token);
}

// If this fails, a lease is lost that its worker keeps alive, where younger ones are due again before its turn has
// come.
static void the_lease_that_waits_longest_is_kept_alive_first(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct world w;
    open_with_many_leases(&w, a);
    assert_true(told_more_than('z', told('z') + 1));
    for (char token = 'a'; token <= 'z'; token++)
        assert_true(told_more_than(token, told(token) + 1));
    world_close(&w);
}

// If this fails, an operator sees more leases lost than there were, and the coordinator is asked about them once more.
static void a_lease_is_lost_once(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct world w;
    world_open_beating(&w, a, 0, NO_FILE, 10 * PATIENCE_MS);
    struct held_lease *l = take(&w, a, 1, "lost");
    pthread_mutex_lock(&coordinator.lock);
    coordinator.lost = "lost";
    pthread_mutex_unlock(&coordinator.lock);
    held_dead_at(w.held, l, 1); // which is news
    while (!held_is_lost(l))
        sched_yield();
    const unsigned before = told('l');
    held_tell_dead_at(w.held, a, l);
    assert_int_equal(told('l'), before);
    assert_int_equal(held_lost_count(w.held), 1);
    held_drop(w.held, l);
    world_close(&w);
}

// If this fails, a worker that has many leases to keep alive is taken for gone, and nobody notes what it holds.
static void a_worker_with_many_leases_says_that_it_is_there(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct world w;
    open_with_many_leases(&w, a);
    const uint64_t end = deadline_in(PATIENCE_MS);
    pthread_mutex_lock(&coordinator.lock);
    const unsigned before = coordinator.announced;
    while (coordinator.announced < before + 2 && cond_wait_until(&coordinator.asked, &coordinator.lock, end))
        ;
    assert_true(coordinator.announced >= before + 2);
    pthread_mutex_unlock(&coordinator.lock);
    world_close(&w);
}

// Whether the other lease was kept alive while its worker waited for the answer to the silent one's heartbeat.
static bool told_meanwhile(void) {
    return coordinator.parked && coordinator.told[OTHER] > coordinator.told_parked && !http_hung_up(coordinator.parked);
}

// If this fails, leases are lost whose heartbeats would be heard, since they wait for those that come to a coordinator
// that is silent: four of those last longer than a lease.
static void a_silent_coordinator_keeps_no_other_lease_waiting(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct world w;
    world_open_beating(&w, a, 0, NO_FILE, ALWAYS_DUE_MS);
    coordinator.silent = 's';
    (void)take(&w, a, 1, "silent");
    (void)take(&w, a, 2, "other");
    const uint64_t end = deadline_in(PATIENCE_MS);
    pthread_mutex_lock(&coordinator.lock);
    while (!told_meanwhile() && cond_wait_until(&coordinator.asked, &coordinator.lock, end))
        ;
    assert_true(told_meanwhile());
    coordinator.silent = 0;
    http_reply_empty(coordinator.parked, 204);
    pthread_mutex_unlock(&coordinator.lock);
    world_close(&w);
}

// If this fails, a worker that is stopped while the coordinator is away for a moment, as where both are brought up to
// date, does worse than one that is killed: what it had lies idle until the leases have run out. Or what it gave back
// for good is tried once more.
static void what_was_not_heard_at_a_stop_is_said_by_the_next_life(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct world w;
    char file[] = "/tmp/outlayer-leases-XXXXXX";
    const int fd = mkstemp(file);
    assert_true(fd >= 0);
    close(fd);
    world_open(&w, a, 0, file);
    struct held_lease *answered = take(&w, a, 1, "answered");
    (void)take(&w, a, 2, "heard");
    held_stage(w.held, answered, STAGE_SUBMITTING);
    held_return_all(w.held, "the worker stops", PATIENCE_MS);
    assert_int_equal(told('h'), 2); // taken, and given back
    (void)take(&w, a, 3, "stopped");
    pthread_mutex_lock(&coordinator.lock);
    coordinator.deaf = 1000;
    pthread_mutex_unlock(&coordinator.lock);
    give_back(&w, a, "given back before");
    give_back_as(&w, a, "for good", false);
    held_return_all(w.held, "the worker stops", 0);
    held_return_all(w.held, "the worker stops", PATIENCE_MS);
    world_close(&w);
    world_open(&w, a, 0, file);
    assert_true(told_more_than('s', 0) && told_more_than('g', 0) && told_more_than('f', 0));
    world_close(&w);
    assert_true(coordinator.for_good['f'] && !coordinator.for_good['s'] && !coordinator.for_good['g']);
    assert_int_equal(told('a') + told('h'), 0);
    assert_int_not_equal(access(file, F_OK), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_an_earlier_life_held_is_said_until_it_is_heard),
                                       cmocka_unit_test(what_was_not_heard_at_a_stop_is_said_by_the_next_life),
                                       cmocka_unit_test(what_was_not_heard_is_said_again),
                                       cmocka_unit_test(what_is_over_is_said_once),
                                       cmocka_unit_test(what_is_being_said_is_noted),
                                       cmocka_unit_test(what_stays_owed_is_noted_once),
                                       cmocka_unit_test(a_heartbeat_that_was_not_heard_is_said_again_soon),
                                       cmocka_unit_test(a_lease_is_lost_once),
                                       cmocka_unit_test(the_lease_that_waits_longest_is_kept_alive_first),
                                       cmocka_unit_test(a_worker_with_many_leases_says_that_it_is_there),
                                       cmocka_unit_test(a_silent_coordinator_keeps_no_other_lease_waiting)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
