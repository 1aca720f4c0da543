// SPDX-License-Identifier: Apache-2.0
// The coordinator's part of request_reader.c.
#include "coordinator/api_tables.h"

bool coordinator_takes(const json_t *task, struct err *e);
bool coordinator_takes(const json_t *task, struct err *e) { return api_check_object(task, &posted_task_schema, e); }
