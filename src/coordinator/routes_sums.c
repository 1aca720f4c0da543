// SPDX-License-Identifier: Apache-2.0
// What has been added up: counts since the beginning, by time, of accounts and of repositories.
#include "coordinator/api.h"
#include "coordinator/routes.h"

#include "base/clock.h"
#include <inttypes.h>

#define HOUR_MS 3600000
#define DAY_MS 86400000
#define STEPS_MAX 1500
#define REPOS_DEFAULT 10

// What several answers show of sums. Amounts are decimal texts.
static void put_outcomes(json_t *o, const struct figures *f) {
    json_set_u64(o, "successful_executions", f->success);
    json_set_u64(o, "failed_executions", f->guest_failed);
    json_set_u64(o, "refused_executions", f->refused);
    json_set_u64(o, "expired_executions", f->expired);
    json_set_u64(o, "guest_failures", f->guest);
    json_set_u64(o, "build_failures", f->build);
    json_set_u64(o, "access_failures", f->access);
    json_set_u64(o, "platform_failures", f->platform);
}

// The same by the reference's names. Two of its kinds do not exist here.
static void put_reference(json_t *o, const struct figures *f) {
    json_set_u64(o, "access_denied_executions", f->access);
    json_set_u64(o, "compilation_failed_executions", f->build);
    json_set_u64(o, "execution_failed_executions", f->guest);
    json_set_u64(o, "insufficient_payment_executions", 0);
    json_set_u64(o, "custom_executions", 0);
}

static void put_used(json_t *o, const struct figures *f) {
    json_set_u64(o, "instructions_used", f->instructions);
    json_set_u64(o, "average_execution_time_ms", f->runs ? f->run_ms / f->runs : 0);
    json_set_u64(o, "run_ms_p50", figures_quantile(f->run, 50));
    json_set_u64(o, "run_ms_p95", figures_quantile(f->run, 95));
    json_set_u64(o, "build_ms_p50", figures_quantile(f->built, 50));
    json_set_u64(o, "build_ms_p95", figures_quantile(f->built, 95));
    json_set_u128(o, "paid", f->paid);
    json_set_u128(o, "charged", f->charged);
    json_set_u128(o, "refunded", f->refunded);
}

// What is asked of the database, and how it is shown; false: *e says why not.
struct sums_question {
    struct coordinator *c;
    struct http_request *request;
    const char *key; // under which the answer is kept
    bool (*ask)(struct sums_question *q, struct db *db, json_t *out, struct err *e);
    bool is_list;
};

static void answer_now(struct http_request *r, void *ctx) {
    struct sums_question *q = ctx;
    struct err e;
    SCOPED_JSON(out) = q->is_list ? json_array() : json_object();
    struct db *db = readers_take(q->c->readers);
    bool ok = q->ask(q, db, out, &e);
    readers_put(q->c->readers, db);
    if (ok)
        kept_answers_put(q->c->kept, r, q->key, slice_str(json_text(http_arena(r), out)));
    else
        http_reply_err(r, &e);
}

static void answer(struct http_request *r, struct coordinator *c, const char *key, bool is_list,
                   bool (*ask)(struct sums_question *q, struct db *db, json_t *out, struct err *e)) {
    struct sums_question *q = arena_calloc(http_arena(r), 1, sizeof *q);
    *q = (struct sums_question){c, r, key, ask, is_list};
    if (!kept_answers_reply(c->kept, r, key))
        readers_run(c->readers, r, coordinator_has_token(r), answer_now, q);
}

// --- since the beginning -------------------------------------------------------------------------------------------

static void reply_stats(struct http_request *r, struct coordinator *c, const struct known_sums *sums) {
    const struct figures *f = &sums->figures;
    struct queue_counts n;
    SCOPED_JSON(out) = json_object();
    queue_counts(c->queue, &n);
    put_outcomes(out, f);
    put_used(out, f);
    json_set_u64(out, "total_executions", n.created);
    json_set_u64(out, "successful_executions", n.succeeded);
    json_set_u64(out, "failed_executions", n.guest_failed);
    json_set_u64(out, "refused_executions", n.refused);
    json_set_u64(out, "expired_executions", n.expired);
    json_set_u64(out, "instructions_used", n.instructions);
    json_set_u64(out, "active_workers", shared_alive(c->shared));
    for (int s = EXECUTION_QUEUED; s <= EXECUTION_SUBMITTING; s++)
        json_set_u64(out, execution_text((enum execution_state)s), n.by_state[s]);
    json_set_u64(out, "unique_users", sums->senders);
    json_set_u64(out, "unique_payers", sums->payers);
    put_reference(out, f);
    json_set_u64(out, "total_instructions_used", n.instructions);
    json_set_u128(out, "total_near_paid_yocto", f->charged);
    public_reply(r, slice_str(json_text(http_arena(r), out)));
}

// false: they are to be looked up. Of those who ask then one does it, and the others have the last ones.
static bool take_sums(struct coordinator *c, struct known_sums *out) {
    uint64_t now = clock_mono_ms();
    pthread_mutex_lock(&c->sums_mutex);
    bool good = c->sums.until_ms > now;
    *out = c->sums;
    if (c->sums.until_ms)
        c->sums.until_ms = good ? c->sums.until_ms : now + ANSWER_KEPT_MS;
    pthread_mutex_unlock(&c->sums_mutex);
    return good;
}

// A database that cannot be asked now does not hide what was known.
static void look_sums_up(struct http_request *r, void *ctx) {
    struct coordinator *c = ctx;
    struct known_sums sums;
    struct err e;
    struct db *db = readers_take(c->readers);
    bool ok = rollups_of(db, ROLLUP_TOTAL, "", &sums.figures, &e) &&
              rollups_count(db, ROLLUP_SENDER, &sums.senders, &e) && rollups_count(db, ROLLUP_PAYER, &sums.payers, &e);
    readers_put(c->readers, db);
    sums.until_ms = clock_mono_ms() + ANSWER_KEPT_MS;
    pthread_mutex_lock(&c->sums_mutex);
    if (ok)
        c->sums = sums;
    else
        sums = c->sums;
    pthread_mutex_unlock(&c->sums_mutex);
    if (ok || sums.until_ms)
        reply_stats(r, c, &sums);
    else
        http_reply_err(r, &e);
}

// Counts are of this moment; sums are a second old.
void public_stats(struct http_request *r, void *ctx) {
    struct coordinator *c = ctx;
    struct known_sums sums;
    if (take_sums(c, &sums))
        reply_stats(r, c, &sums);
    else
        readers_run(c->readers, r, coordinator_has_token(r), look_sums_up, c);
}

// --- by time ---------------------------------------------------------------------------------------------------------

static void add_step(void *list, uint64_t at_ms, const struct figures *f) {
    json_t *o = json_object();
    json_set_u64(o, "at_ms", at_ms);
    json_set_u64(o, "executions", f->executions);
    put_outcomes(o, f);
    put_used(o, f);
    json_array_append_new(list, o);
}

struct period {
    uint64_t from_ms, to_ms, step_ms;
};

static struct period period_of(struct http_request *r) {
    uint64_t to = api_number(r, "to", clock_wall_ms()), from = api_number(r, "from", to > DAY_MS ? to - DAY_MS : 0);
    return (struct period){from, to, api_number(r, "step", 3600) * 1000};
}

static bool ask_series(struct sums_question *q, struct db *db, json_t *out, struct err *e) {
    struct period p = period_of(q->request);
    json_t *steps = json_array();
    json_set_u64(out, "from_ms", p.from_ms / p.step_ms * p.step_ms);
    json_set_u64(out, "step_ms", p.step_ms);
    json_object_set_new(out, "steps", steps);
    return rollups_series(db, p.from_ms, p.to_ms, p.step_ms, add_step, steps, e);
}

// Of minutes there are rows for so long alone, and of so long there are many.
static bool period_check(const struct period *p, uint64_t now_ms, struct err *e) {
    if (p->step_ms % 60000)
        return err_set(e, ERR_INVALID, "'step' is whole minutes, in seconds");
    if (p->step_ms > HOUR_MS && p->step_ms % HOUR_MS)
        return err_set(e, ERR_INVALID, "a 'step' of more than an hour is whole hours, in seconds");
    if (p->from_ms >= p->to_ms || (p->to_ms - p->from_ms) / p->step_ms >= STEPS_MAX) {
        err_set(e, ERR_INVALID, "'from' is before 'to', and there are at most %d steps between", STEPS_MAX);
        return err_hint(e, "ask with a longer step=");
    }
    if (p->step_ms % HOUR_MS == 0 || now_ms < ROLL_MINUTES_MS || p->from_ms >= now_ms - ROLL_MINUTES_MS)
        return true;
    err_set(e, ERR_INVALID, "what ended in single minutes is kept for %u days", (unsigned)(ROLL_MINUTES_MS / DAY_MS));
    return err_hint(e, "ask with a step= of whole hours, or a later from=");
}

void public_series(struct http_request *r, void *ctx) {
    struct period p = period_of(r);
    struct err e;
    if (!period_check(&p, clock_wall_ms(), &e)) {
        http_reply_err(r, &e);
    } else {
        // The end of one that goes on to now moves: such are the same for a second. Steps are whole seconds, so that
        // all of one key have the same.
        const char *key = arena_printf(http_arena(r), "series %" PRIu64 " %" PRIu64 " %" PRIu64, p.from_ms / 1000,
                                       (p.to_ms + 999) / 1000, p.step_ms);
        answer(r, ctx, key, false, ask_series);
    }
}

// --- of accounts and repositories ------------------------------------------------------------------------------------

// What it paid for, and beside that how often it asked. An execution counts once.
static bool ask_usage(struct sums_question *q, struct db *db, json_t *out, struct err *e) {
    const char *account = http_param(q->request, "account_id");
    struct figures paid, sent;
    if (!rollups_of(db, ROLLUP_PAYER, account, &paid, e) || !rollups_of(db, ROLLUP_SENDER, account, &sent, e))
        return false;
    json_set_text(out, "account_id", account);
    json_set_u64(out, "paid_executions", paid.executions);
    json_set_u64(out, "sent_executions", sent.executions);
    put_outcomes(out, &paid);
    put_used(out, &paid);
    return true;
}

void public_usage(struct http_request *r, void *ctx) {
    answer(r, ctx, arena_printf(http_arena(r), "usage %s", http_param(r, "account_id")), false, ask_usage);
}

// The reference calls that earnings which an account has spent.
static bool ask_earnings(struct sums_question *q, struct db *db, json_t *out, struct err *e) {
    const char *account = http_param(q->request, "account_id");
    struct figures f;
    if (!rollups_of(db, ROLLUP_PAYER, account, &f, e))
        return false;
    json_set_text(out, "user_account_id", account);
    json_set_u64(out, "total_executions", f.executions);
    json_set_u64(out, "successful_executions", f.success);
    json_set_u128(out, "total_near_spent_yocto", f.charged);
    json_set_u64(out, "total_instructions_used", f.instructions);
    json_set_u64(out, "average_execution_time_ms", f.runs ? f.run_ms / f.runs : 0);
    return true;
}

void public_earnings(struct http_request *r, void *ctx) {
    answer(r, ctx, arena_printf(http_arena(r), "earnings %s", http_param(r, "account_id")), false, ask_earnings);
}

static void add_repo(void *list, const char *name, const struct figures *f) {
    json_t *o = json_object();
    json_set_text(o, "repo", name);
    json_set_text(o, "github_repo", name);
    json_set_u64(o, "total_executions", f->executions);
    put_outcomes(o, f);
    put_reference(o, f);
    put_used(o, f);
    json_set_text(o, "last_commit", f->last[0] ? f->last : NULL);
    json_array_append_new(list, o);
}

static bool ask_repos(struct sums_question *q, struct db *db, json_t *out, struct err *e) {
    return rollups_most(db, ROLLUP_REPO, api_number(q->request, "limit", REPOS_DEFAULT), add_repo, out, e);
}

void public_repos(struct http_request *r, void *ctx) {
    answer(r, ctx, arena_printf(http_arena(r), "repos %" PRIu64, api_number(r, "limit", REPOS_DEFAULT)), true,
           ask_repos);
}
