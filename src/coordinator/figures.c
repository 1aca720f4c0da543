// SPDX-License-Identifier: Apache-2.0
// What the coordinator tells its operator, and the little of it that everybody may read.
#include "coordinator/routes.h"

#include "base/log.h"
#include <inttypes.h>

// --- counting answers

// What a refusal says before it names anything: "too many changes are waiting for the database".
static void reason_of(char out[static TALLY_NAME_MAX + 1], const char *why) {
    size_t skip = strcspn(why, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
    size_t n = strcspn(why + skip, ":;'\"0123456789");
    while (n && why[skip + n - 1] == ' ')
        n--;
    snprintf(out, TALLY_NAME_MAX + 1, "%.*s", (int)(n < TALLY_NAME_MAX ? n : TALLY_NAME_MAX), why + skip);
}

void coordinator_count_answer(struct coordinator *c, size_t route, int status, uint64_t us, const char *why) {
    char reason[TALLY_NAME_MAX + 1];
    if (status >= 100 && status < 600)
        atomic_fetch_add(&c->answers[status / 100], 1);
    if (route < COORDINATOR_ROUTES_MAX)
        histogram_add(&c->latency[route], us);
    if (status != 503 && status != 429)
        return;
    reason_of(reason, why ? why : "");
    tally_add(status == 503 ? &c->unavailable : &c->too_many, reason[0] ? reason : "unknown");
}

// --- figures

static void add_executions(const struct queue_counts *n, struct buf *out) {
    const struct {
        const char *label;
        uint64_t n;
    } ends[] = {{"outcome=\"success\"", n->succeeded},
                {"outcome=\"guest_failed\"", n->guest_failed},
                {"outcome=\"refused\"", n->refused},
                {"outcome=\"expired\"", n->expired}};
    char label[FIGURE_LABEL_MAX];
    figure_one(out, FIGURE_COUNTER, "outlayer_executions_created_total", "Executions recorded.", n->created);
    figure_head(out, FIGURE_COUNTER, "outlayer_executions_ended_total", "Executions that ended, by outcome.");
    for (size_t i = 0; i < ARRAY_LEN(ends); i++)
        figure_u64(out, "outlayer_executions_ended_total", ends[i].label, ends[i].n);
    figure_head(out, FIGURE_GAUGE, "outlayer_executions", "Executions that are not over, by state.");
    for (int s = EXECUTION_QUEUED; s <= EXECUTION_SUBMITTING; s++)
        figure_u64(out, "outlayer_executions", figure_label(label, "state", execution_text((enum execution_state)s)),
                   n->by_state[s]);
    figure_one(out, FIGURE_COUNTER, "outlayer_instructions_total", "Instructions that guests used.", n->instructions);
}

static void add_common(struct coordinator *c, const struct queue_counts *n, struct buf *out) {
    add_executions(n, out);
    figure_one(out, FIGURE_GAUGE, "outlayer_workers_alive", "Workers seen in the last 30 seconds.",
               shared_alive(c->shared));
}

static void add_answers(struct coordinator *c, struct buf *out) {
    char label[FIGURE_LABEL_MAX], route[TALLY_NAME_MAX + 1];
    figure_head(out, FIGURE_COUNTER, "outlayer_http_answers_total", "Answers since the start, by class of status.");
    for (unsigned i = 2; i < ARRAY_LEN(c->answers); i++) {
        snprintf(route, sizeof route, "%uxx", i);
        figure_u64(out, "outlayer_http_answers_total", figure_label(label, "class", route), c->answers[i]);
    }
    figure_head(out, FIGURE_HISTOGRAM, "outlayer_http_answer_seconds",
                "How long answers took, by route; a poll waits for work.");
    for (size_t i = 0; coordinator_route_name(i, route); i++)
        figure_histogram(out, "outlayer_http_answer_seconds", figure_label(label, "route", route), &c->latency[i]);
    figure_head(out, FIGURE_COUNTER, "outlayer_http_unavailable_total", "Answers 503, by what they said.");
    figure_tally(out, "outlayer_http_unavailable_total", "reason", &c->unavailable);
    figure_head(out, FIGURE_COUNTER, "outlayer_http_too_many_total", "Answers 429, by what they said.");
    figure_tally(out, "outlayer_http_too_many_total", "reason", &c->too_many);
}

void coordinator_figures(struct coordinator *c, struct buf *out) {
    struct queue_counts n;
    queue_counts(c->queue, &n);
    add_common(c, &n, out);
    figure_one(out, FIGURE_COUNTER, "outlayer_leases_lost_total", "Leases not confirmed or run out, since the start.",
               n.leases_lost);
    figure_one(out, FIGURE_GAUGE, "outlayer_polls_waiting", "Workers that wait for an execution.", n.polls);
    changes_figures(c->changes, out);
    queue_figures(c->queue, out);
    writer_figures(c->writer, n.waiting, out);
    add_answers(c, out);
    figure_one(out, FIGURE_GAUGE, "outlayer_workers_benched", "Workers that the operator keeps from new leases.",
               shared_benched(c->shared));
    figure_one(out, FIGURE_GAUGE, "outlayer_coordinators", "Coordinators that use this database.",
               shared_coordinators(c->shared));
    if (c->redis)
        redis_figures(c->redis, out);
    shared_figures(c->shared, out);
    figure_one(out, FIGURE_COUNTER, "outlayer_branch_questions_total",
               "Questions about branches that a repository was asked.", c->branch_questions);
    figure_one(out, FIGURE_GAUGE, "outlayer_wasm_bytes", "Bytes of stored modules.", blobs_bytes(c->blobs));
}

// On the port that everybody reaches: what /public/stats says, too.
void metrics(struct http_request *r, void *ctx) {
    struct coordinator *c = ctx;
    struct queue_counts n;
    SCOPED_BUF(out, FIGURES_MAX);
    queue_counts(c->queue, &n);
    add_common(c, &n, &out);
    http_reply(r, 200, FIGURES_TYPE, buf_slice(&out));
}
