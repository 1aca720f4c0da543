// SPDX-License-Identifier: Apache-2.0
// What one client may take from a server, tried with raw sockets from several addresses of the loopback.
#include "base/clock.h"
#include "base/test.h"
#include "http/connections.h"
#include "http/doors.h"
#include "http/server.h"
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/socket.h>

#define LARGE (16u << 20)
#define HANG_S 60 // what comes by itself has come long before, however busy the machine is

static struct http_server *server;
static struct http_request *parked;
static uint8_t *large;

static void hello(struct http_request *r, void *ctx) {
    (void)ctx;
    http_reply(r, 200, "text/plain", SLICE_LIT("hello"));
}
static void park(struct http_request *r, void *ctx) {
    (void)ctx;
    __atomic_store_n(&parked, r, __ATOMIC_SEQ_CST);
}
static void send_large(struct http_request *r, void *ctx) {
    (void)ctx;
    http_reply(r, 200, "application/octet-stream", slice_of(large, LARGE));
}
static const struct http_route routes[] = {
    {HTTP_GET, "/hello", hello, 0, NULL, 0},
    {HTTP_POST, "/hello", hello, 1000, NULL, 0},
    {HTTP_GET, "/park", park, 0, NULL, 0},
    {HTTP_GET, "/large", send_large, 0, NULL, 0},
};

static void start(const struct http_limits *limits) {
    struct err e = {0};
    const struct http_server_config c = {
        .host = "127.0.0.1", .routes = routes, .route_count = ARRAY_LEN(routes), .limits = *limits};
    parked = NULL;
    assert_ok(http_server_start(&server, &c, &e), &e);
}

// Connects from 127.0.0.`from` and sends the text.
static int client(unsigned from, const char *text) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    struct sockaddr_in me = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000000 | from)};
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(http_server_port(server)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval patience = {.tv_sec = HANG_S}; // a server that does nothing fails the test, not hangs it
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    assert_int_equal(bind(fd, (struct sockaddr *)&me, sizeof me), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    (void)!send(fd, text, strlen(text), MSG_NOSIGNAL);
    return fd;
}

static struct http_request *take_parked(void) {
    struct http_request *r;
    while (!(r = __atomic_exchange_n(&parked, NULL, __ATOMIC_SEQ_CST)))
        sched_yield();
    return r;
}

// Whether the next answer is of this status.
static bool answers(int fd, const char *status) {
    char text[1024] = "";
    ssize_t n = recv(fd, text, sizeof text - 1, 0);
    return n > 12 && memcmp(text + 9, status, 3) == 0;
}

static bool asked(unsigned from) {
    int fd = client(from, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    bool ok = answers(fd, "200");
    close(fd);
    return ok;
}

static bool is_closed(int fd, int wait_ms) {
    struct pollfd p = {fd, POLLIN, 0};
    char c;
    return poll(&p, 1, wait_ms) > 0 && recv(fd, &c, 1, MSG_DONTWAIT) <= 0;
}

static size_t count_closed(const int *fds, size_t count) {
    size_t closed = 0;
    for (size_t i = 0; i < count; i++)
        closed += is_closed(fds[i], 0);
    return closed;
}

// Waits until so many are closed by the server, and closes the others. Gives how many there were.
static size_t close_all(const int *fds, size_t count, size_t wanted) {
    size_t closed;
    uint64_t end = clock_mono_ms() + HANG_S * 1000;
    while ((closed = count_closed(fds, count)) < wanted && clock_mono_ms() < end)
        poll(NULL, 0, 5);
    for (size_t i = 0; i < count; i++)
        close(fds[i]);
    return closed;
}

static struct connections_counts counts(void) {
    struct connections_counts n;
    http_server_count(server, &n);
    return n;
}

// Somebody who opens connections without end leaves nobody else a place, or is not let in again once he has closed his.
static void one_address_has_its_share(void **state) {
    (void)state;
    int fds[50];
    start(&(struct http_limits){.connections_per_address = 8});
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        fds[i] = client(2, "G");
    assert_false(asked(2));
    assert_true(asked(3));
    assert_int_equal(close_all(fds, ARRAY_LEN(fds), ARRAY_LEN(fds) - 8), ARRAY_LEN(fds) - 8);
    assert_int_equal(counts().refused_address, ARRAY_LEN(fds) - 8 + 1); // each before it is closed, by several threads
    assert_int_equal(counts().refused_all, 0);
    while (!asked(2)) // the server sees their ends a moment later
        sched_yield();
    http_server_stop(server);
}

// All that come through a proxy of this deployment share the place of one.
static void proxies_speak_for_many(void **state) {
    (void)state;
    struct client_rules proxies;
    struct err e = {0};
    int fds[50];
    assert_ok(client_rules_parse(&proxies, "127.0.0.2", &e), &e);
    start(&(struct http_limits){.connections_per_address = 8, .proxies = &proxies});
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        fds[i] = client(2, "G");
    assert_true(asked(2));
    assert_int_equal(close_all(fds, ARRAY_LEN(fds), 0), 0);
    http_server_stop(server);
}

// Many addresses take all places, and nobody gets an answer until their deadlines are over; or those who wait for an
// answer lose it.
static void the_oldest_idle_one_makes_room(void **state) {
    (void)state;
    int fds[300];
    start(&(struct http_limits){.connections = 64});
    int waits = client(2, "GET /park HTTP/1.1\r\nHost: x\r\n\r\n");
    struct http_request *r = take_parked();
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        fds[i] = client(3 + (unsigned)i % 100, "G");
    uint64_t end = clock_mono_ms() + HANG_S * 1000;
    while (!asked(200)) // 64 are being closed at a time, then the next ones are refused
        assert_true(clock_mono_ms() < end);
    http_reply(r, 200, "text/plain", SLICE_LIT("late"));
    assert_true(answers(waits, "200"));
    close(waits);
    assert_true(close_all(fds, ARRAY_LEN(fds), ARRAY_LEN(fds) - 64) >= ARRAY_LEN(fds) - 64);
    struct connections_counts n = counts();
    assert_true(n.cut_room >= 1 && n.cut_room + n.refused_all >= ARRAY_LEN(fds) - 64 && n.refused_address == 0);
    http_server_stop(server);
}

// Sends a byte each 100 ms, as slow clients that mean no good do. Gives how long the server took that.
static uint64_t trickle(const char *begin) {
    uint64_t from = clock_mono_ms();
    int fd = client(2, begin);
    while (!is_closed(fd, 100) && clock_mono_ms() - from < HANG_S * 1000)
        (void)!send(fd, "x", 1, MSG_NOSIGNAL);
    close(fd);
    return clock_mono_ms() - from;
}

// Trickled bytes hold a connection for ever: each of them begins the library's own timeout anew.
static void heads_and_bodies_have_an_end(void **state) {
    (void)state;
    start(&(struct http_limits){.idle_s = 2, .body_s = 1});
    assert_in_range(trickle("GET /hello HTTP/1.1\r\nX: "), 2000, HANG_S * 1000 - 1);
    assert_in_range(trickle("POST /hello HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n"), 1000, HANG_S * 1000 - 1);
    assert_true(counts().cut_late[CONNECTION_IDLE] == 1 && counts().cut_late[CONNECTION_BODY] == 1);
    http_server_stop(server);
}

// Whoever takes an answer byte by byte keeps it in memory for ever.
static void answers_have_an_end(void **state) {
    (void)state;
    char piece[4096];
    size_t got = 0;
    ssize_t n;
    large = xcalloc(1, LARGE);
    start(&(struct http_limits){.answer_s = 1});
    int fd = client(2, "GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
    uint64_t from = clock_mono_ms();
    while (clock_mono_ms() - from < HANG_S * 1000 && !counts().cut_late[CONNECTION_ANSWER] &&
           (n = recv(fd, piece, 100, 0)) > 0) {
        got += (size_t)n;
        poll(NULL, 0, 50);
    }
    while ((n = recv(fd, piece, sizeof piece, 0)) > 0)
        got += (size_t)n;
    assert_true(got > 0 && got < LARGE);
    assert_int_equal(counts().cut_late[CONNECTION_ANSWER], 1);
    close(fd);
    http_server_stop(server);
    free(large);
}

// A long poll is taken for a client that is too slow.
static void work_has_no_deadline(void **state) {
    (void)state;
    start(&(struct http_limits){.idle_s = 1, .body_s = 1, .answer_s = 1});
    int fd = client(2, "GET /park HTTP/1.1\r\nHost: x\r\n\r\n");
    struct http_request *r = take_parked();
    assert_false(is_closed(fd, 3500));
    http_reply(r, 200, "text/plain", SLICE_LIT("late"));
    assert_true(answers(fd, "200"));
    assert_true(is_closed(fd, HANG_S * 1000)); // and then it is idle
    close(fd);
    http_server_stop(server);
}

// The server dies in the middle of the night, when its connections first are as many as its settings allow.
static void files_are_counted_at_the_start(void **state) {
    (void)state;
    struct err e = {0};
    struct rlimit before, low;
    struct http_server *second;
    struct http_server_config c = {.host = "127.0.0.1", .routes = routes, .route_count = ARRAY_LEN(routes)};
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    c.limits.connections = before.rlim_max;
    assert_err(http_server_start(&second, &c, &e), &e, ERR_SETTINGS, "connections (HTTP_CONNECTIONS_MAX) need");
    low = (struct rlimit){300, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    start(&(struct http_limits){.connections = 1000});
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &low), 0);
    assert_true(low.rlim_cur > 1000);
    http_server_stop(server);
    setrlimit(RLIMIT_NOFILE, &before);
}

// An operator sees that people are turned away, but not why, and raises the wrong setting.
static void figures_say_why(void **state) {
    (void)state;
    SCOPED_BUF(out, 4096);
    start(&(struct http_limits){.connections_per_address = 1});
    int held = client(2, "G");
    while (!counts().open) // one thread may take it, and be slower than the one that takes the next
        sched_yield();
    assert_false(asked(2));
    http_doors_figures(&out, (const struct http_door[]){{"public", server}, {"workers", NULL}}, 2);
    static const char *const lines[] = {
        "# TYPE outlayer_http_connections gauge\noutlayer_http_connections{listener=\"public\"} 1\n",
        "\noutlayer_http_connections_refused_total{listener=\"public\",reason=\"address\"} 1\n",
        "\noutlayer_http_connections_refused_total{listener=\"public\",reason=\"all\"} 0\n",
        "\noutlayer_http_connections_cut_total{listener=\"public\",reason=\"head\"} 0\n"};
    for (size_t i = 0; i < ARRAY_LEN(lines); i++)
        if (!strstr(buf_str(&out), lines[i]))
            fail_msg("'%s' is not in: %s", lines[i], buf_str(&out));
    assert_null(strstr(buf_str(&out), "workers"));
    close(held);
    http_server_stop(server);
}

// A handler whose commit stalls answers after the server has gone, into freed memory.
static void late_answers_are_dropped(void **state) {
    (void)state;
    start(&(struct http_limits){0});
    int fd = client(2, "GET /park HTTP/1.1\r\nHost: x\r\n\r\n");
    struct http_request *r = take_parked();
    http_server_stop(server);
    assert_true(http_hung_up(r));
    http_add_header(r, "X-Late", "yes");
    http_reply(r, 200, "text/plain", SLICE_LIT("late"));
    close(fd);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(one_address_has_its_share),
    cmocka_unit_test(proxies_speak_for_many),
    cmocka_unit_test(the_oldest_idle_one_makes_room),
    cmocka_unit_test(heads_and_bodies_have_an_end),
    cmocka_unit_test(answers_have_an_end),
    cmocka_unit_test(work_has_no_deadline),
    cmocka_unit_test(figures_say_why),
    cmocka_unit_test(files_are_counted_at_the_start),
    cmocka_unit_test(late_answers_are_dropped),
};
int main(void) { return cmocka_run_group_tests(tests, NULL, NULL); }
