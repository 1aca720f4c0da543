// SPDX-License-Identifier: Apache-2.0
// What workers and monitors send: refused with a sentence, or understood; and what was stored is understood again.
// Canary: the seed `create` is a good task, `complete` a good report.
#include "coordinator/messages.h"

static bool same_key(const struct execution_key *a, const struct execution_key *b) {
    return a->request_id == b->request_id && strcmp(a->contract_id, b->contract_id) == 0;
}

static void task_law(const json_t *j) {
    SCOPED_ARENA(a);
    struct posted_task first, second;
    struct err e = {0};
    if (!task_read(&first, j, &e)) {
        BUG_ON(!e.msg[0]);
        return;
    }
    SCOPED_JSON(again) = json_parse_big(slice_str(json_text(a, j)), JSON_MAX_BYTES, &e);
    BUG_ON(!again || !task_read(&second, again, &e) || !same_key(&first.key, &second.key));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct err e = {0};
    SCOPED_JSON(j) = json_parse_big(slice_of(data, size), 1 << 20, &e);
    if (!json_is_object(j))
        return 0;
    task_law(j);
    struct claim claim;
    SCOPED_ARENA(a);
    struct report report;
    if (!claim_read(&claim, j, &e))
        BUG_ON(!e.msg[0]);
    e.msg[0] = 0;
    if (!report_read(&report, a, j, &e))
        BUG_ON(!e.msg[0]);
    return 0;
}
