// SPDX-License-Identifier: Apache-2.0
// Threads that follow answers to the end of their requests (settle.h), with a queue before them.
#pragma once
#include "worker/settle.h"

[[nodiscard]] bool settler_start(struct settler **out, struct worker *w, struct err *e);
// Ends the threads; what waits in the queue, or is added from now on, stays in the journal. false when a thread did not
// end within ms.
bool settler_stop(struct settler *s, uint64_t ms);
void settler_free(struct settler *s); // after settler_stop, and when nobody adds or asks any more. NULL is fine
// Takes the submission over; waits for room. Where all settlers are at work it is handed to a server first.
void settler_add(struct settler *s, struct submission *sub);
struct settler_state {
    uint64_t waiting, followed, stuck; // stuck: followed for longer than SETTLER_STUCK_MS
};
#define SETTLER_STUCK_MS 120000
void settler_look(struct settler *s, struct settler_state *out);
// An answer to this request is on its way.
bool settler_has(struct settler *s, const char *contract_id, uint64_t request_id);
// The journal of an earlier life; waits for nothing.
[[nodiscard]] bool settler_recover(struct settler *s, struct err *e);
