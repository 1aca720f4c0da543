// SPDX-License-Identifier: Apache-2.0
// The queue alone, behind 100,000 executions that wait: how fast they come, what a poll costs whose worker can do all
// of it, a thousandth of it or nothing, how fast they end, and how long a start takes. Half of them are one payer's.
#include "queue/queue.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/sync.h"
#include "queue/database.h"
#include "store/writer.h"

#define WAITING 100000
#define UNDER_WAY 4096 // calls
#define POLLS 2000
#define ENDS 20000

struct bench {
    char home[32];
    struct db *db;
    struct writer *writer;
    struct queue *q;
    pthread_mutex_t lock; // over what follows
    pthread_cond_t changed;
    unsigned under_way;
};

_Noreturn static void give_up(const char *what, const struct err *e) {
    fprintf(stderr, "%s: %s\n", what, e->msg);
    exit(1);
}

static const char *target_of(uint64_t id) {
    return id % 1000 == 0 ? "rare" : id % 10 == 0 ? "wasm32-wasip2" : "wasm32-wasip1";
}

// A task here is its request's number.
static bool read_stored(struct arena *a, const char *json, struct queue_stored *out, struct err *e) {
    (void)a, (void)e;
    uint64_t id = strtoull(json, NULL, 10);
    *out = (struct queue_stored){.key = {"outlayer.bench.near", id}, .build_target = target_of(id), .payer = "p"};
    return true;
}

static void start(struct bench *b) {
    const struct queue_config config = {.serve_ms = 3600000, .read = read_stored};
    struct err e;
    if (!database_open(&b->db, b->home, NULL, &e) || !writer_new(&b->writer, b->db, &e) ||
        !queue_open_local(&b->q, &config, b->writer, &e))
        give_up("cannot start", &e);
}

static void stop(struct bench *b) {
    queue_stop(b->q);
    queue_free(b->q);
    writer_free(b->writer);
    db_close(b->db);
}

// --- calls, many at a time

struct call {
    struct bench *b;
    struct arena *arena;
    union {
        struct queue_create create;
        struct queue_poll poll;
        struct queue_end end;
    };
};

static struct call *call_new(struct bench *b) {
    struct arena *a = arena_new();
    struct call *c = arena_calloc(a, 1, sizeof *c);
    c->b = b;
    c->arena = a;
    pthread_mutex_lock(&b->lock);
    while (b->under_way == UNDER_WAY)
        pthread_cond_wait(&b->changed, &b->lock);
    b->under_way++;
    pthread_mutex_unlock(&b->lock);
    return c;
}

static void over(void *ctx, const struct err *e) {
    struct call *c = ctx;
    struct bench *b = c->b;
    if (e)
        give_up("a call failed", e);
    pthread_mutex_lock(&b->lock);
    b->under_way--;
    pthread_cond_signal(&b->changed);
    pthread_mutex_unlock(&b->lock);
    arena_free(c->arena);
}

static void wait_for_all(struct bench *b) {
    pthread_mutex_lock(&b->lock);
    while (b->under_way)
        pthread_cond_wait(&b->changed, &b->lock);
    pthread_mutex_unlock(&b->lock);
}

static void create(struct bench *b, uint64_t id) {
    struct call *c = call_new(b);
    c->create = (struct queue_create){.call = {.done = over, .ctx = c},
                                      .key = {"outlayer.bench.near", id},
                                      .build_target = target_of(id),
                                      .payer = id % 2 ? "many" : arena_printf(c->arena, "p%u", (unsigned)id % 1000),
                                      .json = arena_printf(c->arena, "%u", (unsigned)id),
                                      .about = "{}"};
    queue_create(b->q, &c->create);
}

static void polled(void *ctx, const struct err *e) {
    if (e)
        give_up("a poll failed", e);
    *(bool *)ctx = true;
}

// Polls that do not wait are answered at once.
static struct queue_poll poll_once(struct bench *b, struct arena *a, const char *capabilities) {
    bool done = false;
    struct queue_poll p = {.call = {.done = polled, .ctx = &done},
                           .arena = a,
                           .worker_id = "bench",
                           .token_name = "",
                           .capabilities = capabilities};
    queue_poll(b->q, &p);
    BUG_ON(!done);
    return p;
}

static void polls(struct bench *b, const char *what, const char *capabilities, unsigned n) {
    unsigned leased = 0;
    SCOPED_ARENA(a);
    uint64_t begin = clock_mono_us();
    for (unsigned i = 0; i < n; i++)
        leased += poll_once(b, a, capabilities).leased;
    printf("%-36s %8.2f us a poll (%u of %u leased)\n", what, (double)(clock_mono_us() - begin) / n, leased, n);
}

static void lease_and_end(struct bench *b) {
    struct call *c = call_new(b);
    struct queue_poll p = poll_once(b, c->arena, NULL);
    c->end = (struct queue_end){.call = {.done = over, .ctx = c},
                                .key = {"outlayer.bench.near", strtoull(p.leased ? p.json : "0", NULL, 10)},
                                .token = arena_strdup(c->arena, p.token),
                                .token_name = "",
                                .outcome = "success",
                                .report = "{}"};
    queue_end(b->q, &c->end);
}

static void rate(const char *what, unsigned n, uint64_t begin_us) {
    printf("%-36s %8.0f /s\n", what, (double)n * 1e6 / (double)(clock_mono_us() - begin_us));
}

int main(void) {
    struct bench b = {.home = "/tmp/outlayer-bench-XXXXXX", .lock = PTHREAD_MUTEX_INITIALIZER};
    struct err e;
    cond_init(&b.changed);
    if (!log_init("bench", "error", NULL, &e) || !mkdtemp(b.home))
        give_up("cannot start", &e);
    start(&b);
    uint64_t begin = clock_mono_us();
    for (uint64_t id = 1; id <= WAITING; id++)
        create(&b, id);
    wait_for_all(&b);
    rate("creates, 4096 under way", WAITING, begin);
    begin = clock_mono_us();
    stop(&b);
    start(&b);
    printf("%-36s %8.2f s\n", "a stop and a start, 100,000 waiting", (double)(clock_mono_us() - begin) / 1e6);
    polls(&b, "a worker that can do none", "other", POLLS);
    polls(&b, "one that can do a thousandth", "rare", WAITING / 1000);
    polls(&b, "one that can do all", NULL, POLLS);
    begin = clock_mono_us();
    for (unsigned i = 0; i < ENDS; i++)
        lease_and_end(&b);
    wait_for_all(&b);
    rate("leases and ends, 4096 under way", ENDS, begin);
    stop(&b);
    return file_remove_tree(b.home, &e) ? 0 : 1;
}
