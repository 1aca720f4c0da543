// SPDX-License-Identifier: Apache-2.0
// A database that fails: in any call to the disk, in any allocation, inside any statement, and in a commit that says so
// after it has happened. Whoever is told "try again" finishes by the next try what the first one began: each execution
// is there once, is handed out once, and ends once.
#include "queue/test_queue.h"

#include "store/sqlite.h"
#include <sqlite3.h>
#include <stdatomic.h>

// --- faults: the n-th call fails, and all after it until the end of the fault

enum fault { NO_FAULT, FAULT_FULL, FAULT_READ, FAULT_WRITE, FAULT_SYNC, FAULT_MEMORY, FAULT_DOUBT };
static _Atomic int fault;
static _Atomic int calls_left;
static _Atomic bool met;

static bool fails(enum fault f) {
    if (fault != (int)f || atomic_fetch_sub(&calls_left, 1) > 0)
        return false;
    met = true;
    return true;
}

static void begin_fault(enum fault f, int after) {
    met = false;
    calls_left = after;
    fault = (int)f;
}

static bool end_fault(void) {
    fault = NO_FAULT;
    return met;
}

// Memory.

static sqlite3_mem_methods memory;
static void *failing_malloc(int n) { return fails(FAULT_MEMORY) ? NULL : memory.xMalloc(n); }
static void *failing_realloc(void *p, int n) { return fails(FAULT_MEMORY) ? NULL : memory.xRealloc(p, n); }

// The disk: SQLite's own way to it, with our own writing and syncing.

struct file {
    sqlite3_file base;
    sqlite3_file *real;
};
static sqlite3_vfs *real_vfs, failing_vfs;
#define REAL(f) (((struct file *)(f))->real)

static int f_close(sqlite3_file *f) { return REAL(f)->pMethods->xClose(REAL(f)); }
static int f_read(sqlite3_file *f, void *to, int n, sqlite3_int64 at) {
    return fails(FAULT_READ) ? SQLITE_IOERR_READ : REAL(f)->pMethods->xRead(REAL(f), to, n, at);
}
static int f_write(sqlite3_file *f, const void *from, int n, sqlite3_int64 at) {
    if (fails(FAULT_FULL))
        return SQLITE_FULL;
    return fails(FAULT_WRITE) ? SQLITE_IOERR_WRITE : REAL(f)->pMethods->xWrite(REAL(f), from, n, at);
}
static int f_truncate(sqlite3_file *f, sqlite3_int64 n) { return REAL(f)->pMethods->xTruncate(REAL(f), n); }
static int f_sync(sqlite3_file *f, int flags) {
    return fails(FAULT_SYNC) ? SQLITE_IOERR_FSYNC : REAL(f)->pMethods->xSync(REAL(f), flags);
}
static int f_size(sqlite3_file *f, sqlite3_int64 *n) { return REAL(f)->pMethods->xFileSize(REAL(f), n); }
static int f_lock(sqlite3_file *f, int kind) { return REAL(f)->pMethods->xLock(REAL(f), kind); }
static int f_unlock(sqlite3_file *f, int kind) { return REAL(f)->pMethods->xUnlock(REAL(f), kind); }
static int f_reserved(sqlite3_file *f, int *out) { return REAL(f)->pMethods->xCheckReservedLock(REAL(f), out); }
static int f_control(sqlite3_file *f, int op, void *arg) { return REAL(f)->pMethods->xFileControl(REAL(f), op, arg); }
static int f_sector(sqlite3_file *f) { return REAL(f)->pMethods->xSectorSize(REAL(f)); }
static int f_device(sqlite3_file *f) { return REAL(f)->pMethods->xDeviceCharacteristics(REAL(f)); }
static int f_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **out) {
    return REAL(f)->pMethods->xShmMap(REAL(f), page, size, extend, out);
}
static int f_shm_lock(sqlite3_file *f, int at, int n, int flags) {
    return REAL(f)->pMethods->xShmLock(REAL(f), at, n, flags);
}
static void f_shm_barrier(sqlite3_file *f) { REAL(f)->pMethods->xShmBarrier(REAL(f)); }
static int f_shm_unmap(sqlite3_file *f, int delete) { return REAL(f)->pMethods->xShmUnmap(REAL(f), delete); }

static const sqlite3_io_methods methods = {.iVersion = 2,
                                           .xClose = f_close,
                                           .xRead = f_read,
                                           .xWrite = f_write,
                                           .xTruncate = f_truncate,
                                           .xSync = f_sync,
                                           .xFileSize = f_size,
                                           .xLock = f_lock,
                                           .xUnlock = f_unlock,
                                           .xCheckReservedLock = f_reserved,
                                           .xFileControl = f_control,
                                           .xSectorSize = f_sector,
                                           .xDeviceCharacteristics = f_device,
                                           .xShmMap = f_shm_map,
                                           .xShmLock = f_shm_lock,
                                           .xShmBarrier = f_shm_barrier,
                                           .xShmUnmap = f_shm_unmap};

static int failing_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *out_flags) {
    struct file *own = (struct file *)f;
    (void)vfs;
    own->real = (sqlite3_file *)(own + 1);
    int rc = real_vfs->xOpen(real_vfs, name, own->real, flags, out_flags);
    f->pMethods = own->real->pMethods ? &methods : NULL;
    return rc;
}

static void install_faults(void) {
    sqlite3_mem_methods failing;
    BUG_ON(sqlite3_config(SQLITE_CONFIG_GETMALLOC, &memory) != SQLITE_OK);
    failing = memory;
    failing.xMalloc = failing_malloc;
    failing.xRealloc = failing_realloc;
    BUG_ON(sqlite3_config(SQLITE_CONFIG_MALLOC, &failing) != SQLITE_OK);
    BUG_ON(sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0) != SQLITE_OK); // every allocation is a call
    real_vfs = sqlite3_vfs_find(NULL);
    failing_vfs = *real_vfs;
    failing_vfs.zName = "failing";
    failing_vfs.szOsFile = (int)sizeof(struct file) + real_vfs->szOsFile;
    failing_vfs.xOpen = failing_open;
    BUG_ON(sqlite3_vfs_register(&failing_vfs, 1) != SQLITE_OK);
}

// A commit that fails after it has happened, as where the network breaks before its answer.

static struct db_driver doubtful;
static bool doubtful_commit(struct db *db, struct err *e) {
    if (!db_sqlite.commit(db, e))
        return false;
    return !fails(FAULT_DOUBT) || err_set(e, ERR_IN_DOUBT, "the connection broke");
}

// --- tests

static bool small_cache(struct db *db, void *ctx, struct err *e) {
    (void)ctx;
    return db_exec(db, "PRAGMA cache_size = 1; PRAGMA cache_spill = 1", e);
}

// Pages are written inside statements, not only by the commit.
static void open_failing(struct world *w) {
    struct err e;
    world_open(w, 600000);
    assert_ok(writer_do(w->writer, small_cache, NULL, &e), &e);
    doubtful = db_sqlite;
    doubtful.commit = doubtful_commit;
    w->writing->driver = &doubtful; // the writer rests
}

struct totals {
    unsigned tries, failed; // executions; first tries of any call
};

static void create_through(struct world *w, uint64_t id, enum fault f, int after, struct totals *t) {
    bool created;
    begin_fault(f, after);
    bool ok = create_as(w, id, NULL, NULL, 0, &created);
    (void)end_fault();
    t->failed += !ok;
    if (!ok)
        assert_true(create_as(w, id, NULL, NULL, 0, &created));
    assert_true(create_as(w, id, NULL, NULL, 0, &created)); // and it does no harm
    assert_false(created);
}

static void end_through(struct world *w, const struct test_lease *l, enum fault f, int after, struct totals *t) {
    enum queue_answer answer;
    bool changed;
    begin_fault(f, after);
    bool ok = end(w, l, &answer, &changed);
    (void)end_fault();
    t->failed += !ok;
    if (!ok) {
        assert_int_equal(beat(w, l, EXECUTION_EVENT_COUNT, 0), QUEUE_OK); // it is held as before
        assert_true(end(w, l, &answer, &changed));
    }
    assert_int_equal(answer, QUEUE_OK);
    assert_true(changed);
    assert_int_equal(end_well(w, l, &changed), QUEUE_OK);
    assert_false(changed);
}

// It is answered from memory, whatever becomes of its row, and the next one has it.
static struct test_lease hand_over_through(struct world *w, const struct test_lease *l, enum fault f, int after) {
    begin_fault(f, after);
    assert_int_equal(hand_over(w, l, QUEUE_RUN), QUEUE_OK);
    (void)end_fault();
    assert_int_equal(beat(w, l, EXECUTION_EVENT_COUNT, 0), QUEUE_LOST);
    return poll_one(w);
}

// One execution through all of its life, with a fault in each part of it.
static void live_through(struct world *w, uint64_t id, enum fault f, int after, struct totals *t) {
    create_through(w, id, f, after, t);
    struct test_lease l = poll_one(w);
    assert_int_equal(l.id, id);
    assert_int_equal(poll_one(w).id, 0);
    l = hand_over_through(w, &l, f, after);
    assert_int_equal(l.id, id);
    end_through(w, &l, f, after, t);
    t->tries++;
}

static void assert_whole(struct world *w, const struct totals *t) {
    struct queue_counts c;
    for (int i = 0; i < 2; i++) {
        queue_counts(w->q, &c);
        assert_int_equal(c.created, t->tries);
        assert_int_equal(c.succeeded, t->tries);
        assert_int_equal(c.instructions, t->tries);
        assert_int_equal(c.by_state[EXECUTION_QUEUED] + c.by_state[EXECUTION_LEASED], 0);
        assert_int_equal(rows_of(w, "SELECT count(*) AS n FROM executions WHERE state = 'settled'"), t->tries);
        assert_int_equal(rows_of(w, "SELECT count(*) AS n FROM queue_items"), 0);
        restart(w); // what the rows say is what was said
    }
}

#define CALLS_MAX 2000
static void every_call_fails_once(enum fault f) {
    struct world w;
    struct totals t = {0};
    open_failing(&w);
    for (int after = 0; after < CALLS_MAX; after++) {
        unsigned before = t.failed;
        live_through(&w, (uint64_t)after + 1, f, after, &t);
        if (t.failed == before) // neither met it: all have been had
            break;
    }
    assert_in_range(t.failed, 2, 2 * CALLS_MAX - 1);
    assert_whole(&w, &t);
    world_close(&w);
}

// If these fail, "503, try again" loses an execution, serves it never or twice, or leaves its end open.
static void a_full_disk(void **state) {
    (void)state;
    every_call_fails_once(FAULT_FULL);
}
static void reading_fails(void **state) {
    (void)state;
    every_call_fails_once(FAULT_READ);
}
static void writing_fails(void **state) {
    (void)state;
    every_call_fails_once(FAULT_WRITE);
}
static void syncing_fails(void **state) {
    (void)state;
    every_call_fails_once(FAULT_SYNC);
}
static void no_memory(void **state) {
    (void)state;
    every_call_fails_once(FAULT_MEMORY);
}
static void commits_in_doubt(void **state) {
    (void)state;
    every_call_fails_once(FAULT_DOUBT);
}

// If this fails, an end of which nobody knows whether it was stored is counted never or twice, and its item is left.
static void an_expiry_in_doubt(void **state) {
    (void)state;
    struct world w;
    struct queue_counts c;
    open_failing(&w);
    begin_fault(FAULT_DOUBT, 1); // after the create's commit
    bool created;
    assert_true(create_as(&w, 1, NULL, NULL, clock_wall_ms() + 2000, &created));
    while (!met)
        queue_counts(w.q, &c);
    (void)end_fault();
    assert_int_equal(rows_of(&w, "SELECT count(*) AS n FROM executions WHERE state = 'expired'"), 1);
    struct test_lease l = poll_as(&w, TEST_WAIT_S, NULL, NULL); // it is still there, as far as anybody knows
    if (l.id) {
        enum queue_answer answer;
        bool changed;
        assert_true(end(&w, &l, &answer, &changed));
        assert_int_equal(answer, QUEUE_UNKNOWN); // the end that stands is another's
        assert_false(changed);
    }
    queue_counts(w.q, &c);
    assert_int_equal(c.expired, 1);
    assert_int_equal(c.succeeded, 0);
    restart(&w);
    queue_counts(w.q, &c);
    assert_int_equal(c.expired, 1);
    assert_int_equal(poll_one(&w).id, 0);
    world_close(&w);
}

int main(void) {
    install_faults();
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_full_disk),       cmocka_unit_test(reading_fails),
                                       cmocka_unit_test(writing_fails),     cmocka_unit_test(syncing_fails),
                                       cmocka_unit_test(no_memory),         cmocka_unit_test(commits_in_doubt),
                                       cmocka_unit_test(an_expiry_in_doubt)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
