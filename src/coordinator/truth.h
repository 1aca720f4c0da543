// SPDX-License-Identifier: Apache-2.0
// What the chain says of a request, for whoever doubts what a worker told. Asked on threads of its own, a question once
// whoever waits for it, and an answer is kept for a moment. Everything is bounded: threads, those who wait, those of
// one asker, and what one asker can make the threads do. Safe from several threads.
#pragma once
#include "protocol/request.h"

#define TRUTH_AT_WORK 2    // questions at a time, of different askers
#define TRUTH_WAITING 256  // calls
#define TRUTH_OF_ONE 32    // of these, one asker's
#define TRUTH_KEPT_MS 2000 // an answer, so that many who doubt the same cost one question
#define TRUTH_KEPT 64      // answers
#define TRUTH_MS 8000      // one question, all servers together

struct truth;

enum truth_said {
    TRUTH_OPEN,    // *request is what it says
    TRUTH_NONE,    // it has no such request, or not any more
    TRUTH_UNKNOWN, // it could not be asked: `why`
};

// A call is the caller's, with all that it points to, until `done`, which is called exactly once: at once or later,
// from any thread, with no lock held.
struct truth_call {
    void (*done)(void *ctx);
    void *ctx;
    struct arena *arena; // for the texts of `request`
    const char *contract_id;
    uint64_t request_id;
    uint64_t at_least; // block; that the request is not there is believed only from this one on
    const char *asker; // who is counted; any text
    enum truth_said said;
    struct chain_request request;
    struct err why;
    struct truth_call *next; // its own
};

// rpc_urls NULL: whoever asks is told TRUTH_UNKNOWN.
[[nodiscard]] bool truth_new(struct truth **out, const char *rpc_urls, struct err *e);
bool truth_can_ask(const struct truth *t); // false: no RPC server is configured
void truth_ask(struct truth *t, struct truth_call *c);
void truth_stop(struct truth *t); // answers all who wait, and everybody later: TRUTH_UNKNOWN
void truth_free(struct truth *t); // NULL is fine
