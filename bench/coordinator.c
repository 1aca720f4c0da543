// SPDX-License-Identifier: Apache-2.0
// The coordinator over loopback HTTP, its clients in the same process and on the same cores: create -> poll ->
// heartbeat -> complete, every create and complete committed to disk before its answer, all by one token or each client
// by its own; how fast a parked poll wakes, and a page that waits for what changes; public pages behind 10,000
// executions. Beside it what the Rust reference (axum, PostgreSQL, Redis) did on two cores. Over SQLite, or over the
// empty database of PostgreSQL that TEST_POSTGRES names; its server has the same cores, too. With TEST_REDIS also how
// fast a poll wakes that is parked at a second coordinator.
#include "coordinator/coordinator.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "coordinator/tokens.h"
#include "http/client.h"

#include "parts.h"
#include <inttypes.h>

#define CYCLES 3000
#define ROWS 10000
#define WAKES 200
#define TOLD 12 // half a second each: so far apart are what pages are told
#define CLIENTS_MAX 32
#define BODY_MAX 2048
#define CONTRACT "outlayer.bench.near"

struct bench {
    const char *url, *token[CLIENTS_MAX];
    struct http_client *http;
    _Atomic uint64_t next_id;
};

struct client {
    struct bench *b;
    const char *token;
    pthread_t thread;
    unsigned cycles;
    uint64_t *us;     // of each
    uint64_t used_us; // by its thread
};

_Noreturn static void give_up(const char *what, const struct err *e) {
    fprintf(stderr, "%s: %s\n", what, e->msg);
    exit(1);
}

static json_t *call(struct bench *b, const char *token, struct arena *a, const char *method, const char *path,
                    const char *body) {
    struct http_call c = {
        .method = method, .url = arena_printf(a, "%s%s", b->url, path), .bearer = token, .body = slice_str(body)};
    struct http_answer answer;
    struct err e;
    if (!http_call(b->http, a, &c, &answer, &e))
        give_up(path, &e);
    if (answer.status > 299) {
        err_set(&e, ERR_UNAVAILABLE, "status %d: %.300s", answer.status, (const char *)answer.body.ptr);
        give_up(path, &e);
    }
    return answer.body.len ? json_loadb((const char *)answer.body.ptr, answer.body.len, 0, NULL) : NULL;
}

static void create(struct bench *b, const char *token, struct arena *a) {
    uint64_t id = atomic_fetch_add(&b->next_id, 1);
    json_decref(call(
        b, token, a, "POST", "/tasks/create",
        arena_printf(a,
                     "{\"contract_id\":\"" CONTRACT "\",\"request_id\":%" PRIu64
                     ",\"data_id\":\"%064d\",\"sender_id\":\"alice.bench.near\",\"code_source\":{\"repo\":"
                     "\"https://example.com/owner/name\",\"commit\":\"main\",\"build_target\":"
                     "\"wasm32-wasip1\"},\"resource_limits\":{\"max_instructions\":1000000000,"
                     "\"max_memory_mb\":128,\"max_execution_seconds\":60},\"input_data\":\"{}\","
                     "\"payment\":\"100000000000000000000000\",\"context\":{\"transaction_hash\":\"t%" PRIu64 "\"}}",
                     id, 0, id)));
}

static void lease_and_end(struct bench *b, const char *by, struct arena *a) {
    json_t *got = call(b, by, a, "GET", "/tasks/poll?worker_id=bench&timeout=30", "");
    const char *token = json_string_value(json_object_get(json_object_get(got, "lease"), "token"));
    uint64_t id = (uint64_t)json_integer_value(json_object_get(json_object_get(got, "task"), "request_id"));
    const char *claim = arena_printf(a, "\"contract_id\":\"" CONTRACT "\",\"request_id\":%" PRIu64 ",\"token\":\"%s\"",
                                     id, token ? token : "");
    json_decref(call(b, by, a, "POST", "/tasks/heartbeat", arena_printf(a, "{%s,\"stage\":\"running\"}", claim)));
    json_decref(call(b, by, a, "POST", "/tasks/complete",
                     arena_printf(a, "{%s,\"outcome\":\"success\",\"instructions\":1000,\"time_ms\":5}", claim)));
    json_decref(got);
}

static void *run_client(void *arg) {
    struct client *c = arg;
    SCOPED_ARENA(a);
    for (unsigned i = 0; i < c->cycles; i++) {
        uint64_t start = clock_mono_us();
        arena_reset(a);
        create(c->b, c->token, a);
        lease_and_end(c->b, c->token, a);
        c->us[i] = clock_mono_us() - start;
    }
    c->used_us = clock_us(CLOCK_THREAD_CPUTIME_ID);
    return NULL;
}

static int by_size(const void *x, const void *y) {
    uint64_t a = *(const uint64_t *)x, b = *(const uint64_t *)y;
    return (a > b) - (a < b);
}

static void print_times(uint64_t *us, size_t n) {
    qsort(us, n, sizeof *us, by_size);
    printf("p50 %.2f ms, p99 %.2f ms", (double)us[n / 2] / 1000, (double)us[n * 99 / 100] / 1000);
}

static const struct {
    const char *program, *setting; // it is measured where this is set
} servers[] = {{"postgres", "TEST_POSTGRES"}, {"redis-server", "TEST_REDIS"}};

struct parts {
    struct used here, beside[ARRAY_LEN(servers)];
};

static struct parts parts_now(void) {
    struct parts p = {.here = used_here()};
    for (size_t i = 0; i < ARRAY_LEN(servers); i++)
        if (getenv(servers[i].setting))
            p.beside[i] = used_by(servers[i].program);
    return p;
}

// 0: processes that were there before have ended.
static uint64_t since(uint64_t before, uint64_t now) { return now > before ? now - before : 0; }

// Of each cycle's processor time, and of memory at its end. The servers' time is counted in hundredths of a second.
static void print_parts(const struct parts *before, uint64_t clients_us, unsigned n) {
    const struct parts now = parts_now();
    printf("    a cycle: clients %" PRIu64 " us, coordinator %" PRIu64 " us (both %" PRIu64 " MiB)", clients_us / n,
           since(before->here.us + clients_us, now.here.us) / n, now.here.kib / 1024);
    for (size_t i = 0; i < ARRAY_LEN(servers); i++)
        if (now.beside[i].kib)
            printf(", %s %" PRIu64 " us (%" PRIu64 " MiB)", servers[i].program,
                   since(before->beside[i].us, now.beside[i].us) / n, now.beside[i].kib / 1024);
    printf("\n");
}

static void cycles(struct bench *b, unsigned clients, bool own_tokens, const char *reference) {
    struct client c[CLIENTS_MAX];
    unsigned each = (clients == 1 ? CYCLES / 3 : CYCLES) / clients;
    uint64_t *us = xcalloc((size_t)clients * each, sizeof *us), used_us = 0;
    const struct parts before = parts_now();
    uint64_t start = clock_mono_us();
    for (unsigned i = 0; i < clients; i++) {
        c[i] = (struct client){b, b->token[own_tokens ? i : 0], 0, each, us + (size_t)i * each, 0};
        BUG_ON(pthread_create(&c[i].thread, NULL, run_client, &c[i]) != 0);
    }
    for (unsigned i = 0; i < clients; i++) {
        pthread_join(c[i].thread, NULL);
        used_us += c[i].used_us;
    }
    double seconds = (double)(clock_mono_us() - start) / 1e6;
    printf("cycles, %2u clients, %-13s %7.0f /s  ", clients, own_tokens ? "a token each" : "one token",
           (double)clients * each / seconds);
    print_times(us, (size_t)clients * each);
    printf("   (reference: %s)\n", reference);
    print_parts(&before, used_us, clients * each);
    free(us);
}

struct waiter {
    struct bench *b; // of the coordinator where it waits
    uint64_t answered_us;
};

static void *wait_once(void *arg) {
    struct waiter *w = arg;
    SCOPED_ARENA(a);
    json_t *got = call(w->b, w->b->token[0], a, "GET", "/tasks/poll?worker_id=bench&timeout=30", "");
    w->answered_us = clock_mono_us();
    const char *token = json_string_value(json_object_get(json_object_get(got, "lease"), "token"));
    uint64_t id = (uint64_t)json_integer_value(json_object_get(json_object_get(got, "task"), "request_id"));
    json_decref(call(w->b, w->b->token[0], a, "POST", "/tasks/complete",
                     arena_printf(a,
                                  "{\"contract_id\":\"" CONTRACT "\",\"request_id\":%" PRIu64
                                  ",\"token\":\"%s\",\"outcome\":\"success\"}",
                                  id, token ? token : "")));
    json_decref(got);
    return NULL;
}

// From sending the create to the answer of a poll that is parked at `c`, the commit included.
static uint64_t wakes(struct bench *b, struct bench *waits, struct coordinator *c, const char *what,
                      const char *reference) {
    uint64_t us[WAKES];
    SCOPED_ARENA(a);
    for (unsigned i = 0; i < WAKES; i++) {
        struct waiter w = {.b = waits};
        struct queue_counts n;
        pthread_t t;
        arena_reset(a);
        BUG_ON(pthread_create(&t, NULL, wait_once, &w) != 0);
        do // parked is what is measured, and nothing tells of it but this count
            queue_counts(c->queue, &n);
        while (!n.polls);
        uint64_t start = clock_mono_us();
        create(b, b->token[0], a);
        pthread_join(t, NULL);
        us[i] = w.answered_us - start;
    }
    printf("%-35s", what);
    print_times(us, WAKES);
    printf("   (reference: %s)\n", reference);
    return us[WAKES / 2];
}

static uint64_t waiting(struct coordinator *c) {
    SCOPED_BUF(figures, 4096);
    changes_figures(c->changes, &figures);
    const char *line = strstr(buf_str(&figures), "\noutlayer_changes_waiting ");
    BUG_ON(!line);
    return strtoull(line + strlen("\noutlayer_changes_waiting "), NULL, 10);
}

static const char *seq_of(struct arena *a, json_t *answer) {
    const char *seq = arena_strdup(a, json_string_value(json_object_get(answer, "seq")));
    json_decref(answer);
    return seq;
}

struct page_waiter {
    struct bench *b;
    const char *path;
    _Atomic uint64_t answered_us; // 0: not yet
};

static void *wait_for_change(void *arg) {
    struct page_waiter *w = arg;
    SCOPED_ARENA(a);
    json_decref(call(w->b, NULL, a, "GET", w->path, ""));
    w->answered_us = clock_mono_us();
    return NULL;
}

// From sending the create to the answer of a page that waits at `c`, the commit included. It comes when those before it
// are told, so that nothing but the change is waited for.
static void tells(struct bench *b, struct bench *waits, struct coordinator *c, const char *what, uint64_t poll_us) {
    uint64_t us[TOLD];
    SCOPED_ARENA(a);
    for (unsigned i = 0; i < TOLD; i++) {
        const struct timespec gap = {.tv_nsec = (CHANGES_GAP_MS + 50) * 1000000L};
        struct page_waiter w = {.b = waits};
        pthread_t t;
        w.path =
            arena_printf(a, "/public/changes?since=%s", seq_of(a, call(waits, NULL, a, "GET", "/public/changes", "")));
        BUG_ON(pthread_create(&t, NULL, wait_for_change, &w) != 0);
        while (!waiting(c)) // likewise
            BUG_ON(w.answered_us);
        nanosleep(&gap, NULL);
        uint64_t start = clock_mono_us();
        create(b, b->token[0], a);
        pthread_join(t, NULL);
        us[i] = w.answered_us - start;
    }
    printf("%-35s", what);
    print_times(us, TOLD);
    printf("   (%.1f times the parked poll)\n", (double)us[TOLD / 2] / (double)poll_us);
}

// A second coordinator on the same database, which hears of it through Redis.
static void wakes_of_another(struct bench *b, const struct coordinator_config *config) {
    char home[] = "/tmp/outlayer-bench-XXXXXX";
    struct coordinator_config second = *config;
    struct bench other = *b;
    struct coordinator *c;
    struct http_server *server;
    struct err e;
    SCOPED_ARENA(a);
    second.home = mkdtemp(home);
    if (!coordinator_open(&c, &second, &e) ||
        !coordinator_serve(&server, c, &(struct coordinator_door){.host = "127.0.0.1"}, &e))
        give_up("cannot start a second one", &e);
    other.url = arena_printf(a, "http://127.0.0.1:%u", (unsigned)http_server_port(server));
    uint64_t poll_us = wakes(b, &other, c, "create to poll at another one", "one for all");
    tells(b, &other, c, "create to a page at another one", poll_us);
    coordinator_stop(c);
    http_server_stop(server);
    coordinator_free(c);
    (void)!file_remove_tree(home, &e);
}

static void page(struct bench *b, const char *path, unsigned times, const char *reference) {
    SCOPED_ARENA(a);
    uint64_t start = clock_mono_us();
    for (unsigned i = 0; i < times; i++) {
        arena_reset(a);
        json_decref(call(b, b->token[0], a, "GET", path, ""));
    }
    printf("%-22s  %7.0f /s, one client   (reference: %s)\n", path,
           (double)times * 1e6 / (double)(clock_mono_us() - start), reference);
}

static uint64_t rows(struct coordinator *c) {
    struct queue_counts n;
    queue_counts(c->queue, &n);
    return n.created;
}

static void fill(struct bench *b, struct coordinator *c) {
    while (rows(c) < ROWS) {
        struct client clients[CLIENTS_MAX];
        uint64_t us[CLIENTS_MAX][16];
        for (unsigned i = 0; i < CLIENTS_MAX; i++) {
            clients[i] = (struct client){b, b->token[0], 0, 16, us[i], 0};
            BUG_ON(pthread_create(&clients[i].thread, NULL, run_client, &clients[i]) != 0);
        }
        for (unsigned i = 0; i < CLIENTS_MAX; i++)
            pthread_join(clients[i].thread, NULL);
    }
}

static void run_all(struct bench *b, struct coordinator *c, const struct coordinator_config *config) {
    cycles(b, 1, false, "289 /s");
    cycles(b, 8, false, "299 /s");
    cycles(b, 8, true, "662 /s");
    cycles(b, 32, false, "271 /s");
    cycles(b, 32, true, "749 /s");
    uint64_t poll_us = wakes(b, b, c, "create to parked poll", "p50 1.27, p99 1.76");
    tells(b, b, c, "create to a page that waits", poll_us);
    if (config->redis_url)
        wakes_of_another(b, config);
    fill(b, c);
    printf("behind %" PRIu64 " executions:\n", rows(c));
    page(b, "/public/stats", 2000, "165 /s at 10k rows");
    page(b, "/public/jobs?limit=50", 1000, "2,200 /s, many clients");
    page(b, "/health", 4000, "93,000 /s, many clients");
}

static bool make_tokens(struct bench *b, const struct token_place *at, struct arena *a, struct err *e) {
    for (unsigned i = 0; i < CLIENTS_MAX; i++) {
        const struct token_terms terms = {.name = arena_printf(a, "bench-%u", i)};
        if (!token_create(at, &terms, a, &b->token[i], e))
            return false;
    }
    return true;
}

int main(void) {
    char home[] = "/tmp/outlayer-bench-XXXXXX";
    struct bench b = {.next_id = 1};
    struct coordinator_config config = {.home = home,
                                        .database_url = getenv("TEST_POSTGRES"),
                                        .redis_url = getenv("TEST_REDIS"),
                                        .require_auth = true,
                                        .wasm_max_bytes = 1 << 20,
                                        .serve_ms = 600000};
    struct coordinator *c;
    struct http_server *server;
    struct err e;
    SCOPED_ARENA(a);
    if (!log_init("bench", "error", NULL, &e) || !mkdtemp(home) ||
        !make_tokens(&b, &(struct token_place){home, config.database_url}, a, &e) ||
        !coordinator_open(&c, &config, &e) ||
        !coordinator_serve(&server, c, &(struct coordinator_door){.host = "127.0.0.1"}, &e))
        give_up("cannot start", &e);
    b.url = arena_printf(a, "http://127.0.0.1:%u", (unsigned)http_server_port(server));
    b.http = http_client_new();
    run_all(&b, c, &config);
    http_client_free(b.http);
    coordinator_stop(c);
    http_server_stop(server);
    coordinator_free(c);
    return file_remove_tree(home, &e) ? 0 : 1;
}
