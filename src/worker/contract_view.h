// SPDX-License-Identifier: Apache-2.0
// What a worker asks the chain: is a request still open and what does it say, how long until its yield ends by itself,
// which keys are an operator's, how did a request end. Safe for several threads.
#pragma once
#include "near/rpc.h"
#include "worker/lease.h"

struct chain;
// Texts are kept, not copied. `own`: this worker's key, always one of the operators'.
[[nodiscard]] bool chain_new(struct chain **out, struct rpc *rpc, const char *contract_id, const struct public_key *own,
                             struct err *e);
void chain_free(struct chain *c);

enum chain_answer { CHAIN_OPEN, CHAIN_ENDED };
// get_request at `final`, at the request's block or a later one. That the request is not there is believed only from a
// block behind its own: servers are asked in turn until one has it (10 s at most, then ERR_UNAVAILABLE).
[[nodiscard]] bool chain_request(struct chain *c, struct arena *a, const struct task *t, enum chain_answer *answer,
                                 struct chain_request *out, struct err *e);

// What is left of the request's yield, and the pace of blocks since the request.
struct window {
    uint64_t left_ms; // 0: over
    uint64_t block_ms;
};
[[nodiscard]] bool chain_window(struct chain *c, struct arena *a, const struct task *t, const struct chain_request *r,
                                struct window *out, struct err *e);
// The reckoning behind it. Without the request's height its age alone counts, at 600 ms a block; after an extension the
// time since then, at the pace since the request. Where that time is not known, little is taken to be left: enough to
// ask for another extension.
struct yield_start {
    bool has_height, extended;
    uint64_t height, timestamp_ns; // of the request
    uint64_t extended_ns;          // 0: not known
};
struct yield_start yield_start_of(const struct task *t, const struct chain_request *r);
struct window window_of(const struct yield_start *s, const struct rpc_block *head);

// The key may answer requests for one of the operators: full access, or a function-call key for the contract's
// resolve_execution. The list is read again for a key that is not in it, at most every few seconds.
[[nodiscard]] bool chain_key_is_operators(struct chain *c, struct arena *a, const struct public_key *key, bool *is,
                                          struct err *e);

// How a request ended: the data object of its execution_completed event.
struct settlement {
    bool success;
    char failure[16]; // "guest", "build", …; "" on success
    char error[600];  // "" where there is none
    u128 charged, refunded;
    char output_hash[65]; // "" where there is none
    uint64_t instructions, time_ms;
    bool unnamed;         // the event does not say of which request it is: worker/first_form.h
    char transaction[48]; // where the event was seen, "" when not known
};
// ERR_NOT_FOUND: another event, or of another request. ERR_INVALID: it cannot be read.
[[nodiscard]] bool settlement_parse(struct settlement *out, uint64_t request_id, const char *event_json, struct err *e);
// The same of an event that names no request: it is of the task's sender and source.
[[nodiscard]] bool settlement_parse_unnamed(struct settlement *out, const struct task *t, const char *event_json,
                                            struct err *e);
// How a request ended, as the outcome of the transaction that made it shows.
enum chain_end {
    END_FOUND,   // its event is there
    END_NONE,    // the transaction is over, and has no such event: it made no such request
    END_UNKNOWN, // the transaction is not over, not known, or could not be asked about (*e, where there was an error)
};
// Waits up to timeout_ms for the transaction's end.
enum chain_end chain_settlement(struct chain *c, struct arena *a, const struct task *t, uint64_t timeout_ms,
                                struct settlement *out, struct err *e);
