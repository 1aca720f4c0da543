// SPDX-License-Identifier: Apache-2.0
// What workers and monitors send: refused with a sentence, or understood; and what was stored is understood again.
// Canary: the seed `create` is a good task, `complete` a good report.
#include "coordinator/messages.h"

#include "coordinator/api_tables.h"

static bool same_key(const struct execution_key *a, const struct execution_key *b) {
    return a->request_id == b->request_id && strcmp(a->contract_id, b->contract_id) == 0;
}

static bool is_good(const json_t *j, const struct api_schema *s) {
    struct err e = {0};
    bool good = api_check_object(j, s, &e);
    BUG_ON(!good && !e.msg[0]);
    return good;
}

static void task_law(const json_t *j) {
    SCOPED_ARENA(a);
    struct posted_task task;
    struct queue_stored stored;
    struct err e;
    if (!is_good(j, api_text(j, "refused") ? &refused_task_schema : &posted_task_schema))
        return;
    task_read(&task, j);
    BUG_ON(!task_stored(a, json_text(a, j), &stored, &e) || !same_key(&task.key, &stored.key));
    SCOPED_JSON(about) = task_about(&task, j);
    BUG_ON(!about);
}

static void report_law(json_t *j) {
    SCOPED_ARENA(a);
    struct report report;
    struct err e = {0};
    if (!is_good(j, &report_schema))
        return;
    BUG_ON(!report_read(&report, a, j, &e) && !e.msg[0]);
    SCOPED_JSON(about) = report_about(j);
    BUG_ON(!about);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct err e = {0};
    SCOPED_JSON(j) = json_parse_big(slice_of(data, size), 1 << 20, &e);
    if (!json_is_object(j))
        return 0;
    task_law(j);
    report_law(j);
    return 0;
}
