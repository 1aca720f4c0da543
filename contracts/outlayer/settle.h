// SPDX-License-Identifier: Apache-2.0
// From a worker's answer to the end of a request: what is charged, who is paid back, what is logged and returned.
#pragma once
#include "events.h"

// Stops unless the request's payment covers the stake of so many bytes, those of an answer included. With `lend` the
// contract covers the rest where it can of its own, with LEND_RESERVE left: it never binds what it owes to others, so
// that every refund can be paid at any time.
#define LEND_RESERVE (50 * MILLI_NEAR)
void check_stake(const struct request *q, uint64_t bytes, bool lend);
// Stores a large output. Stops when one is there, when it is too large to be returned, or by check_stake.
void submit_output(struct request *q, const struct output *output);
// Fixes the charge and resumes the yield with the answer. A stored output counts instead of one in the answer.
void resume_request(struct request *q, const struct answer *a);

// --- the callback of a yield that was resumed: with an answer, or with a wish to wait on
enum resumed { RESUMED_ANSWER, RESUMED_EXTENSION };
struct payload {
    uint8_t bytes[YIELD_PAYLOAD_MAX];
    size_t len;
};
enum resumed payload_load(struct payload *p);
void resume_to_extend(struct request *q);

uint32_t extensions_left(const struct request *q); // how often it can still be extended

// --- the end: pays, logs, and in a callback answers with the caller's value
void finish_answered(struct request *q, const struct payload *p, bool envelope);
void finish_timed_out(struct request *q, bool envelope);
// The request was cancelled before its yield ended.
void answer_cancelled(bool envelope);

// One whose answer could not be delivered pays for it when it is cancelled as stale.
void finish_stale(struct request *q);
void finish_by_owner(struct state *s, struct request *q); // the caller saves *s
