// SPDX-License-Identifier: Apache-2.0
// The coordinator's part of request_reader.c.
#include "coordinator/messages.h"

bool coordinator_takes(const json_t *task, struct err *e);
bool coordinator_takes(const json_t *task, struct err *e) {
    struct posted_task t;
    return task_read(&t, task, e);
}
