// SPDX-License-Identifier: Apache-2.0
// outlayer collateral watch: looks every six hours, keeps files and the register contract fresh, judges a running
// platform by today's TCB set and by Intel's next one, and shows all of it as metrics. docs/collateral.md.
#include "cli/collateral_keys.h"
#include "cli/collateral_push.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/payer.h"
#include "collateral/forms.h"
#include "collateral/moment.h"
#include "dcap/report.h"
#include "http/listen.h"
#include "http/server.h"
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>

#define EVERY_S (6 * 3600u)
#define AGAIN_S 900u // after a look that failed
#define PUSH_DAYS 3
#define LENT_BYTES (1u << 20)
#define METRICS_MAX (256u << 10)

struct watch {
    const struct collateral_options *o;
    const struct attest *attest;
    struct slice quote;
    atomic_bool cancel;
    struct listen_place at; // of the server
    sigset_t stop;
    pthread_mutex_t lock; // guards what follows
    struct buf metrics;
    uint64_t looks, failed, pushed;
};

// --- one look

struct look {
    struct watch *w;
    struct collateral_job j; // with an arena of its own
    struct collateral_chain chain;
    struct quote_platform platform;
    struct collateral_facts facts[COLLATERAL_PARTS]; // of the standard set's file
    struct collateral standard;
    struct kept_parts kept;
    bool have_kept;
    bool looked;   // as far as the parts
    int status[2]; // by the standard and the early set; -1: not known
};

// What the platform is worth by a set: a status, or how many there are where it has none.
static int judge(struct look *l, const struct collateral *c, struct bytes *report) {
    struct dcap_trust trust = l->j.attest.trust;
    struct dcap_policy policy;
    struct dcap_checked checked;
    struct dcap_arena lent = {arena_alloc(l->j.a, LENT_BYTES), LENT_BYTES, 0};
    dcap_policy_default(&policy);
    const struct dcap_question q = {.quote = {l->w->quote.ptr, l->w->quote.len},
                                    .collateral = collateral_for_core(c),
                                    .policy = &policy,
                                    .trust = &trust,
                                    .now = l->j.attest.now};
    dcap_check(&checked, &lent, &q);
    *report = dcap_report(&lent, &checked);
    return checked.good ? (int)checked.v.judgement.status - 1 : DCAP_STATUS_COUNT;
}

// What a person has to do before the next set becomes the standard.
static void say_short(struct look *l, struct bytes report) {
    SCOPED_JSON(j) = json_parse(slice_of(report.ptr, report.len), report.len, NULL);
    const json_t *one;
    size_t i;
    json_array_foreach(json_object_get(j, "short"), i, one)
        printf("behind      %s has %lld, needs %lld: %s\n",
               printable(l->j.a, slice_str(json_string_value(json_object_get(one, "component")))),
               json_integer_value(json_object_get(one, "has")), json_integer_value(json_object_get(one, "needs")),
               json_string_value(json_object_get(one, "raised_by")));
}

// Brings the file of a set up to date. *m is what the file has then, also where not all could be had.
static bool refresh(struct look *l, const char *set, struct fetched *got, struct collateral_merge *m, struct err *e) {
    const char *folder;
    struct err why;
    *m = (struct collateral_merge){0};
    if (!job_folder(&l->j, &folder, e) || !file_make_dirs(folder, 0755, e))
        return false;
    bool all = job_fetch(&l->j, &l->platform, set, got, &why);
    fetch_notes_show(got);
    if (!collateral_merge_file(m, l->j.a, job_file(l->j.a, folder, &l->platform, set), &got->c, got->facts,
                               &l->j.attest.trust, l->j.attest.now, e))
        return false;
    if (!all)
        *e = why;
    return all;
}

// What is kept of the next set, where nobody is to be asked: those who were did not answer.
static void reread(struct look *l, struct collateral_merge *m) {
    const char *folder;
    struct err why;
    *m = (struct collateral_merge){0};
    if (job_folder(&l->j, &folder, &why) &&
        collateral_load(&m->kept, l->j.a, job_file(l->j.a, folder, &l->platform, "early"), &why))
        collateral_judge(m->facts, &m->kept, &m->kept, &l->j.attest.trust, l->j.attest.now);
}

// Many caches do not have the next set: that is no failure, and shows by its absence.
static void look_early(struct look *l, bool fresh) {
    struct fetched got;
    struct collateral_merge m;
    struct bytes report;
    struct err why;
    if (!fresh)
        reread(l, &m);
    else if (!refresh(l, "early", &got, &m, &why))
        fprintf(stderr, "note        Intel's next set: %s\n", printable_line(l->j.a, why.msg));
    if (!m.facts[COLLATERAL_TCB_INFO].good)
        return;
    l->status[1] = judge(l, &m.kept, &report);
    if (l->status[0] >= 0 && l->status[1] > l->status[0]) {
        printf("warning     by Intel's next set (%" PRIu64 ") this platform will be worse than today\n",
               m.facts[COLLATERAL_TCB_INFO].number);
        say_short(l, report);
    }
}

static bool somebody_pays(const struct collateral_options *o) {
    return o->from || o->target.credentials || payer_is_set();
}

static bool push_due(struct look *l, struct err *e) {
    struct push_result r = {0};
    bool any = false;
    for (enum collateral_part p = 0; p < COLLATERAL_PARTS; p++) {
        r.parts[p] = l->facts[p].good && kept_is_due(&l->kept, p, &l->facts[p], l->j.attest.now, PUSH_DAYS, WARN_DAYS);
        any = any || r.parts[p];
    }
    if (!any)
        return true;
    if (!somebody_pays(l->w->o)) {
        fprintf(stderr, "note        the register contract has older parts; give --from to have them pushed\n");
        return true;
    }
    if (!push_parts(&l->chain, &l->j, &l->standard, &r, e))
        return false;
    l->w->pushed++;
    SCOPED_JSON(out) = json_array();
    push_report(&l->j, &r, "pushed", out);
    return chain_kept(&l->chain, &l->j, &l->kept, e);
}

static bool look_at_all(struct look *l, struct err *e) {
    struct fetched got = {0};
    struct collateral_merge m;
    struct bytes report;
    struct dcap_fault f;
    bool pays = somebody_pays(l->w->o);
    if (!chain_open(&l->chain, &l->j, pays, e))
        return false;
    if (l->chain.known) {
        l->have_kept = chain_kept(&l->chain, &l->j, &l->kept, e);
        if (!l->have_kept)
            return false;
    }
    if (!quote_platform_of(&l->platform, l->w->quote, &l->j.attest.trust, l->j.attest.now, &f))
        return collateral_fault_err(&f, l->j.attest.now, e);
    bool fresh = refresh(l, "standard", &got, &m, e);
    memcpy(l->facts, m.facts, sizeof l->facts);
    l->standard = m.kept;
    l->looked = true;
    if (m.facts[COLLATERAL_TCB_INFO].good) {
        l->status[0] = judge(l, &m.kept, &report);
        if (l->status[0] != 0)
            say_short(l, report);
    }
    struct err why;
    if (l->chain.known && (!push_due(l, fresh ? e : &why) || !keys_upkeep(&l->chain, &l->j, &l->kept, pays, e)))
        return false;
    const struct tcb_set *standard = got.sets_known ? tcb_sets_standard(&got.sets, l->j.attest.now) : NULL;
    if (!got.sets_known || standard != tcb_sets_early(&got.sets))
        look_early(l, fresh);
    return fresh;
}

// --- metrics

// What a part is called also where it is over, or not there.
static const char *id_of(const struct look *l, enum collateral_part p) {
    switch (p) {
    case COLLATERAL_ROOT_CRL: return "root";
    case COLLATERAL_PCK_CRL: return l->platform.ca;
    case COLLATERAL_TCB_INFO: return l->platform.fmspc;
    case COLLATERAL_QE_IDENTITY: return l->platform.tdx ? "TD_QE" : "QE";
    case COLLATERAL_PARTS: break;
    }
    return "";
}

// When a part ends: on chain, where there is one, else in the file. 0: it is over, or not there.
static uint64_t end_of(const struct look *l, enum collateral_part p) {
    if (!l->have_kept)
        return l->facts[p].good ? l->facts[p].expires : 0;
    const struct kept_part *k = kept_in_force(&l->kept, p, id_of(l, p));
    return k ? k->until : 0;
}

static double days_left(const struct look *l, enum collateral_part p) {
    uint64_t end = end_of(l, p);
    return end > l->j.attest.now ? (double)(end - l->j.attest.now) / DAY_S : 0;
}

static void put_days(struct buf *b, const struct look *l) {
    buf_add_str(b,
                "# HELP collateral_days_left Days until a part of collateral ends, on chain where there is a register "
                "contract.\n# TYPE collateral_days_left gauge\n");
    for (enum collateral_part p = 0; p < COLLATERAL_PARTS; p++)
        buf_printf(b, "collateral_days_left{part=\"%s\",id=\"%s\"} %.3f\n", collateral_part_name(p), id_of(l, p),
                   days_left(l, p));
}

static void put_status(struct buf *b, const struct look *l) {
    static const char *const sets[] = {"standard", "early"};
    buf_add_str(b, "# HELP tcb_status What the platform is worth by a TCB set: 0 UpToDate, docs/collateral.md has the "
                   "others.\n# TYPE tcb_status gauge\n");
    for (size_t i = 0; i < ARRAY_LEN(sets); i++)
        if (l->status[i] >= 0)
            buf_printf(b, "tcb_status{set=\"%s\"} %d\n", sets[i], l->status[i]);
}

// Figures of a look that failed before it had any stay those of the one before, and its age shows.
static void publish(struct look *l, bool ok) {
    struct watch *w = l->w;
    pthread_mutex_lock(&w->lock);
    w->looks++;
    w->failed += !ok;
    if (l->looked) {
        buf_clear(&w->metrics);
        put_days(&w->metrics, l);
        put_status(&w->metrics, l);
        if (ok)
            buf_printf(&w->metrics,
                       "# HELP collateral_good_look_seconds When the last look succeeded.\n"
                       "# TYPE collateral_good_look_seconds gauge\ncollateral_good_look_seconds %" PRIu64 "\n",
                       clock_wall_ms() / 1000);
    }
    pthread_mutex_unlock(&w->lock);
}

static void show_metrics(struct http_request *r, void *ctx) {
    struct watch *w = ctx;
    SCOPED_BUF(out, METRICS_MAX);
    pthread_mutex_lock(&w->lock);
    buf_add_slice(&out, buf_slice(&w->metrics));
    buf_printf(&out,
               "# TYPE collateral_looks_total counter\ncollateral_looks_total %" PRIu64 "\n"
               "# TYPE collateral_failed_looks_total counter\ncollateral_failed_looks_total %" PRIu64 "\n"
               "# TYPE collateral_pushes_total counter\ncollateral_pushes_total %" PRIu64 "\n",
               w->looks, w->failed, w->pushed);
    pthread_mutex_unlock(&w->lock);
    http_reply(r, 200, "text/plain; version=0.0.4", buf_slice(&out));
}

// --- the loop

static void say_ends(const struct look *l) {
    for (enum collateral_part p = 0; p < COLLATERAL_PARTS; p++) {
        double left = days_left(l, p);
        if (l->looked && left < WARN_DAYS)
            printf("%-11s %s %s has %.1f days left\n", left < ALARM_DAYS ? "alarm" : "warning", collateral_part_name(p),
                   id_of(l, p), left);
    }
}

static bool look_once(struct watch *w, struct err *e) {
    struct look l = {.w = w, .status = {-1, -1}};
    l.j = (struct collateral_job){.a = arena_new(), .o = w->o, .attest = *w->attest, .cancel = &w->cancel};
    if (!l.j.attest.now_given)
        l.j.attest.now = moment_now();
    bool ok = look_at_all(&l, e);
    publish(&l, ok);
    say_ends(&l);
    char at[MOMENT_TEXT];
    printf("looked      %s: %s\n", moment_text(l.j.attest.now, at), ok ? "all is well" : printable_line(l.j.a, e->msg));
    fflush(stdout);
    chain_close(&l.chain);
    arena_free_wiped(l.j.a);
    return ok;
}

static bool loop(struct watch *w, struct err *e) {
    const struct patience p = {0, &w->cancel};
    uint64_t every = w->o->every.given ? w->o->every.v : EVERY_S, again = every < AGAIN_S ? every : AGAIN_S;
    bool ok = look_once(w, e);
    while (!w->o->once && patience_pause(&p, 1000 * (ok ? every : again)))
        ok = look_once(w, e);
    return ok || !w->o->once; // whoever ends it has heard of what failed
}

static void *wait_for_stop(void *ctx) {
    struct watch *w = ctx;
    int got;
    sigwait(&w->stop, &got);
    w->cancel = true;
    return NULL;
}

static bool listen_at(struct watch *w, struct http_server **server, struct err *e) {
    static const struct http_route routes[] = {{HTTP_GET, "/metrics", show_metrics, 0, NULL, 0}};
    struct http_server_config c = {.host = "127.0.0.1", .threads = 1, .routes = routes, .route_count = 1, .ctx = w};
    if (!w->o->listen)
        return true;
    if (!listen_parse(&w->at, "--listen", w->o->listen, e)) {
        e->code = ERR_USAGE;
        return false;
    }
    c.host = w->at.host;
    c.port = w->at.port;
    if (!http_server_start(server, &c, e))
        return false;
    printf("metrics     http://%s:%u/metrics\n", w->at.host, http_server_port(*server));
    fflush(stdout);
    return true;
}

static bool run(struct watch *w, struct err *e) {
    struct http_server *server = NULL;
    pthread_t stopper;
    // Blocked before the first thread starts, so that only sigwait sees them.
    sigemptyset(&w->stop);
    sigaddset(&w->stop, SIGINT);
    sigaddset(&w->stop, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &w->stop, NULL);
    if (!listen_at(w, &server, e))
        return false;
    if (pthread_create(&stopper, NULL, wait_for_stop, w) != 0) {
        http_server_stop(server);
        return err_set(e, ERR_INTERNAL, "cannot start a thread");
    }
    bool ok = loop(w, e);
    pthread_kill(stopper, SIGTERM); // where it still waits
    pthread_join(stopper, NULL);
    http_server_stop(server);
    return ok;
}

bool collateral_run_watch(struct collateral_job *j, struct err *e) {
    struct watch w = {.o = j->o, .attest = &j->attest, .metrics = buf_init(METRICS_MAX)};
    struct slice file;
    if (!j->o->file) {
        err_set(e, ERR_USAGE, "no quote of the platform is named");
        return err_hint(e, "outlayer collateral watch QUOTE; in a TD this makes one: curl --unix-socket "
                           "/var/run/dstack.sock 'http://localhost/GetQuote?report_data=00' >QUOTE");
    }
    if (j->o->every.given && (j->o->every.v < 1 || j->o->every.v > 7 * DAY_S))
        return err_set(e, ERR_USAGE, "--every takes 1 to 604800 seconds");
    if (!file_read(j->a, j->o->file, QUOTE_FILE_MAX, &file, e) || !quote_read(&w.quote, j->a, file, e))
        return err_wrap(e, "quote '%s'", j->o->file);
    pthread_mutex_init(&w.lock, NULL);
    bool ok = run(&w, e);
    pthread_mutex_destroy(&w.lock);
    buf_free(&w.metrics);
    return ok;
}
