// SPDX-License-Identifier: Apache-2.0
#include "base/test.h"

#include "codec/hex.h"
#include "coordinator/truth.h"
#include "http/test_server.h"
#include <pthread.h>
#include <stdatomic.h>

#define ZEROS "[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]"
#define HEAD 50

// A chain with the request 5, which answers when it is let.
static struct fake {
    pthread_mutex_t mutex; // for all below
    pthread_cond_t changed;
    bool shut, down;
    unsigned asked, done;
} f = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
static char url[64];

static uint64_t id_of(const json_t *params, struct arena *a) {
    struct slice args = {NULL, 0};
    struct err e;
    uint64_t id = 0;
    assert_ok(base64_decode(&args, a, slice_str(json_string_value(json_object_get(params, "args_base64"))), &e), &e);
    SCOPED_JSON(j) = json_parse(args, 999, NULL);
    assert_ok(json_get_u64(j, "request_id", &id, &e), &e);
    return id;
}

static json_t *view(struct arena *a, uint64_t id) {
    const char *text = "null";
    if (id == 5 || id == 7)
        text = "{\"request_id\":5,\"data_id\":" ZEROS ",\"sender_id\":\"s.near\",\"code_source\":{\"repo\":\"r\","
               "\"commit\":\"c\"},\"resource_limits\":{\"max_instructions\":1,\"max_memory_mb\":1,"
               "\"max_execution_seconds\":1},\"payment\":1,\"timestamp\":9,\"build_seconds\":10}";
    else if (id == 6)
        text = arena_strdup(a, "{\"request_id\":77}");
    if (id == 7) { // the same, and long
        char *much = arena_alloc(a, 100001);
        memset(much, 'm', 100000);
        much[100000] = 0;
        text = arena_printf(a, "{\"request_id\":7,\"much\":\"%s\",%s", much, strchr(text, ',') + 1);
    }
    json_t *list = json_array();
    for (; *text; text++)
        json_array_append_new(list, json_integer(*text));
    return json_pack("{s:o,s:I}", "result", list, "block_height", (json_int_t)HEAD);
}

static void serve(struct http_request *r, void *ctx) {
    (void)ctx;
    SCOPED_JSON(call) = json_parse(http_body(r), 1 << 20, NULL);
    pthread_mutex_lock(&f.mutex);
    f.asked++;
    pthread_cond_broadcast(&f.changed);
    while (f.shut)
        pthread_cond_wait(&f.changed, &f.mutex);
    bool down = f.down;
    pthread_mutex_unlock(&f.mutex);
    if (down)
        http_reply_json(r, 503, json_object());
    else
        http_reply_json(r, 200,
                        json_pack("{s:s,s:s,s:o}", "jsonrpc", "2.0", "id", "outlayer", "result",
                                  view(http_arena(r), id_of(json_object_get(call, "params"), http_arena(r)))));
}
static const struct http_route routes[] = {{.method = HTTP_POST, .path = "/", .handler = serve, .max_body = 1 << 20}};

static void done(void *ctx) {
    (void)ctx;
    pthread_mutex_lock(&f.mutex);
    f.done++;
    pthread_cond_broadcast(&f.changed);
    pthread_mutex_unlock(&f.mutex);
}

static void set(bool shut, bool down) {
    pthread_mutex_lock(&f.mutex);
    f.shut = shut;
    f.down = down;
    f.asked = f.done = 0;
    pthread_cond_broadcast(&f.changed);
    pthread_mutex_unlock(&f.mutex);
}

static void await(const unsigned *what, unsigned count) {
    pthread_mutex_lock(&f.mutex);
    while (*what < count)
        pthread_cond_wait(&f.changed, &f.mutex);
    pthread_mutex_unlock(&f.mutex);
}

static unsigned now(const unsigned *what) {
    pthread_mutex_lock(&f.mutex);
    unsigned n = *what;
    pthread_mutex_unlock(&f.mutex);
    return n;
}

static struct truth *start(struct http_server **s) {
    struct truth *t;
    struct err e;
    *s = test_server(routes, 1, TRUTH_AT_WORK + 1);
    snprintf(url, sizeof url, "http://127.0.0.1:%u", http_server_port(*s));
    set(false, false);
    assert_ok(truth_new(&t, url, &e), &e);
    return t;
}

static struct truth_call call_of(struct arena *a, uint64_t id, const char *asker) {
    return (struct truth_call){
        .done = done, .arena = a, .contract_id = "outlayer.near", .request_id = id, .asker = asker};
}

static void test_what_the_chain_says(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct http_server *s;
    struct truth *t = start(&s);
    struct truth_call open = call_of(a, 5, "x"), none = call_of(a, 4, "x"), other = call_of(a, 6, "x");
    truth_ask(t, &open);
    truth_ask(t, &none);
    await(&f.done, 2);
    assert_int_equal(open.said, TRUTH_OPEN);
    assert_string_equal(open.request.sender_id, "s.near");
    assert_int_equal(none.said, TRUTH_NONE);
    truth_ask(t, &other); // of another request
    await(&f.done, 3);
    assert_true(other.said != TRUTH_NONE && (other.said == TRUTH_UNKNOWN || other.request.unreadable));
    truth_free(t);
    http_server_stop(s);
}

static void test_one_question_for_many(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct http_server *s;
    struct truth *t = start(&s);
    struct truth_call calls[TRUTH_OF_ONE + 2];
    set(true, false);
    for (size_t i = 0; i < TRUTH_OF_ONE + 2; i++) {
        calls[i] = call_of(a, 5, "one");
        truth_ask(t, &calls[i]);
        await(&f.asked, 1); // the first is at work
    }
    assert_int_equal(now(&f.done), 1); // one more than may wait
    assert_int_equal(calls[TRUTH_OF_ONE + 1].said, TRUTH_UNKNOWN);
    struct truth_call later = call_of(a, 4, "one"), another = call_of(a, 4, "another");
    truth_ask(t, &later);
    assert_int_equal(now(&f.done), 2);
    truth_ask(t, &another); // whom the other thread serves
    await(&f.asked, 2);
    set(false, false);
    await(&f.done, TRUTH_OF_ONE + 2);
    for (size_t i = 0; i <= TRUTH_OF_ONE; i++)
        assert_int_equal(calls[i].said, TRUTH_OPEN);
    assert_int_equal(now(&f.asked), 0); // beside the two
    truth_free(t);
    http_server_stop(s);
}

static void test_kept_for_a_moment(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct http_server *s;
    struct truth *t = start(&s);
    struct truth_call first = call_of(a, 5, "x"), again = call_of(a, 5, "x"), none = call_of(a, 4, "x"),
                      later = call_of(a, 4, "x");
    truth_ask(t, &first);
    await(&f.done, 1);
    truth_ask(t, &again);
    assert_int_equal(now(&f.done), 2);
    assert_int_equal(again.said, TRUTH_OPEN);
    truth_ask(t, &none);
    await(&f.done, 3);
    later.at_least = HEAD; // what was not there then may be there now
    truth_ask(t, &later);
    await(&f.done, 4);
    assert_int_equal(later.said, TRUTH_NONE);
    assert_int_equal(now(&f.asked), 3);
    truth_free(t);
    http_server_stop(s);
}

static void test_a_long_answer_is_not_kept(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct http_server *s;
    struct truth *t = start(&s);
    struct truth_call calls[] = {call_of(a, 7, "x"), call_of(a, 7, "x")};
    for (unsigned i = 0; i < 2; i++) {
        truth_ask(t, &calls[i]);
        await(&f.done, i + 1);
        assert_int_equal(calls[i].said, TRUTH_OPEN);
        assert_string_equal(calls[i].request.sender_id, "s.near");
    }
    assert_int_equal(now(&f.asked), 2);
    truth_free(t);
    http_server_stop(s);
}

static void test_a_chain_that_cannot_be_asked(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct http_server *s;
    struct truth *t = start(&s), *blind;
    struct err e;
    struct truth_call c = call_of(a, 5, "x"), parked = call_of(a, 4, "x"), last = call_of(a, 3, "x"),
                      late = call_of(a, 2, "x");
    set(false, true);
    truth_ask(t, &c);
    await(&f.done, 1);
    assert_int_equal(c.said, TRUTH_UNKNOWN);
    set(false, false);
    truth_ask(t, &c); // trouble is not kept
    await(&f.done, 1);
    assert_int_equal(c.said, TRUTH_OPEN);
    set(true, false);
    truth_ask(t, &parked);
    await(&f.asked, 1);
    truth_ask(t, &last);
    pthread_mutex_lock(&f.mutex);
    f.shut = false;
    pthread_cond_broadcast(&f.changed);
    pthread_mutex_unlock(&f.mutex);
    truth_stop(t); // nobody waits for ever
    await(&f.done, 2);
    truth_ask(t, &late); // of which no answer is kept: one of the last's may have come before the stop
    assert_int_equal(late.said, TRUTH_UNKNOWN);
    truth_free(t);
    assert_ok(truth_new(&blind, NULL, &e), &e);
    assert_false(truth_can_ask(blind));
    truth_ask(blind, &last);
    assert_string_equal(last.why.msg, "the coordinator cannot ask the chain");
    truth_free(blind);
    http_server_stop(s);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_what_the_chain_says), cmocka_unit_test(test_one_question_for_many),
    cmocka_unit_test(test_kept_for_a_moment), cmocka_unit_test(test_a_long_answer_is_not_kept),
    cmocka_unit_test(test_a_chain_that_cannot_be_asked)};
RUN_TESTS(tests)
