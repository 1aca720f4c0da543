// SPDX-License-Identifier: Apache-2.0
#include "queue/form_figures.h"

#include "codec/json.h"
#include "queue/timeline.h"

#define TIMELINE_READ_MAX ((size_t)4 * TIMELINE_MAX) // with its last steps, and the first one

void form_figures_init(struct form_figures *f) { tally_init(&f->lost_by); }

// What a step of the timeline begins: what is not held waits again.
static enum execution_state state_after(const char *stage) {
    for (enum execution_state s = EXECUTION_LEASED; stage && s <= EXECUTION_SUBMITTING; s++)
        if (strcmp(stage, execution_text(s)) == 0)
            return s;
    return EXECUTION_QUEUED;
}

void form_figures_end(struct form_figures *f, uint64_t created_ms, const char *timeline) {
    enum execution_state state = EXECUTION_QUEUED;
    uint64_t since_ms = created_ms;
    const json_t *step;
    size_t i;
    SCOPED_ARENA(a);
    SCOPED_JSON(steps) = json_parse(slice_str(timeline_json(a, created_ms, timeline)), TIMELINE_READ_MAX, NULL);
    json_array_foreach(steps, i, step) {
        uint64_t at_ms = (uint64_t)json_integer_value(json_object_get(step, "at_ms"));
        if (i)
            histogram_add(&f->in_state[state], at_ms > since_ms ? (at_ms - since_ms) * 1000 : 0);
        state = state_after(json_string_value(json_object_get(step, "stage")));
        since_ms = at_ms;
    }
}

void form_figures_lost(struct form_figures *f, const char *worker_id) {
    tally_add(&f->lost_by, worker_id ? worker_id : "");
}

void form_figures_show(struct form_figures *f, uint64_t oldest_ms, uint64_t hopeless, struct buf *out) {
    char label[FIGURE_LABEL_MAX];
    figure_head(out, FIGURE_GAUGE, "outlayer_queue_oldest_seconds", "How long the oldest queued execution waits.");
    figure_micro(out, "outlayer_queue_oldest_seconds", NULL, oldest_ms * 1000);
    figure_one(out, FIGURE_COUNTER, "outlayer_queue_hopeless_total",
               "Executions before which so many waited that no worker could begin them in time, since the start.",
               hopeless);
    figure_head(out, FIGURE_HISTOGRAM, "outlayer_execution_state_seconds",
                "How long executions that ended here were in a state.");
    for (int s = EXECUTION_QUEUED; s <= EXECUTION_SUBMITTING; s++)
        figure_histogram(out, "outlayer_execution_state_seconds",
                         figure_label(label, "state", execution_text((enum execution_state)s)), &f->in_state[s]);
    figure_head(out, FIGURE_COUNTER, "outlayer_leases_lost_by_worker_total",
                "Leases not confirmed or run out since the start, by the worker that had them.");
    figure_tally(out, "outlayer_leases_lost_by_worker_total", "worker", &f->lost_by);
}
