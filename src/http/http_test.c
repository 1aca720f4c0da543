// SPDX-License-Identifier: Apache-2.0
// Server and client against each other, and the server against raw sockets that do not behave.
#include "base/clock.h"
#include "base/test.h"

#include "base/buf.h"
#include "base/log.h"
#include "http/client.h"
#include "http/server.h"
#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

static struct http_server *server;
static struct http_client *client;
static struct http_request *parked;
static unsigned pieces, drops;

static void hello(struct http_request *r, void *ctx) {
    (void)ctx;
    http_reply(r, 200, "text/plain", SLICE_LIT("hello"));
}
static void echo(struct http_request *r, void *ctx) {
    (void)ctx;
    http_reply(r, 200, "application/octet-stream", http_body(r));
}
static void show(struct http_request *r, void *ctx) {
    (void)ctx;
    const char *q = http_query(r, "q"), *bearer = http_bearer(r);
    http_reply_json(
        r, 200,
        json_pack("{s:s,s:s,s:s}", "id", http_param(r, "id"), "q", q ? q : "-", "bearer", bearer ? bearer : "-"));
}
static void park(struct http_request *r, void *ctx) {
    (void)ctx;
    __atomic_store_n(&parked, r, __ATOMIC_SEQ_CST);
}
static bool piece(struct http_request *r, void *ctx, void **state, struct slice p, struct err *e) {
    (void)r, (void)ctx;
    if (!*state)
        *state = xcalloc(1, sizeof(size_t));
    *(size_t *)*state += p.len;
    pieces++;
    return !memchr(p.ptr, '!', p.len) || err_set(e, ERR_CONFLICT, "no '!' here");
}
static void drop(void *ctx, void *state) {
    (void)ctx;
    drops++;
    free(state);
}
static void upload(struct http_request *r, void *ctx) {
    (void)ctx;
    size_t *n = http_stream_state(r);
    http_reply_json(r, 201, json_integer(n ? (json_int_t)*n : 0));
}
// Says a time of its own, or none.
static void later(struct http_request *r, void *ctx) {
    struct err e;
    (void)ctx;
    err_set(&e, ERR_UNAVAILABLE, "not now");
    if (http_query(r, "own"))
        http_add_header(r, "retry-after", "7");
    http_reply_err(r, &e);
}
static void trace(struct http_request *r, void *ctx) {
    (void)ctx;
    const char *id = log_trace();
    http_reply(r, 200, "text/plain", slice_str(id && strcmp(id, http_id(r)) == 0 ? id : "the log has another id"));
}
static const struct http_stream stream = {piece, drop};

static const struct http_route routes[] = {
    {HTTP_GET, "/hello", hello, 0, NULL, 0},    {HTTP_POST, "/echo", echo, 1000, NULL, 0},
    {HTTP_GET, "/show/{id}", show, 0, NULL, 0}, {HTTP_DELETE, "/tree/{id*}", show, 0, NULL, 0},
    {HTTP_GET, "/trace", trace, 0, NULL, 0},    {HTTP_GET, "/later", later, 0, NULL, 0},
    {HTTP_GET, "/park", park, 0, NULL, 0},      {HTTP_POST, "/upload", upload, 8u << 20, &stream, 0},
};

static int start(void **state) {
    (void)state;
    struct err e;
    struct http_server_config c = {.host = "127.0.0.1",
                                   .routes = routes,
                                   .route_count = ARRAY_LEN(routes),
                                   .cors_origins = "http://a.example,http://b.example"};
    assert_ok(http_server_start(&server, &c, &e), &e);
    client = http_client_new();
    return 0;
}
static int stop(void **state) {
    (void)state;
    http_client_free(client);
    http_server_stop(server);
    return 0;
}

static struct http_answer call(struct arena *a, const char *method, const char *path, struct slice body) {
    struct http_call c = {.method = method,
                          .body = body,
                          .bearer = "tok",
                          .url = arena_printf(a, "http://127.0.0.1:%u%s", http_server_port(server), path)};
    struct http_answer answer;
    struct err e;
    assert_ok(http_call(client, a, &c, &answer, &e), &e);
    return answer;
}

// What a raw client gets for these bytes, up to the first 4 KB.
static const char *raw(struct arena *a, const char *request) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct timeval patience = {.tv_sec = 60}; // a server that neither answers nor closes fails the test, not hangs it
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(http_server_port(server)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    assert_true(send(fd, request, strlen(request), MSG_NOSIGNAL) > 0);
    SCOPED_BUF(b, 4096);
    char piece_[512];
    ssize_t n;
    while ((n = recv(fd, piece_, sizeof piece_, 0)) > 0 && buf_add(&b, piece_, (size_t)n))
        ;
    close(fd);
    return arena_text(a, buf_slice(&b));
}

// A browser that guesses makes a page of what a stranger uploaded, or a script of it.
static void types_are_not_guessed(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    assert_non_null(strstr(raw(a, "GET /later HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
                           "X-Content-Type-Options: nosniff"));
    assert_non_null(strstr(raw(a, "GET /none HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
                           "X-Content-Type-Options: nosniff"));
}

// Whoever is told to come again comes at once, and with him everybody whom the same trouble met; or he is told twice.
static void later_has_a_time(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    const char *plain = raw(a, "GET /later HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
               *own = raw(a, "GET /later?own=1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert_non_null(strstr(plain, "HTTP/1.1 503"));
    assert_non_null(strstr(plain, "\r\nRetry-After: 1\r\n"));
    assert_non_null(strstr(own, "\r\nretry-after: 7\r\n"));
    assert_null(strstr(own, "Retry-After: 1"));
}

// A path reaches the wrong handler, or its parts are decoded wrongly.
static void routing(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct slice none = {NULL, 0};
    assert_slice(call(a, "GET", "/hello", none).body, "hello");
    assert_slice(call(a, "GET", "/show/a%2Fb?q=x%20%26y", none).body,
                 "{\"id\":\"a/b\",\"q\":\"x &y\",\"bearer\":\"tok\"}");
    assert_slice(call(a, "DELETE", "/tree/https:%2F%2Fx/y/z", none).body,
                 "{\"id\":\"https://x/y/z\",\"q\":\"-\",\"bearer\":\"tok\"}");
    struct http_answer r = call(a, "GET", "/nothing", none);
    assert_int_equal(r.status, 404);
    assert_non_null(strstr((const char *)r.body.ptr, "{\"error\":{\"code\":\"not_found\""));
    assert_int_equal(call(a, "POST", "/hello", none).status, 405);
    assert_int_equal(call(a, "GET", "/show/", none).status, 404);
    assert_int_equal(call(a, "GET", "/show/%zz", none).status, 400);
    assert_int_equal(call(a, "GET", "/show/%00", none).status, 400);
    assert_int_equal(call(a, "GET", "/show/a/b", none).status, 404);
    assert_int_equal(call(a, "HEAD", "/hello", none).status, 200);
}

static const char *traced(struct arena *a, const char *id, const char **echoed) {
    struct http_wanted wanted = {"X-Request-Id", NULL};
    struct http_call c = {.method = "GET",
                          .url = arena_printf(a, "http://127.0.0.1:%u/trace", http_server_port(server)),
                          .request_id = id,
                          .wanted = &wanted,
                          .wanted_count = 1};
    struct http_answer answer;
    struct err e;
    assert_ok(http_call(client, a, &c, &answer, &e), &e);
    *echoed = wanted.value;
    return (const char *)answer.body.ptr;
}

// One request cannot be followed through the logs of two daemons, or a visitor writes what he likes into ours.
static void each_request_has_one_id(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    const char *echoed, *first, *again, *longest = arena_printf(a, "%0*d", LOG_ID_MAX - 1, 7);
    assert_string_equal(traced(a, "outlayer.near/17", &echoed), "outlayer.near/17");
    assert_string_equal(echoed, "outlayer.near/17");
    assert_string_equal(traced(a, longest, &echoed), longest);
    first = traced(a, NULL, &echoed);
    assert_string_equal(echoed, first);
    assert_true(log_is_id(first));
    again = traced(a, arena_printf(a, "%s0", longest), &echoed);
    assert_string_equal(echoed, again);
    assert_string_not_equal(again, first);
    assert_int_equal(strlen(again), strlen(first));
    assert_null(strchr(traced(a, "two words", &echoed), ' '));
    assert_null(log_trace()); // this thread answers nobody
    const char *refused = raw(a, "GET /nothing HTTP/1.1\r\nHost: x\r\nX-Request-Id: a-1\r\nConnection: close\r\n\r\n");
    assert_non_null(strstr(refused, "X-Request-Id: a-1\r\n"));
}

// A large body is taken, cuts the connection without an answer, or a body that fits is refused.
static void body_limits(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    uint8_t *big = arena_alloc(a, 3u << 20);
    memset(big, 'x', 3u << 20);
    assert_int_equal(call(a, "POST", "/echo", slice_of(big, 1000)).body.len, 1000);
    struct http_answer r = call(a, "POST", "/echo", slice_of(big, 1001));
    assert_int_equal(r.status, 413);
    assert_non_null(strstr((const char *)r.body.ptr, "at most 1000 bytes"));
    assert_int_equal(call(a, "POST", "/echo", slice_of(big, 3u << 20)).status, 413);
    const char *chunked = raw(a, "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: "
                                 "close\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
    assert_non_null(strstr(chunked, "abc"));
}

// An upload is buffered whole, a refusal in its middle is lost, or its state leaks.
static void streamed_bodies(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    uint8_t *big = arena_alloc(a, 2u << 20);
    memset(big, 'x', 2u << 20);
    pieces = drops = 0;
    struct http_answer r = call(a, "POST", "/upload", slice_of(big, 2u << 20));
    assert_int_equal(r.status, 201);
    assert_slice(r.body, "2097152");
    assert_true(pieces > 1);
    big[1000000] = '!';
    r = call(a, "POST", "/upload", slice_of(big, 2u << 20));
    assert_int_equal(r.status, 409);
    call(a, "GET", "/hello",
         (struct slice){NULL, 0}); // both uploads are over by now, or their state is dropped with the connection
    assert_true(drops >= 1);
}

static struct http_request *take_parked(void) { return __atomic_exchange_n(&parked, NULL, __ATOMIC_SEQ_CST); }

static void *answer_later(void *arg) {
    (void)arg;
    struct http_request *r;
    while (!(r = take_parked()))
        sched_yield();
    http_reply(r, 200, "text/plain", SLICE_LIT("late"));
    return NULL;
}

// A parked request is never answered, or answering from another thread breaks the connection.
static void parked_replies(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    for (int i = 0; i < 200; i++) {
        pthread_t t;
        pthread_create(&t, NULL, answer_later, NULL);
        assert_slice(call(a, "GET", "/park", (struct slice){NULL, 0}).body, "late");
        pthread_join(t, NULL);
    }
}

// One request can be hidden inside another, or a broken one stops the server.
static void strict_to_clients(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    static const char *const bad[] = {
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        "GET /hello HTTP/1.1\r\nConnection: close\r\n\r\n",
        "GET /hello HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
        "BREW /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        "OPTIONS /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        "rubbish\r\n\r\n",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        const char *answer = raw(a, bad[i]);
        if (answer[0] && (!strstr(answer, " 400 ") || !strstr(answer, "Connection: close")))
            fail_msg("request %zu was answered: %.80s", i, answer);
    }
    assert_slice(call(a, "GET", "/hello", (struct slice){NULL, 0}).body, "hello");
}

static const char *with_header(struct arena *a, size_t bytes) {
    char *filler = arena_alloc(a, bytes + 1);
    memset(filler, 'x', bytes);
    filler[bytes] = 0;
    return arena_printf(a, "GET /hello HTTP/1.1\r\nHost: x\r\nX-Long: %s\r\nConnection: close\r\n\r\n", filler);
}

// A program that reads errors in the one form meets a page of HTML where it sent too long a header, or forgot one.
static void refusals_have_one_form(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    const struct {
        const char *request, *status, *words;
    } cases[] = {
        {"GET /hello HTTP/1.1\r\nConnection: close\r\n\r\n", " 400 ", "the request has no Host"},
        {"GET /hello HTTP/1.1\r\nHost: x\r\nHost: y\r\nConnection: close\r\n\r\n", " 400 ", "two Host headers"},
        {"GET /hel lo HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", " 400 ", "a space in its path"},
        {with_header(a, 40000), " 413 ", "bytes of line and headers"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *answer = raw(a, cases[i].request);
        if (!strstr(answer, cases[i].status) || !strstr(answer, "{\"error\":{") || !strstr(answer, cases[i].words))
            fail_msg("request %zu was answered: %.900s", i, answer);
    }
    assert_non_null(strstr(raw(a, with_header(a, 30000)), " 200 "));
    assert_non_null(
        strstr(raw(a, "GET /show/a?q=b c+d HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), "\"b c d\""));
    assert_non_null(strstr(raw(a, "GET /hello HTTP/1.0\r\n\r\n"), " 200 ")); // which had no Host yet
}

// A browser of an allowed origin is refused, or one of another origin is let in.
static void cors(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    const char *yes =
        raw(a, "OPTIONS /echo HTTP/1.1\r\nHost: x\r\nOrigin: http://b.example\r\nConnection: close\r\n\r\n");
    assert_non_null(strstr(yes, "204"));
    assert_non_null(strstr(yes, "Access-Control-Allow-Origin: http://b.example"));
    const char *no =
        raw(a, "GET /hello HTTP/1.1\r\nHost: x\r\nOrigin: http://b.example.evil\r\nConnection: close\r\n\r\n");
    assert_non_null(strstr(no, "200"));
    assert_null(strstr(no, "Access-Control"));
}

// A call hangs on a dead server, or takes an answer of any size.
static void client_limits(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct err e;
    struct http_answer out;
    const char *url = arena_printf(a, "http://127.0.0.1:%u/hello?apiKey=secret", http_server_port(server));
    struct http_call small = {.method = "GET", .url = url, .max_answer = 4};
    assert_err(http_call(client, a, &small, &out, &e), &e, ERR_TOO_LARGE, "larger than 4 bytes");
    assert_null(strstr(e.msg, "secret"));
    struct http_call slow = {.method = "GET",
                             .timeout_ms = 100,
                             .url = arena_printf(a, "http://127.0.0.1:%u/park", http_server_port(server))};
    struct http_request *r = NULL;
    for (; !r && slow.timeout_ms < 60000; slow.timeout_ms *= 2) { // a busy machine may not have sent it by then
        assert_err(http_call(client, a, &slow, &out, &e), &e, ERR_TIMEOUT, "did not answer in time");
        for (uint64_t end = clock_mono_ms() + slow.timeout_ms; !(r = take_parked()) && clock_mono_ms() < end;)
            sched_yield();
    }
    assert_non_null(r);
    http_reply_empty(r, 204);
    while ((r = take_parked())) // of an earlier try
        http_reply_empty(r, 204);
    struct http_call dead = {.method = "GET", .url = "http://127.0.0.1:1/"};
    assert_err(http_call(client, a, &dead, &out, &e), &e, ERR_UNAVAILABLE, "cannot reach http://127.0.0.1:1/");
    int status;
    json_t *j;
    struct http_call missing = {.method = "GET",
                                .url = arena_printf(a, "http://127.0.0.1:%u/x", http_server_port(server))};
    assert_err(http_call_json(client, a, &missing, NULL, &status, &j, &e), &e, ERR_NOT_FOUND, "no such path");
    assert_int_equal(status, 404);
}

static atomic_bool given_up;
static uint64_t given_up_ms;
static void *give_up(void *arg) {
    struct http_request **r = arg;
    while (!(*r = take_parked()))
        sched_yield();
    poll(NULL, 0, 300); // curl looks by itself once at the beginning, and then once a second
    given_up_ms = clock_mono_ms();
    given_up = true;
    return NULL;
}

// A program that is told to stop stays for as long as curl likes, with each call that it waits for. The quickest of
// many calls counts: the machine may be busy, but not each time.
static void calls_are_given_up(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct err e;
    struct http_answer out;
    struct http_call slow = {.method = "GET",
                             .cancel = &given_up,
                             .url = arena_printf(a, "http://127.0.0.1:%u/park", http_server_port(server))};
    uint64_t quickest = UINT64_MAX;
    for (int i = 0; i < 30 && quickest > 300; i++) {
        struct http_request *r;
        pthread_t t;
        given_up = false;
        pthread_create(&t, NULL, give_up, &r);
        assert_err(http_call(client, a, &slow, &out, &e), &e, ERR_UNAVAILABLE, "given up");
        uint64_t ended_ms = clock_mono_ms();
        pthread_join(t, NULL);
        uint64_t took = ended_ms - given_up_ms;
        quickest = took < quickest ? took : quickest;
        http_reply_empty(r, 204);
    }
    assert_in_range(quickest, 0, 300);
}

// What listens on a path: only its user reaches it, a second server does not push it aside, its file goes with it, and
// what a killed one left is no obstacle.
static void unix_sockets(void **state) {
    (void)state;
    struct err e = {0};
    SCOPED_ARENA(a);
    char folder[] = "/tmp/http-test-XXXXXX";
    assert_non_null(mkdtemp(folder));
    const char *path = arena_printf(a, "%s/s", folder);
    const struct http_server_config c = {.unix_socket = path, .routes = routes, .route_count = ARRAY_LEN(routes)};
    struct http_server *s, *second;
    struct stat st;
    for (int round = 0; round < 2; round++) {
        assert_ok(http_server_start(&s, &c, &e), &e);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
        assert_err(http_server_start(&second, &c, &e), &e, ERR_IO, "cannot listen on");
        struct http_call call = {.method = "GET", .url = "http://localhost/hello", .unix_socket = path};
        struct http_answer answer;
        assert_ok(http_call(client, a, &call, &answer, &e), &e);
        assert_slice(answer.body, "hello");
        http_server_stop(s);
        assert_int_equal(access(path, F_OK), -1);
        // As kill -9 leaves it: bound once, and nobody listens.
        int dead = socket(AF_UNIX, SOCK_STREAM, 0);
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        memcpy(address.sun_path, path, strlen(path) + 1);
        assert_int_equal(bind(dead, (struct sockaddr *)&address, sizeof address), 0);
        close(dead);
    }
    unlink(path);
    rmdir(folder);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(types_are_not_guessed),
    cmocka_unit_test(later_has_a_time),
    cmocka_unit_test(each_request_has_one_id),
    cmocka_unit_test(routing),
    cmocka_unit_test(body_limits),
    cmocka_unit_test(streamed_bodies),
    cmocka_unit_test(parked_replies),
    cmocka_unit_test(cors),
    cmocka_unit_test(client_limits),
    cmocka_unit_test(strict_to_clients),
    cmocka_unit_test(refusals_have_one_form),
    cmocka_unit_test(unix_sockets),
    cmocka_unit_test(calls_are_given_up),
};
int main(void) { return cmocka_run_group_tests(tests, start, stop); }
