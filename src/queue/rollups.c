// SPDX-License-Identifier: Apache-2.0
#include "queue/rollups.h"

#include "base/log.h"
#include "base/text.h"
#include "base/ticker.h"
#include "codec/json.h"
#include "crypto/hash.h"
#include "queue/database.h"

#define SLICE_MS 10000 // of ends, at a time
#define EVERY_MS 5000
#define MINUTE_MS 60000
#define HOUR_MS 3600000
#define SLOTS 4096
#define FIGURES_BYTES 65536

static const char *const kinds[] = {
#define X(name, text) [name] = text,
    ROLLUP_KINDS(X)
#undef X
};

// --- figures -------------------------------------------------------------------------------------------------------

// Four to each doubling, from 1 ms on.
static size_t bucket_of(uint64_t ms) {
    unsigned top = ms < 4 ? 0 : 61 - (unsigned)__builtin_clzll(ms);
    size_t n = top * 4 + (size_t)(ms >> top);
    return n < ROLL_BUCKETS ? n : ROLL_BUCKETS - 1;
}

static uint64_t bucket_end(size_t n) {
    unsigned top = n < 8 ? 0 : (unsigned)n / 4 - 1;
    return ((uint64_t)(n - top * 4) + 1) << top;
}

uint64_t figures_quantile(const uint32_t *buckets, unsigned percent) {
    uint64_t all = 0, seen = 0;
    for (size_t i = 0; i < ROLL_BUCKETS; i++)
        all += buckets[i];
    for (size_t i = 0; i < ROLL_BUCKETS && all; i++)
        if ((seen += buckets[i]) * 100 >= all * percent)
            return bucket_end(i);
    return 0;
}

#define NUMBERS(X)                                                                                                     \
    X(executions)                                                                                                      \
    X(success)                                                                                                         \
    X(guest_failed)                                                                                                    \
    X(refused)                                                                                                         \
    X(expired) X(guest) X(build) X(access) X(platform) X(instructions) X(run_ms) X(runs) X(build_ms) X(builds)
#define AMOUNTS(X) X(paid) X(charged) X(refunded)

// What a report says may be anything: a sum that does not fit stays at its end.
#define SUM_MAX(a) ((typeof(a))~(typeof(a))0)
#define ADD(to, x) ((to) = (to) > SUM_MAX(to) - (x) ? SUM_MAX(to) : (to) + (x))
#define TAKE(from, x) ((from) -= (from) < (x) ? (from) : (x))

void figures_add(struct figures *to, const struct figures *x) {
#define X(name) ADD(to->name, x->name);
    NUMBERS(X)
    AMOUNTS(X)
#undef X
    for (size_t i = 0; i < ROLL_BUCKETS; i++) {
        ADD(to->run[i], x->run[i]);
        ADD(to->built[i], x->built[i]);
    }
    if (x->last[0])
        memcpy(to->last, x->last, sizeof to->last);
}

static void figures_take(struct figures *from, const struct figures *x) {
#define X(name) TAKE(from->name, x->name);
    NUMBERS(X)
    AMOUNTS(X)
#undef X
    for (size_t i = 0; i < ROLL_BUCKETS; i++) {
        TAKE(from->run[i], x->run[i]);
        TAKE(from->built[i], x->built[i]);
    }
}

// Pairs of a bucket's number and what is in it.
static json_t *buckets_json(const uint32_t *buckets) {
    json_t *list = json_array();
    for (size_t i = 0; i < ROLL_BUCKETS; i++)
        if (buckets[i]) {
            json_array_append_new(list, json_integer((json_int_t)i));
            json_array_append_new(list, json_integer(buckets[i]));
        }
    return list;
}

static void buckets_read(uint32_t *out, const json_t *list) {
    for (size_t i = 0; i + 1 < json_array_size(list); i += 2) {
        json_int_t at = json_integer_value(json_array_get(list, i));
        if (at >= 0 && at < ROLL_BUCKETS)
            out[at] = (uint32_t)json_integer_value(json_array_get(list, i + 1));
    }
}

static const char *figures_text(struct arena *a, const struct figures *f) {
    SCOPED_JSON(o) = json_object();
#define X(name)                                                                                                        \
    if (f->name)                                                                                                       \
        json_set_u64(o, #name, f->name);
    NUMBERS(X)
#undef X
#define X(name)                                                                                                        \
    if (f->name)                                                                                                       \
        json_set_u128(o, #name, f->name);
    AMOUNTS(X)
#undef X
    json_object_set_new(o, "run", buckets_json(f->run));
    json_object_set_new(o, "built", buckets_json(f->built));
    if (f->last[0])
        json_set_text(o, "last", f->last);
    return json_text(a, o);
}

static bool figures_read(struct figures *out, const char *text, struct err *e) {
    const char *last = "";
    *out = (struct figures){0};
    SCOPED_JSON(o) = json_parse(slice_str(text), FIGURES_BYTES, e);
    if (!o)
        return false;
#define X(name)                                                                                                        \
    if (!json_opt_u64(o, #name, &out->name, e))                                                                        \
        return false;
    NUMBERS(X)
#undef X
#define X(name)                                                                                                        \
    if (!json_opt_u128(o, #name, &out->name, e))                                                                       \
        return false;
    AMOUNTS(X)
#undef X
    buckets_read(out->run, json_object_get(o, "run"));
    buckets_read(out->built, json_object_get(o, "built"));
    return json_opt_text(o, "last", &last, e) && (text_copy(out->last, sizeof out->last, slice_str(last)) || true);
}

// --- one end -------------------------------------------------------------------------------------------------------

struct ended {
    uint64_t at_ms;
    const char *payer, *sender, *repo, *worker; // NULL: not known
    struct figures figures;
};

static uint64_t number_in(const json_t *o, const char *name) {
    uint64_t n = 0;
    struct err unknown;
    return json_opt_u64(o, name, &n, &unknown) ? n : 0;
}

static u128 amount_in(const json_t *o, const char *name) {
    u128 n = 0;
    struct err unknown;
    return json_opt_u128(o, name, &n, &unknown) ? n : 0;
}

static const char *text_in(struct arena *a, const json_t *o, const char *name) {
    const char *text = json_string_value(json_object_get(o, name));
    return text && text[0] ? arena_strdup(a, text) : NULL;
}

static void count_word(struct figures *f, const char *word) {
    const struct {
        const char *word;
        uint64_t *count;
    } all[] = {{"success", &f->success}, {"guest_failed", &f->guest_failed},
               {"refused", &f->refused}, {"expired", &f->expired},
               {"guest", &f->guest},     {"build", &f->build},
               {"access", &f->access},   {"platform", &f->platform}};
    for (size_t i = 0; word && i < ARRAY_LEN(all); i++)
        *all[i].count += strcmp(word, all[i].word) == 0;
}

static const char *column_text(struct arena *a, struct db *db, struct db_stmt *s, const char *name) {
    const char *text = db_text(db, s, name);
    return text && text[0] ? arena_strdup(a, text) : NULL;
}

static void read_end(struct arena *a, struct db *db, struct db_stmt *s, struct ended *out) {
    struct err unknown;
    const char *report_text = db_text(db, s, "report");
    SCOPED_JSON(about) = json_parse_big(slice_str(db_text(db, s, "about")), JSON_MAX_BYTES, &unknown);
    SCOPED_JSON(report) = json_parse_big(slice_str(report_text ? report_text : "{}"), JSON_MAX_BYTES, &unknown);
    const char *commit = json_string_value(json_object_get(report, "commit"));
    struct figures *f = &out->figures;
    *out = (struct ended){.at_ms = (uint64_t)db_int(db, s, "ended_ms"),
                          .payer = text_in(a, about, "payer_id"),
                          .sender = text_in(a, about, "sender_id"),
                          .repo = text_in(a, about, "repo"),
                          .worker = column_text(a, db, s, "worker_id")};
    f->executions = 1;
    count_word(f, db_text(db, s, "outcome"));
    count_word(f, json_string_value(json_object_get(report, "failure")));
    f->instructions = number_in(report, "instructions");
    f->paid = amount_in(about, "payment");
    f->charged = amount_in(report, "charged");
    f->refunded = amount_in(report, "refunded");
    f->run_ms = number_in(report, "time_ms");
    f->build_ms = number_in(report, "compile_time_ms");
    f->runs = f->run_ms > 0;
    f->builds = f->build_ms > 0;
    f->run[bucket_of(f->run_ms)] += (uint32_t)f->runs;
    f->built[bucket_of(f->build_ms)] += (uint32_t)f->builds;
    if (commit)
        (void)!text_copy(f->last, sizeof f->last, slice_str(commit));
}

typedef void on_end(void *ctx, struct arena *a, const struct ended *x);

static bool each_end(struct db *db, uint64_t from_ms, uint64_t to_ms, uint64_t limit, struct arena *a, on_end *each,
                     void *ctx, struct err *e) {
    struct db_stmt *s;
    struct ended *x = arena_alloc(a, sizeof *x);
    bool row = false, ok;
    if (!db_query(db,
                  "SELECT ended_ms, outcome, about, report, worker_id FROM executions WHERE ended_ms >= :from "
                  "AND ended_ms < :to ORDER BY ended_ms LIMIT :limit",
                  &s, e))
        return false;
    db_bind_int(db, s, ":from", (int64_t)from_ms);
    db_bind_int(db, s, ":to", (int64_t)to_ms);
    db_bind_int(db, s, ":limit", (int64_t)limit);
    while ((ok = db_step(db, s, &row, e)) && row) {
        read_end(a, db, s, x);
        each(ctx, a, x);
    }
    db_done(db, s);
    return ok;
}

// --- adding up -----------------------------------------------------------------------------------------------------

struct entry {
    struct entry *next;
    enum rollup_kind kind;
    const char *name;
    uint64_t at_ms;
    struct figures figures;
};
struct mark { // before that moment all that has ended was added up
    uint64_t until_ms;
    char word[65]; // another one with each execution that is replaced: sums of rows read before that are not stored
};
struct slice_sum {
    struct arena *arena;
    struct mark was;
    uint64_t next_ms;
    bool done; // by somebody else
    struct entry *slots[SLOTS];
};

static void add_to(struct slice_sum *x, enum rollup_kind kind, const char *name, uint64_t at_ms,
                   const struct figures *f) {
    if (!name)
        return;
    struct entry **at = &x->slots[table_hash(slice_str(name), at_ms + (uint64_t)kind) % SLOTS];
    while (*at && ((*at)->kind != kind || (*at)->at_ms != at_ms || strcmp((*at)->name, name) != 0))
        at = &(*at)->next;
    if (!*at) {
        *at = arena_calloc(x->arena, 1, sizeof **at);
        (*at)->kind = kind;
        (*at)->name = arena_strdup(x->arena, name);
        (*at)->at_ms = at_ms;
    }
    figures_add(&(*at)->figures, f);
}

static void add_end(void *ctx, struct arena *a, const struct ended *x) {
    struct slice_sum *sum = ctx;
    (void)a;
    add_to(sum, ROLLUP_TOTAL, "", 0, &x->figures);
    add_to(sum, ROLLUP_MINUTE, "", x->at_ms / MINUTE_MS * MINUTE_MS, &x->figures);
    add_to(sum, ROLLUP_HOUR, "", x->at_ms / HOUR_MS * HOUR_MS, &x->figures);
    add_to(sum, ROLLUP_PAYER, x->payer, 0, &x->figures);
    add_to(sum, ROLLUP_SENDER, x->sender, 0, &x->figures);
    add_to(sum, ROLLUP_REPO, x->repo, 0, &x->figures);
    add_to(sum, ROLLUP_WORKER, x->worker, 0, &x->figures);
}

// What is stored; zeros where nothing is.
static bool look(struct db *db, enum rollup_kind kind, const char *name, uint64_t at_ms, struct figures *out,
                 struct err *e) {
    struct db_stmt *s;
    bool row = false;
    *out = (struct figures){0};
    if (!db_query(db, "SELECT figures FROM rollups WHERE kind = :kind AND name = :name AND at_ms = :at", &s, e))
        return false;
    db_bind_text(db, s, ":kind", kinds[kind]);
    db_bind_text(db, s, ":name", name);
    db_bind_int(db, s, ":at", (int64_t)at_ms);
    bool ok = db_step(db, s, &row, e) && (!row || figures_read(out, db_text(db, s, "figures"), e));
    db_done(db, s);
    return ok;
}

static bool drop_entry(struct db *db, const struct entry *x, struct err *e) {
    struct db_stmt *s;
    if (!db_query(db, "DELETE FROM rollups WHERE kind = :kind AND name = :name AND at_ms = :at", &s, e))
        return false;
    db_bind_text(db, s, ":kind", kinds[x->kind]);
    db_bind_text(db, s, ":name", x->name);
    db_bind_int(db, s, ":at", (int64_t)x->at_ms);
    return db_run(db, s, e);
}

static bool put_entry(struct db *db, const struct entry *x, const struct figures *sum, struct err *e) {
    struct db_stmt *s;
    SCOPED_ARENA(a);
    if (!db_query(db,
                  "INSERT INTO rollups (kind, name, at_ms, n, figures) VALUES (:kind, :name, :at, :n, :figures) "
                  "ON CONFLICT (kind, name, at_ms) DO UPDATE SET n = excluded.n, figures = excluded.figures",
                  &s, e))
        return false;
    db_bind_text(db, s, ":kind", kinds[x->kind]);
    db_bind_text(db, s, ":name", x->name);
    db_bind_int(db, s, ":at", (int64_t)x->at_ms);
    db_bind_int(db, s, ":n", (int64_t)sum->executions);
    db_bind_text(db, s, ":figures", figures_text(a, sum));
    return db_run(db, s, e);
}

static bool store_entry(struct db *db, const struct entry *x, bool take, struct err *e) {
    struct figures sum;
    if (!look(db, x->kind, x->name, x->at_ms, &sum, e))
        return false;
    if (take)
        figures_take(&sum, &x->figures);
    else
        figures_add(&sum, &x->figures);
    return sum.executions ? put_entry(db, x, &sum, e) : drop_entry(db, x, e);
}

static bool store_entries(struct db *db, const struct slice_sum *x, bool take, struct err *e) {
    for (size_t i = 0; i < SLOTS; i++)
        for (const struct entry *at = x->slots[i]; at; at = at->next)
            if (!store_entry(db, at, take, e))
                return false;
    return true;
}

// Of several who have added up the same moments one stores them: whoever moves the mark.
static bool store_slice(struct db *db, void *ctx, struct err *e) {
    struct slice_sum *x = ctx;
    struct db_stmt *s;
    if (!db_query(db,
                  "UPDATE rollups SET n = :next WHERE kind = 'until' AND name = '' AND at_ms = 0 AND n = :was AND "
                  "figures = :word",
                  &s, e))
        return false;
    db_bind_int(db, s, ":next", (int64_t)x->next_ms);
    db_bind_int(db, s, ":was", (int64_t)x->was.until_ms);
    db_bind_text(db, s, ":word", x->was.word);
    if (!db_run(db, s, e))
        return false;
    x->done = db_changes(db) == 0;
    return x->done || store_entries(db, x, false, e);
}

static bool one_number(struct db *db, const char *sql, uint64_t bound, bool *there, uint64_t *out, struct err *e) {
    struct db_stmt *s;
    bool row = false;
    if (!db_query(db, sql, &s, e))
        return false;
    db_bind_int(db, s, ":bound", (int64_t)bound);
    bool ok = db_step(db, s, &row, e);
    *there = ok && row;
    *out = *there ? (uint64_t)db_int(db, s, "n") : 0;
    db_done(db, s);
    return ok;
}

static bool mark_of(struct db *db, struct mark *out, struct err *e) {
    struct db_stmt *s;
    bool row = false;
    *out = (struct mark){0};
    if (!db_query(db, "SELECT n, figures FROM rollups WHERE kind = 'until' AND name = '' AND at_ms = 0", &s, e))
        return false;
    bool ok = db_step(db, s, &row, e);
    if (ok && row) {
        out->until_ms = (uint64_t)db_int(db, s, "n");
        (void)!text_copy(out->word, sizeof out->word, slice_str(db_text(db, s, "figures")));
    }
    db_done(db, s);
    return ok;
}

static bool until_of(struct db *db, uint64_t *out, struct err *e) {
    struct mark mark;
    bool ok = mark_of(db, &mark, e);
    *out = mark.until_ms;
    return ok;
}

// *more: there was something, and there may be more.
static bool sweep_slice(struct db *db, struct writer *writer, uint64_t now_ms, bool *more, struct err *e) {
    SCOPED_ARENA(a);
    struct slice_sum *x = arena_calloc(a, 1, sizeof *x);
    uint64_t first, most = now_ms > ROLL_AFTER_MS ? now_ms - ROLL_AFTER_MS : 0;
    x->arena = a;
    *more = false;
    if (!mark_of(db, &x->was, e) ||
        !one_number(db, "SELECT ended_ms AS n FROM executions WHERE ended_ms >= :bound ORDER BY ended_ms LIMIT 1",
                    x->was.until_ms, more, &first, e))
        return false;
    *more = *more && first < most;
    if (!*more)
        return true;
    x->next_ms = first / SLICE_MS * SLICE_MS + SLICE_MS;
    x->next_ms = x->next_ms < most ? x->next_ms : most;
    return each_end(db, first, x->next_ms, INT64_MAX, a, add_end, x, e) && writer_do(writer, store_slice, x, e);
}

bool rollups_sweep(struct db *reading, struct writer *writer, uint64_t now_ms, struct err *e) {
    for (bool more = true; more;)
        if (!sweep_slice(reading, writer, now_ms, &more, e))
            return false;
    return true;
}

// --- an end that was of a false execution --------------------------------------------------------------------------

bool rollups_find_end(struct db *db, const struct execution_key *key, struct arena *a, const struct ended **out,
                      struct err *e) {
    struct db_stmt *s;
    struct ended *x = arena_calloc(a, 1, sizeof *x);
    bool row = false;
    if (!db_query(db,
                  "SELECT ended_ms, outcome, about, report, worker_id FROM executions WHERE " IS_KEY(
                      ":contract", ":request") " AND ended_ms IS NOT NULL",
                  &s, e))
        return false;
    db_bind_text(db, s, ":contract", key->contract_id);
    db_bind_int(db, s, ":request", (int64_t)key->request_id);
    bool ok = db_step(db, s, &row, e);
    if (ok && row)
        read_end(a, db, s, x);
    *out = ok && row ? x : NULL;
    db_done(db, s);
    return ok;
}

// Whoever adds up now has read the false end, or waits here and finds another word.
static bool change_word(struct db *db, struct err *e) {
    struct db_stmt *s;
    struct hash word;
    char hex[65];
    random_bytes(word.b, sizeof word.b);
    if (!db_query(db, "UPDATE rollups SET figures = :word WHERE kind = 'until' AND name = '' AND at_ms = 0", &s, e))
        return false;
    db_bind_text(db, s, ":word", hash_hex(&word, hex));
    return db_run(db, s, e);
}

bool rollups_take_back(struct db *db, const struct ended *was, struct err *e) {
    SCOPED_ARENA(a);
    struct slice_sum *x = arena_calloc(a, 1, sizeof *x);
    uint64_t until;
    x->arena = a;
    if (!change_word(db, e) || !until_of(db, &until, e))
        return false;
    if (!was || was->at_ms >= until)
        return true;
    add_end(x, a, was);
    return store_entries(db, x, true, e);
}

// --- the thread ----------------------------------------------------------------------------------------------------

struct rollups {
    struct db *reading;
    struct writer *writer;
    struct ticker *ticker;
};

// Ends have the moments of the database's clock.
static void add_up(void *ctx) {
    struct rollups *r = ctx;
    struct err e;
    uint64_t now;
    bool more;
    do {
        if (!database_now_ms(r->reading, &now, &e) || !sweep_slice(r->reading, r->writer, now, &more, &e)) {
            log_err(LOG_WARN, "what has ended could not be added up, and is looked at again in a few seconds", &e);
            return;
        }
    } while (more && ticker_rest(r->ticker, 1));
}

bool rollups_start(struct rollups **out, struct db *reading, struct writer *writer, struct err *e) {
    struct rollups *r = xcalloc(1, sizeof *r);
    *r = (struct rollups){.reading = reading, .writer = writer};
    if (!ticker_start(&r->ticker, EVERY_MS, add_up, r, e)) {
        free(r);
        return false;
    }
    *out = r;
    return true;
}

void rollups_stop(struct rollups *r) {
    if (!r)
        return;
    ticker_stop(r->ticker);
    free(r);
}

// --- what is known -------------------------------------------------------------------------------------------------

struct recent {
    enum rollup_kind kind;
    const char *const *names;
    size_t count;
    struct figures *sums;
};

static const char *name_in(const struct ended *x, enum rollup_kind kind) {
    switch (kind) {
    case ROLLUP_PAYER: return x->payer;
    case ROLLUP_SENDER: return x->sender;
    case ROLLUP_REPO: return x->repo;
    case ROLLUP_WORKER: return x->worker;
    case ROLLUP_TOTAL:
    case ROLLUP_MINUTE:
    case ROLLUP_HOUR:
    case ROLLUP_KIND_COUNT: break;
    }
    return "";
}

static void add_recent(void *ctx, struct arena *a, const struct ended *x) {
    struct recent *r = ctx;
    const char *of = name_in(x, r->kind);
    (void)a;
    for (size_t i = 0; of && i < r->count; i++)
        if (strcmp(of, r->names[i]) == 0)
            figures_add(&r->sums[i], &x->figures);
}

bool rollups_of_all(struct db *db, enum rollup_kind kind, const char *const *names, size_t count, struct figures *out,
                    struct err *e) {
    SCOPED_ARENA(a);
    struct recent r = {kind, names, count, out};
    uint64_t until;
    if (!until_of(db, &until, e))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!look(db, kind, names[i], 0, &out[i], e))
            return false;
    return each_end(db, until, INT64_MAX, ROLL_RECENT_MAX, a, add_recent, &r, e);
}

bool rollups_of(struct db *db, enum rollup_kind kind, const char *name, struct figures *out, struct err *e) {
    return rollups_of_all(db, kind, &name, 1, out, e);
}

struct series {
    uint64_t from_ms, to_ms, step_ms;
    struct figures *steps;
};

static void add_at(struct series *x, uint64_t at_ms, const struct figures *f) {
    if (at_ms >= x->from_ms && at_ms < x->to_ms)
        figures_add(&x->steps[(at_ms - x->from_ms) / x->step_ms], f);
}

static void add_step(void *ctx, struct arena *a, const struct ended *x) {
    (void)a;
    add_at(ctx, x->at_ms, &x->figures);
}

static bool add_stored(struct db *db, struct series *x, struct err *e) {
    struct db_stmt *s;
    struct figures f;
    bool row = false, ok;
    if (!db_query(db,
                  "SELECT at_ms, figures FROM rollups WHERE kind = :kind AND name = '' AND at_ms >= :from AND at_ms < "
                  ":to ORDER BY at_ms",
                  &s, e))
        return false;
    db_bind_text(db, s, ":kind", kinds[x->step_ms % HOUR_MS ? ROLLUP_MINUTE : ROLLUP_HOUR]);
    db_bind_int(db, s, ":from", (int64_t)x->from_ms);
    db_bind_int(db, s, ":to", (int64_t)x->to_ms);
    while ((ok = db_step(db, s, &row, e)) && row && (ok = figures_read(&f, db_text(db, s, "figures"), e)))
        add_at(x, (uint64_t)db_int(db, s, "at_ms"), &f);
    db_done(db, s);
    return ok;
}

bool rollups_series(struct db *db, uint64_t from_ms, uint64_t to_ms, uint64_t step_ms,
                    void (*each)(void *ctx, uint64_t at_ms, const struct figures *f), void *ctx, struct err *e) {
    SCOPED_ARENA(a);
    uint64_t until, from = from_ms / step_ms * step_ms, count = (to_ms - from + step_ms - 1) / step_ms;
    struct series x = {from, from + count * step_ms, step_ms, arena_calloc(a, count + 1, sizeof(struct figures))};
    if (!until_of(db, &until, e) || !add_stored(db, &x, e) ||
        !each_end(db, until > x.from_ms ? until : x.from_ms, x.to_ms, ROLL_RECENT_MAX, a, add_step, &x, e))
        return false;
    for (uint64_t i = 0; i < count; i++)
        if (x.steps[i].executions)
            each(ctx, from + i * step_ms, &x.steps[i]);
    return true;
}

bool rollups_most(struct db *db, enum rollup_kind kind, uint64_t limit,
                  void (*each)(void *ctx, const char *name, const struct figures *f), void *ctx, struct err *e) {
    struct db_stmt *s;
    struct figures f;
    bool row = false, ok;
    if (!db_query(db, "SELECT name, figures FROM rollups WHERE kind = :kind ORDER BY n DESC, name LIMIT :limit", &s, e))
        return false;
    db_bind_text(db, s, ":kind", kinds[kind]);
    db_bind_int(db, s, ":limit", (int64_t)limit);
    while ((ok = db_step(db, s, &row, e)) && row && (ok = figures_read(&f, db_text(db, s, "figures"), e)))
        each(ctx, db_text(db, s, "name"), &f);
    db_done(db, s);
    return ok;
}

bool rollups_count(struct db *db, enum rollup_kind kind, uint64_t *out, struct err *e) {
    struct db_stmt *s;
    bool row = false;
    if (!db_query(db, "SELECT count(*) AS n FROM rollups WHERE kind = :kind", &s, e))
        return false;
    db_bind_text(db, s, ":kind", kinds[kind]);
    bool ok = db_step(db, s, &row, e);
    *out = ok && row ? (uint64_t)db_int(db, s, "n") : 0;
    db_done(db, s);
    return ok;
}
