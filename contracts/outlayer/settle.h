// SPDX-License-Identifier: Apache-2.0
// From a worker's answer to the end of a request: what is charged, who is paid back, what is logged and returned.
#pragma once
#include "calls.h"

// Stores a large output. Stops when one is there, when it is too large to be returned, or when its storage binds more
// than OUTPUT_LENT_BYTES and the request's payment cover.
#define OUTPUT_LENT_BYTES (128u * 1024)
void submit_output(struct request *q, const struct output *output);
// Fixes the charge and resumes the yield with the answer. A stored output counts instead of one in the answer.
void resume_request(struct request *q, const struct answer *a);
// The callback: pays, logs, returns the caller's value.
void finish_answered(struct request *q);
void finish_timed_out(struct request *q);
// A request that has been pending for too long. One whose answer could not be delivered pays for it.
void finish_cancelled(struct request *q);
// After a refund to a payer who is not the sender: where it bounced, the sender gets it.
void refund_checked(void);
