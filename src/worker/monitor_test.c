// SPDX-License-Identifier: Apache-2.0
#include "worker/monitor.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/sync.h"
#include "base/test.h"
#include "http/test_server.h"
#include "protocol/events.h"
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#define HEIGHTS 32
#define TASKS 32

// A block server and a coordinator in one: what blocks there are, and what was recorded.
static struct fake {
    struct http_server *server;
    struct arena *arena;
    pthread_mutex_t mutex; // for all below
    pthread_cond_t posted; // a post was counted, and its request recorded if it was taken
    const char *blocks[HEIGHTS];
    uint64_t head;
    unsigned refuse_503, refuse_400, refuse_html, posts;
    uint64_t hidden; // a height that is said to be skipped,
    unsigned hide;   // so many times
    uint64_t oldest; // block that is still kept
    unsigned reads;  // of blocks
    const char *tasks[TASKS];
    size_t task_count;
    uint64_t completed[TASKS];
    size_t completed_count;
} fake;
static char work[] = "/tmp/monitor-test.XXXXXX";
static const char *url;

static void serve_block(struct http_request *r, void *ctx) {
    (void)ctx;
    uint64_t height = strtoull(http_param(r, "height"), NULL, 10);
    pthread_mutex_lock(&fake.mutex);
    const char *body = height <= fake.head && height < HEIGHTS ? fake.blocks[height] : NULL;
    if (body && height == fake.hidden && fake.hide && fake.hide--)
        body = "null";
    bool gone = height < fake.oldest;
    fake.reads++;
    pthread_mutex_unlock(&fake.mutex);
    if (gone)
        http_reply(r, 404, "application/json", SLICE_LIT("{\"type\":\"BLOCK_HEIGHT_TOO_LOW\"}"));
    else if (body)
        http_reply(r, 200, "application/json", slice_str(body));
    else
        http_reply(r, 404, "application/json", SLICE_LIT("{\"type\":\"BLOCK_DOES_NOT_EXIST\"}"));
}

static void serve_headers(struct http_request *r, void *ctx) {
    (void)ctx;
    uint64_t height = strtoull(http_param(r, "height"), NULL, 10);
    pthread_mutex_lock(&fake.mutex);
    SCOPED_JSON(body) =
        height < HEIGHTS && fake.blocks[height] ? json_loads(fake.blocks[height], JSON_DECODE_ANY, NULL) : json_null();
    pthread_mutex_unlock(&fake.mutex);
    const json_t *block = json_object_get(body, "block");
    http_reply(r, 200, "application/json", slice_str(block ? json_text(http_arena(r), block) : "null"));
}

// A stop may come before the answer of a call that was taken: then it comes again, and changes nothing.
// When its window ends is reckoned anew each time.
static bool known(struct slice body) {
    SCOPED_JSON(task) = json_parse(body, 1 << 20, NULL);
    uint64_t dead_at_ms = 0;
    assert_true(json_get_u64(task, "dead_at_ms", &dead_at_ms, NULL) && dead_at_ms > clock_wall_ms());
    (void)json_object_del(task, "dead_at_ms");
    for (size_t i = 0; i < fake.task_count; i++) {
        SCOPED_JSON(other) = json_parse(slice_str(fake.tasks[i]), 1 << 20, NULL);
        (void)json_object_del(other, "dead_at_ms");
        if (json_equal(task, other))
            return true;
    }
    return false;
}

static void serve_create(struct http_request *r, void *ctx) {
    (void)ctx;
    int status = 201;
    pthread_mutex_lock(&fake.mutex);
    fake.posts++;
    if (fake.refuse_html && fake.refuse_html--)
        status = 413;
    else if (fake.refuse_503 && fake.refuse_503--)
        status = 503;
    else if (fake.refuse_400 && fake.refuse_400--)
        status = 400;
    else if (fake.task_count < TASKS && !known(http_body(r)))
        fake.tasks[fake.task_count++] = arena_text(fake.arena, http_body(r));
    pthread_cond_broadcast(&fake.posted);
    pthread_mutex_unlock(&fake.mutex);
    struct err e;
    if (status == 413)
        http_reply(r, 413, "text/html", SLICE_LIT("<html>413 Request Entity Too Large</html>"));
    else if (status == 201)
        http_reply_json(r, 201, json_pack("{s:b}", "created", 1));
    else if (err_set(&e, status == 400 ? ERR_INVALID : ERR_UNAVAILABLE, "not now"), true)
        http_reply_err(r, &e);
}

static const struct http_route routes[] = {
    {.method = HTTP_GET, .path = "/v0/block/{height}", .handler = serve_block},
    {.method = HTTP_GET, .path = "/v0/block/{height}/headers", .handler = serve_headers},
    {.method = HTTP_POST, .path = "/tasks/create", .handler = serve_create, .max_body = 1 << 20},
};

static const char *request_log(uint64_t id) {
    const struct event_request r = {.terms = {.sender_id = "a.near",
                                              .repo = "o/n",
                                              .commit = "main",
                                              .build_target = "wasm32-wasip1",
                                              .limits = {1, 1, 1},
                                              .format = FORMAT_TEXT,
                                              .timestamp_ns = 5,
                                              .payment = 7},
                                    .input = SLICE_LIT("x")};
    return event_request_text(fake.arena, id, &r);
}

static void add_block(const char *status, const char *log) {
    pthread_mutex_lock(&fake.mutex);
    uint64_t before = fake.head, height = ++fake.head;
    while (before && strcmp(fake.blocks[before], "null") == 0)
        before--;
    const char *made = arena_printf(fake.arena, "%llu", (unsigned long long)height * 10);
    SCOPED_JSON(body) =
        json_pack("{s:{s:{s:I, s:s, s:I}}, s:[{s:[{s:{s:s, s:{s:[s], s:I, s:s, s:{s:s}}}, s:{s:s}, s:s}]}]}", "block",
                  "header", "height", (json_int_t)height, "timestamp_nanosec", made, "prev_height", (json_int_t)before,
                  "shards", "receipt_execution_outcomes", "execution_outcome", "id", "R", "outcome", "logs", log,
                  "gas_burnt", (json_int_t)3, "executor_id", "outlayer.near", "status", status, "", "receipt",
                  "predecessor_id", "c.near", "tx_hash", "T");
    fake.blocks[height] = json_text(fake.arena, body);
    pthread_mutex_unlock(&fake.mutex);
}

static void completed(void *ctx, uint64_t id, const char *tx, const char *event) {
    (void)ctx, (void)tx, (void)event;
    pthread_mutex_lock(&fake.mutex);
    fake.completed[fake.completed_count++] = id;
    pthread_mutex_unlock(&fake.mutex);
}

static struct monitor *start_at(uint64_t height) {
    struct monitor *m;
    struct err e;
    struct monitor_settings s = {.neardata_url = url,
                                 .network = "devnet",
                                 .contract_id = "outlayer.near",
                                 .cursor_file = arena_printf(fake.arena, "%s/cursor", work),
                                 .api_base_url = url,
                                 .api_token = "t",
                                 .start_height = height,
                                 .completed = completed};
    assert_ok(monitor_start(&s, &m, &e), &e);
    return m;
}

static struct monitor *start(void) { return start_at(1); }

// Waits until so many requests are recorded.
static void recorded(size_t want) {
    uint64_t end = deadline_in(60000);
    pthread_mutex_lock(&fake.mutex);
    while (fake.task_count < want && cond_wait_until(&fake.posted, &fake.mutex, end))
        ;
    size_t got = fake.task_count;
    pthread_mutex_unlock(&fake.mutex);
    assert_int_equal(got, want);
}

// What a monitor that stops has asked for may still be in a thread of the server: all of the fake is under its lock.
static unsigned get(const unsigned *field) {
    pthread_mutex_lock(&fake.mutex);
    unsigned n = *field;
    pthread_mutex_unlock(&fake.mutex);
    return n;
}

static void set(unsigned *field, unsigned value) {
    pthread_mutex_lock(&fake.mutex);
    *field = value;
    pthread_mutex_unlock(&fake.mutex);
}

static unsigned reads(void) { return get(&fake.reads); }

static unsigned posts(void) { return get(&fake.posts); }

static void posted_at_least(unsigned want) {
    uint64_t end = deadline_in(60000);
    pthread_mutex_lock(&fake.mutex);
    while (fake.posts < want && cond_wait_until(&fake.posted, &fake.mutex, end))
        ;
    unsigned got = fake.posts;
    pthread_mutex_unlock(&fake.mutex);
    assert_true(got >= want);
}

static size_t recorded_now(void) {
    pthread_mutex_lock(&fake.mutex);
    size_t n = fake.task_count;
    pthread_mutex_unlock(&fake.mutex);
    return n;
}

static void keep_from(uint64_t oldest) {
    pthread_mutex_lock(&fake.mutex);
    fake.oldest = oldest;
    pthread_mutex_unlock(&fake.mutex);
}

static uint64_t id_of(size_t i, const char **refused) {
    SCOPED_JSON(j) = json_loads(fake.tasks[i], 0, NULL);
    const char *why = json_string_value(json_object_get(j, "refused"));
    *refused = why ? arena_strdup(fake.arena, why) : NULL;
    return (uint64_t)json_integer_value(json_object_get(j, "request_id"));
}

// In order, each once: failed receipts and other logs do not count, skipped heights are passed, heights that are not
// there yet are awaited, and a malformed event is recorded with its reason and stops nothing.
static void test_scan(void **state) {
    (void)state;
    const char *why;
    add_block("SuccessValue", request_log(1));
    add_block("Failure", request_log(2));
    pthread_mutex_lock(&fake.mutex);
    fake.blocks[++fake.head] = "null";
    pthread_mutex_unlock(&fake.mutex);
    add_block("SuccessValue", "hello");
    add_block("SuccessReceiptId", request_log(3));
    struct monitor *m = start();
    recorded(2);
    add_block("SuccessValue", "EVENT_JSON:{\"standard\":\"near-outlayer\",\"version\":\"1.0.0\",\"event\":"
                              "\"execution_requested\",\"data\":[{\"request_data\":\"{\\\"request_id\\\":4}\"}]}");
    add_block("SuccessValue", "EVENT_JSON:{\"standard\":\"near-outlayer\",\"version\":\"1.0.0\",\"event\":"
                              "\"execution_completed\",\"data\":[{\"request_id\":1}]}");
    add_block("SuccessValue", request_log(5));
    recorded(4);
    monitor_stop(m);
    assert_int_equal(id_of(0, &why), 1);
    assert_null(why);
    assert_int_equal(id_of(1, &why), 3);
    assert_int_equal(id_of(2, &why), 4);
    assert_non_null(strstr(why, "code_source"));
    assert_int_equal(id_of(3, &why), 5);
    assert_int_equal(fake.completed_count, 1);
    assert_int_equal(fake.completed[0], 1);
}

// A stop loses and repeats nothing that matters: the next start goes on behind the last block that was taken whole.
static void test_goes_on(void **state) {
    (void)state;
    const char *why;
    size_t before = recorded_now();
    add_block("SuccessValue", request_log(6));
    struct monitor *m = start();
    recorded(before + 1);
    assert_int_equal(id_of(before, &why), 6);
    monitor_stop(m);
}

// A coordinator that is away is waited for, and the place in the chain does not move on meanwhile; a request that it
// will never take is recorded as refused.
static void test_coordinator_away(void **state) {
    (void)state;
    const char *why;
    size_t before = recorded_now();
    set(&fake.refuse_503, 2);
    add_block("SuccessValue", request_log(7));
    struct monitor *m = start();
    recorded(before + 1);
    assert_int_equal(id_of(before, &why), 7);
    assert_null(why);
    set(&fake.refuse_400, 1);
    add_block("SuccessValue", request_log(8));
    recorded(before + 2);
    assert_int_equal(id_of(before + 1, &why), 8);
    assert_non_null(strstr(why, "not now"));
    monitor_stop(m);
}

// A block that a server does not show is missed when the next one names it, and asked for again.
static void test_gap(void **state) {
    (void)state;
    const char *why;
    size_t before = recorded_now();
    struct monitor *m = start();
    pthread_mutex_lock(&fake.mutex);
    fake.hidden = fake.head + 1;
    fake.hide = 2;
    pthread_mutex_unlock(&fake.mutex);
    add_block("SuccessValue", request_log(9));
    add_block("SuccessValue", request_log(10));
    recorded(before + 2);
    monitor_stop(m);
    assert_int_equal(id_of(before, &why), 9);
    assert_int_equal(id_of(before + 1, &why), 10);
}

// A proxy's page is no word of the coordinator's.
static void test_proxy(void **state) {
    (void)state;
    const char *why;
    size_t before = recorded_now();
    set(&fake.refuse_html, 2);
    add_block("SuccessValue", request_log(11));
    struct monitor *m = start();
    recorded(before + 1);
    monitor_stop(m);
    assert_int_equal(id_of(before, &why), 11);
    assert_null(why);
}

// Whoever changes START_BLOCK_HEIGHT wants the scan to begin there; who leaves it as it is does not.
static void test_set_back(void **state) {
    (void)state;
    size_t before = recorded_now();
    unsigned posted = posts();
    add_block("SuccessValue", request_log(12));
    struct monitor *m = start();
    recorded(before + 1);
    monitor_stop(m);
    assert_true(posts() <= posted + 2); // a stop may have come before the answer
    posted = posts();
    add_block("SuccessValue", request_log(13));
    m = start_at(2);
    recorded(before + 3); // request 8, too, which was refused once
    monitor_stop(m);
    assert_true(posts() >= posted + 5); // the earlier requests again
    posted = posts();
    add_block("SuccessValue", request_log(14));
    m = start_at(2);
    recorded(before + 4);
    monitor_stop(m);
    assert_true(posts() <= posted + 2);
}

// What was missed is read again, when somebody notices.
static void test_go_back(void **state) {
    (void)state;
    size_t before = recorded_now();
    add_block("SuccessValue", request_log(15));
    struct monitor *m = start_at(2);
    recorded(before + 1);
    unsigned posted = posts();
    monitor_go_back(m, 5 * 10); // block 5 holds request 3
    add_block("SuccessValue", request_log(16));
    recorded(before + 2);
    posted_at_least(posted + 10); // block 19 may have been looked at before it went back
    monitor_stop(m);
}

// If this fails, a worker that was away for long waits for ever for a block that nobody has, and nobody knows why.
static void test_too_old(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct err e;
    struct slice said;
    const char *path = arena_printf(a, "%s/said", work);
    size_t before = recorded_now(); // nothing runs yet
    keep_from(1000);
    fflush(stderr);
    int kept = dup(STDERR_FILENO), to = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(kept >= 0 && to >= 0 && dup2(to, STDERR_FILENO) >= 0);
    struct monitor *m = start_at(3);
    unsigned asked = reads();
    while (reads() < asked + 4)
        sched_yield();
    monitor_stop(m);
    fflush(stderr);
    assert_true(dup2(kept, STDERR_FILENO) >= 0);
    close(kept), close(to);
    assert_ok(file_read(a, path, 1 << 16, &said, &e), &e);
    const char *text = arena_text(a, said), *first = strstr(text, "stands still at block 3, which is too old");
    assert_non_null(first);
    assert_non_null(strstr(text, "START_BLOCK_HEIGHT to a block that they have"));
    assert_null(strstr(first + 1, "stands still")); // once a minute
    assert_int_equal(recorded_now(), before);
    keep_from(0);
    add_block("SuccessValue", request_log(17));
    m = start_at(fake.head); // as the words say
    recorded(before + 1);
    monitor_stop(m);
}

// A damaged place is said, not guessed.
static void test_damaged_cursor(void **state) {
    (void)state;
    struct err e;
    struct monitor *m;
    const char *path = arena_printf(fake.arena, "%s/damaged", work);
    assert_ok(file_write_atomic(path, SLICE_LIT("x\n"), 0600, &e), &e);
    struct monitor_settings s = {.network = "devnet",
                                 .neardata_url = url,
                                 .contract_id = "c",
                                 .cursor_file = path,
                                 .api_base_url = url,
                                 .completed = completed};
    assert_err(monitor_start(&s, &m, &e), &e, ERR_CORRUPT, "no block height");
}

static int set_up(void **state) {
    (void)state;
    if (!mkdtemp(work))
        return -1;
    fake.arena = arena_new();
    pthread_mutex_init(&fake.mutex, NULL);
    cond_init(&fake.posted);
    fake.server = test_server(routes, ARRAY_LEN(routes), 1);
    url = arena_printf(fake.arena, "http://127.0.0.1:%u", http_server_port(fake.server));
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    http_server_stop(fake.server);
    arena_free(fake.arena);
    return file_remove_tree(work, NULL) ? 0 : -1;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scan),    cmocka_unit_test(test_goes_on), cmocka_unit_test(test_coordinator_away),
        cmocka_unit_test(test_gap),     cmocka_unit_test(test_proxy),   cmocka_unit_test(test_set_back),
        cmocka_unit_test(test_go_back), cmocka_unit_test(test_too_old), cmocka_unit_test(test_damaged_cursor)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
