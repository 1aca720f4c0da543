// SPDX-License-Identifier: Apache-2.0
// The last execution_completed events, as the monitor saw them, and waiting for one. Safe for several threads.
#pragma once
#include "worker/contract_view.h"

#define SEEN_MAX 1024

struct seen;
struct seen *seen_new(void);
void seen_free(struct seen *s);
// Events that cannot be read are left out.
void seen_add(struct seen *s, uint64_t request_id, const char *transaction_hash, const char *event_json);
// Waits at most ms for the request's event.
bool seen_wait(struct seen *s, uint64_t request_id, uint64_t ms, struct settlement *out);
