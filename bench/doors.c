// SPDX-License-Identifier: Apache-2.0
// What answering costs: our HTTP server beside libmicrohttpd alone, in the same run, and the coordinator's public pages
// behind a million executions, on SQLite or on the empty database of PostgreSQL that TEST_POSTGRES names. Clients are
// in the same process, on kept connections; "per core" divides by what the servers' threads used, so that a busy
// machine changes little.
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "coordinator/coordinator.h"
#include "queue/database.h"
#include <arpa/inet.h>
#include <inttypes.h>
#include <microhttpd.h>
#include <sys/epoll.h>
#include <time.h>

#include "parts.h"

#define CLIENTS 32
#define MEASURE_MS 3000
#define ROUNDS 8 // of both servers in turn, so that what else the machine does is shared
#define ROWS 1000000
#define ROWS_AT_A_TIME 50000
#define PAGE 50

_Noreturn static void give_up(const char *what, const struct err *e) {
    fprintf(stderr, "%s: %s\n", what, e ? e->msg : "it failed");
    exit(1);
}

// --- the client: each connection asks, reads the whole answer, and asks again

struct client {
    int fd;
    size_t have, want; // of the answer; want 0: its head is not whole yet
    char head[4096];
};

static void ask(const struct client *c, const char *request) {
    if (send(c->fd, request, strlen(request), MSG_NOSIGNAL) != (ssize_t)strlen(request))
        give_up("send", NULL);
}

static int connect_to(uint16_t port) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&to, sizeof to) != 0)
        give_up("connect", NULL);
    return fd;
}

// How long the answer is, once its head is there. Anything but 200 ends the measurement.
static void read_head(struct client *c) {
    c->head[c->have < sizeof c->head ? c->have : sizeof c->head - 1] = 0;
    const char *end = strstr(c->head, "\r\n\r\n"), *length = strcasestr(c->head, "Content-Length:");
    if (!end)
        return;
    if (strncmp(c->head + 9, "200", 3) != 0 || !length)
        give_up(c->head, NULL);
    c->want = (size_t)(end + 4 - c->head) + strtoul(length + 15, NULL, 10);
}

// Gives whether a whole answer came.
static bool take(struct client *c) {
    static char rest[1 << 16];
    size_t left = sizeof c->head - 1 - c->have;
    ssize_t n = c->want ? recv(c->fd, rest, sizeof rest, 0) : recv(c->fd, c->head + c->have, left, 0);
    if (n <= 0)
        give_up("the server hung up", NULL);
    c->have += (size_t)n;
    if (!c->want)
        read_head(c);
    if (!c->want || c->have < c->want)
        return false;
    c->have = c->want = 0;
    return true;
}

struct work {
    uint64_t answers, us, used_us;
};

// Each '#' of the path is the number of a row, another one in each request.
static const char *request_for(char out[static 256], const char *path, uint64_t answers) {
    const char *mark = strchr(path, '#');
    uint64_t row = PAGE + answers * 7919 % (ROWS - PAGE);
    if (mark)
        snprintf(out, 256, "GET %.*s%" PRIu64 "%s HTTP/1.1\r\nHost: bench\r\n\r\n", (int)(mark - path), path, row,
                 mark + 1);
    else
        snprintf(out, 256, "GET %s HTTP/1.1\r\nHost: bench\r\n\r\n", path);
    return out;
}

static void measure_for(struct work *w, uint16_t port, const char *path, uint64_t ms) {
    static struct client clients[CLIENTS];
    char request[256];
    struct epoll_event events[CLIENTS];
    int poll_fd = epoll_create1(EPOLL_CLOEXEC);
    uint64_t answers = 0;
    for (unsigned i = 0; i < CLIENTS; i++) {
        clients[i] = (struct client){.fd = connect_to(port)};
        struct epoll_event e = {.events = EPOLLIN, .data.ptr = &clients[i]};
        if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, clients[i].fd, &e) != 0)
            give_up("epoll", NULL);
        ask(&clients[i], request_for(request, path, i));
    }
    uint64_t start = clock_mono_us(), own = clock_us(CLOCK_THREAD_CPUTIME_ID), all = clock_us(CLOCK_PROCESS_CPUTIME_ID);
    while (clock_mono_us() - start < ms * 1000) {
        int n = epoll_wait(poll_fd, events, CLIENTS, 1000);
        for (int i = 0; i < n; i++) {
            if (!take(events[i].data.ptr))
                continue;
            answers++;
            ask(events[i].data.ptr, request_for(request, path, answers + CLIENTS));
        }
    }
    w->answers += answers;
    w->us += clock_mono_us() - start;
    w->used_us += clock_us(CLOCK_PROCESS_CPUTIME_ID) - all - (clock_us(CLOCK_THREAD_CPUTIME_ID) - own);
    for (unsigned i = 0; i < CLIENTS; i++)
        close(clients[i].fd);
    close(poll_fd);
}

// The first answer is not counted: after rows that nobody saw end, it waits until they are added up.
static struct work measure(uint16_t port, const char *path) {
    struct work w = {0};
    char request[256];
    struct client first = {.fd = connect_to(port)};
    ask(&first, request_for(request, path, 0));
    while (!take(&first))
        ;
    close(first.fd);
    measure_for(&w, port, path, MEASURE_MS);
    return w;
}

static double per_core(struct work w) { return (double)w.answers * 1e6 / (double)w.used_us; }

static void print(const char *what, struct work w, const char *aim) {
    printf("%-34s %8.0f /s, %8.0f /s a core   %s\n", what, (double)w.answers * 1e6 / (double)w.us, per_core(w), aim);
}

// --- libmicrohttpd alone, with the options that every server of ours has

static enum MHD_Result alone(void *ctx, struct MHD_Connection *c, const char *url, const char *method,
                             const char *version, const char *data, size_t *size, void **state) {
    static int seen;
    (void)ctx, (void)url, (void)method, (void)version, (void)data, (void)size;
    if (!*state) {
        *state = &seen;
        return MHD_YES;
    }
    struct MHD_Response *r = MHD_create_response_from_buffer(5, (void *)(uintptr_t) "hello", MHD_RESPMEM_MUST_COPY);
    MHD_add_response_header(r, "Content-Type", "text/plain");
    enum MHD_Result ok = MHD_queue_response(c, 200, r);
    MHD_destroy_response(r);
    return ok;
}

static void hello(struct http_request *r, void *ctx) {
    (void)ctx;
    http_reply(r, 200, "text/plain", SLICE_LIT("hello"));
}

static void compare(void) {
    static const struct http_route routes[] = {{HTTP_GET, "/hello", hello, 0, NULL, 0}};
    const struct http_server_config config = {.host = "127.0.0.1", .threads = 1, .routes = routes, .route_count = 1};
    struct http_server *own;
    struct err e;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct MHD_Daemon *plain =
        MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC, 0, NULL, NULL, alone,
                         NULL, MHD_OPTION_SOCK_ADDR, &at, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)32768,
                         MHD_OPTION_CONNECTION_TIMEOUT, 60u, MHD_OPTION_END);
    if (!plain || !http_server_start(&own, &config, &e))
        give_up("cannot start", plain ? &e : NULL);
    uint16_t port = MHD_get_daemon_info(plain, MHD_DAEMON_INFO_BIND_PORT)->port;
    struct work library = {0}, ours = {0};
    for (unsigned i = 0; i < ROUNDS; i++) {
        measure_for(&library, port, "/hello", MEASURE_MS / ROUNDS);
        measure_for(&ours, http_server_port(own), "/hello", MEASURE_MS / ROUNDS);
    }
    print("libmicrohttpd alone", library, "");
    print("our server on it", ours, "");
    printf("%-34s %8.2f             (aim: 0.80)\n", "ratio a core", per_core(ours) / per_core(library));
    MHD_stop_daemon(plain);
    http_server_stop(own);
}

// --- public pages behind a million executions

static bool add_rows(struct db *db, struct arena *a, int first, struct err *e) {
    const char *about =
        "{\"transaction_hash\":\"'||i||'\",\"sender_id\":\"alice.near\",\"payer_id\":\"alice.near\",\"payment\":"
        "\"100000000000000000000000\",\"repo\":\"https://example.com/owner/name\",\"ref\":\"main\","
        "\"build_target\":\"wasm32-wasip1\"}";
    const char *sql = arena_printf(
        a,
        "INSERT INTO executions (contract_id, request_id, transaction_hash, created_ms, ended_ms, state, outcome, "
        "worker_id, instructions, about, report, task) WITH RECURSIVE n(i) AS (SELECT %d UNION ALL SELECT i + 1 FROM n "
        "WHERE i < %d) SELECT 'outlayer.near', i, 'tx' || i, i, i + 1, 'settled', 'success', 'w1', 1000, '%s', "
        "'{\"instructions\":1000,\"time_ms\":12,\"resolve_tx_id\":\"t\",\"charged\":\"1\"}', '{}' FROM n",
        first, first + ROWS_AT_A_TIME - 1, about);
    return db_exec(db, sql, e);
}

static void fill(const char *home, const char *url) {
    struct db *db;
    struct err e;
    SCOPED_ARENA(a);
    if (!database_open(&db, home, url, &e))
        give_up("database", &e);
    for (int first = 1; first <= ROWS; first += ROWS_AT_A_TIME) {
        arena_reset(a);
        if (!add_rows(db, a, first, &e))
            give_up("rows", &e);
    }
    if (!db_exec(db, "ANALYZE", &e))
        give_up("statistics", &e);
    db_close(db);
}

static void pages(void) {
    char home[] = "/tmp/outlayer-bench-XXXXXX";
    struct coordinator *c;
    struct http_server *server;
    struct err e;
    if (!mkdtemp(home))
        give_up("mkdtemp", NULL);
    const struct coordinator_config config = {.home = home,
                                              .database_url = getenv("TEST_POSTGRES"),
                                              .require_auth = true,
                                              .wasm_max_bytes = 1 << 20,
                                              .serve_ms = 600000};
    fill(home, config.database_url);
    uint64_t start = clock_mono_ms();
    if (!coordinator_open(&c, &config, &e) ||
        !coordinator_serve(&server, c, &(struct coordinator_door){.host = "127.0.0.1"}, &e))
        give_up("cannot start", &e);
    printf("behind %d executions; started in %" PRIu64 " ms:\n", ROWS, clock_mono_ms() - start);
    uint16_t port = http_server_port(server);
    print("/public/stats", measure(port, "/public/stats"), "(aim: 20,000 /s; was 21.6 /s at 47,000 rows)");
    print("/public/jobs", measure(port, "/public/jobs"), "(aim: 5,000 /s)");
    print("its pages anywhere, by `before`", measure(port, "/public/jobs?limit=50&before=#"), "(none is kept)");
    print("its page 1,000, by `offset`", measure(port, "/public/jobs?limit=50&offset=49950"), "");
    print("/public/jobs?request_id=#", measure(port, "/public/jobs?request_id=#"), "(none is kept)");
    print("/health", measure(port, "/health"), "");
    coordinator_stop(c);
    http_server_stop(server);
    coordinator_free(c);
    if (!file_remove_tree(home, &e))
        give_up(home, &e);
}

int main(void) {
    struct err e;
    if (!log_init("bench", "error", NULL, &e))
        give_up("log", &e);
    setlinebuf(stdout);
    compare();
    pages();
    return 0;
}
