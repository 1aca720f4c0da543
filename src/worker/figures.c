// SPDX-License-Identifier: Apache-2.0
#include "worker/figures.h"

#include "base/clock.h"
#include "worker/monitor.h"
#include "worker/settler.h"
#include "worker/worker.h"
#include <inttypes.h>

#define COORDINATOR_QUIET_MS 15000 // it is spoken to every 5 s
#define CHAIN_QUIET_MS 120000      // it is looked at every 30 s
#define LAG_MAX 300                // blocks: some minutes

bool worker_ready(struct worker *w, struct monitor *m, struct err *e) {
    uint64_t now = clock_mono_ms(), heard = held_heard_ms(w->held), height, age_ms;
    if (flag_is_set(&w->stopping))
        return err_set(e, ERR_UNAVAILABLE, "draining");
    if (now < atomic_load(&w->unable_until_ms)) {
        err_set(e, ERR_UNAVAILABLE, "the chain takes no answer of this worker's key");
        return err_hint(e, "look at the key's allowance and the account's balance");
    }
    if (!heard || now - heard > COORDINATOR_QUIET_MS) {
        err_set(e, ERR_UNAVAILABLE, "the coordinator does not answer");
        return err_hint(e, "look at API_BASE_URL and API_AUTH_TOKEN");
    }
    if (!rpc_newest(w->rpc, &height, &age_ms) || age_ms > CHAIN_QUIET_MS) {
        err_set(e, ERR_UNAVAILABLE, "no server of the chain answers");
        return err_hint(e, "look at NEAR_RPC_URL");
    }
    uint64_t cursor = m ? monitor_cursor(m) : 0;
    if (!cursor || cursor + LAG_MAX >= height)
        return true;
    err_set(e, ERR_UNAVAILABLE, "the monitor is %" PRIu64 " blocks behind", height - cursor);
    return err_hint(e, "look at NEARDATA_API_URL; the log says where it stands");
}

// --- figures

static void add_leases(struct worker *w, struct buf *out) {
    static const char *const names[] = {"leased", "building", "running", "submitting", "ended"};
    uint64_t by_stage[ARRAY_LEN(names)] = {0};
    char label[FIGURE_LABEL_MAX];
    held_stages(w->held, by_stage);
    figure_one(out, FIGURE_GAUGE, "outlayer_worker_slots", "Executions that may run at a time.", w->set.slots);
    figure_head(out, FIGURE_GAUGE, "outlayer_worker_leases", "Leases that are held, by what is done for them.");
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        figure_u64(out, "outlayer_worker_leases", figure_label(label, "stage", names[i]), by_stage[i]);
    figure_one(out, FIGURE_COUNTER, "outlayer_worker_leases_lost_total", "Leases that the coordinator gave to others.",
               held_lost_count(w->held));
    figure_one(out, FIGURE_COUNTER, "outlayer_worker_polls_failed_total",
               "Questions for work that the coordinator did not answer.", w->counts.polls_failed);
}

static void add_answers(struct worker *w, struct buf *out) {
    struct settler_state s;
    settler_look(w->settler, &s);
    figure_head(out, FIGURE_COUNTER, "outlayer_worker_answers_total", "Answers that were signed, by class.");
    figure_tally(out, "outlayer_worker_answers_total", "class", &w->counts.answers);
    figure_one(out, FIGURE_GAUGE, "outlayer_worker_answers_waiting", "Answers that no settler follows yet.", s.waiting);
    figure_one(out, FIGURE_GAUGE, "outlayer_worker_answers_followed", "Answers whose fate on chain is waited for.",
               s.followed);
    figure_one(out, FIGURE_GAUGE, "outlayer_worker_settlers_stuck",
               "Settlers that follow one answer for longer than 120 s.", s.stuck);
    figure_head(out, FIGURE_HISTOGRAM, "outlayer_worker_transaction_seconds",
                "From an answer's first sending until its fate on chain was known.");
    figure_histogram(out, "outlayer_worker_transaction_seconds", NULL, &w->counts.settled);
}

static void add_runs(struct worker *w, struct buf *out) {
    figure_head(out, FIGURE_COUNTER, "outlayer_worker_runs_total", "Runs of guests, by how they ended.");
    figure_tally(out, "outlayer_worker_runs_total", "end", &w->counts.runs);
    figure_head(out, FIGURE_HISTOGRAM, "outlayer_worker_run_seconds", "How long guests ran.");
    figure_histogram(out, "outlayer_worker_run_seconds", NULL, &w->counts.ran);
    figure_head(out, FIGURE_COUNTER, "outlayer_worker_code_total",
                "Runs by where their precompiled code came from: had, or compiled for them.");
    figure_u64(out, "outlayer_worker_code_total", "from=\"cache\"", w->counts.code_had);
    figure_u64(out, "outlayer_worker_code_total", "from=\"compilation\"", w->counts.code_made);
}

static void add_chain(struct worker *w, struct monitor *m, struct buf *out) {
    uint64_t height = 0, age_ms, cursor = m ? monitor_cursor(m) : 0;
    if (rpc_newest(w->rpc, &height, &age_ms)) {
        figure_one(out, FIGURE_GAUGE, "outlayer_chain_height", "The newest final block that was seen.", height);
        figure_head(out, FIGURE_GAUGE, "outlayer_chain_view_age_seconds", "Since that one was seen.");
        figure_micro(out, "outlayer_chain_view_age_seconds", NULL, age_ms * 1000);
    }
    if (cursor) {
        figure_one(out, FIGURE_GAUGE, "outlayer_worker_monitor_cursor", "The last block that the monitor took.",
                   cursor);
        figure_one(out, FIGURE_GAUGE, "outlayer_worker_monitor_lag_blocks", "How far that is behind the newest one.",
                   height > cursor ? height - cursor : 0);
    }
    rpc_figures(w->rpc, out);
}

void worker_figures(struct worker *w, struct monitor *m, struct buf *out) {
    add_leases(w, out);
    add_answers(w, out);
    add_runs(w, out);
    modules_figures(w->modules, out);
    add_chain(w, m, out);
    upkeep_figures(w->upkeep, out);
    figure_one(out, FIGURE_GAUGE, "outlayer_worker_unable", "1 while the chain takes no answer of this worker's key.",
               clock_mono_ms() < atomic_load(&w->unable_until_ms));
}
