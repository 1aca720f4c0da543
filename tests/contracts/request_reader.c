// SPDX-License-Identifier: Apache-2.0
// For the law that what the contract takes is served: reads pairs of lines, a log and the view get_request, and follows
// each request's words as a worker and a coordinator do: event, task, stored task, lease, comparison with the view.
// Ends with 1 at the first pair that any of them does not read or that differ, and says why; prints the number of
// pairs.
#include "worker/lease.h"
#include <stdio.h>

bool coordinator_takes(const json_t *task, struct err *e); // coordinator_reader.c

static json_t *task_of(struct arena *a, const char *log, struct err *e) {
    struct event x;
    char data_id[65];
    if (!event_parse(&x, a, slice_str(log), e))
        return NULL;
    if (x.kind != EVENT_REQUESTED) {
        err_set(e, ERR_INVALID, "the log is no execution_requested");
        return NULL;
    }
    json_t *task = json_object();
    json_set_text(task, "contract_id", "outlayer.near");
    json_set_u64(task, "request_id", x.request_id);
    event_request_put(task, &x.request);
    json_set_text(task, "data_id", hash_hex(&x.request.data_id, data_id));
    return task;
}

// The lease as the coordinator's answer has it: the task has been text in between.
static bool lease_of(struct lease *out, struct arena *a, const json_t *task, struct err *e) {
    const char *text = arena_printf(a, "{\"task\":%s,\"lease\":{\"token\":\"t\"}}", json_text(a, task));
    SCOPED_JSON(j) = json_parse_big(slice_str(text), 4u << 20, e);
    return j && lease_parse(out, a, j, e);
}

static bool same(struct arena *a, const char *log, const char *view, struct err *e) {
    struct lease lease;
    struct chain_request shown;
    SCOPED_JSON(task) = task_of(a, log, e);
    SCOPED_JSON(v) = json_parse_big(slice_str(view), 4u << 20, e);
    if (!task || !v || !coordinator_takes(task, e) || !lease_of(&lease, a, task, e) ||
        !chain_request_parse(&shown, a, v, e))
        return false;
    const char *field = task_mismatch(&lease.task, &shown);
    return !field || err_set(e, ERR_CORRUPT, "event and view differ in '%s'", field);
}

int main(void) {
    char *log = NULL, *view = NULL;
    size_t log_room = 0, view_room = 0, pairs = 0;
    while (getline(&log, &log_room, stdin) > 0 && getline(&view, &view_room, stdin) > 0) {
        SCOPED_ARENA(a);
        struct err e = {0};
        log[strcspn(log, "\n")] = 0;
        if (!same(a, log, view, &e)) {
            fprintf(stderr, "%s\n%s\n%s", e.msg, log, view);
            return 1;
        }
        pairs++;
    }
    free(log);
    free(view);
    printf("%zu\n", pairs);
    return 0;
}
