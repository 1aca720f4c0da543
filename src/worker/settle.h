// SPDX-License-Identifier: Apache-2.0
// From an answer to the end of its request: sign, journal, send, follow the transaction, learn what was charged, tell
// the coordinator. The rule: after any doubt the same bytes are sent again, other bytes only when the chain shows that
// the first can never be executed and that the request still waits.
#pragma once
#include "worker/answer.h"
#include "worker/journal.h"
#include "worker/worker.h"

// One answer under way; owns its arena, which everything in it lives in.
struct submission {
    struct arena *arena;
    struct task task;
    struct held_lease *lease; // NULL: recovered from the journal
    const char *token;
    bool has_answer; // false: recovered; only the signed bytes are known
    struct answer answer;
    unsigned crossed;           // how often it met an extension that was on its way
    struct journal_entry entry; // hash and bytes of the last transaction that was signed
    json_t *report;             // for /tasks/complete, without what the chain decides
    struct submission *next;
};
// Copies what it keeps; `report` is taken over. The lease is the submission's from now on.
struct submission *submission_new(const struct task *t, struct held_lease *lease, const char *token,
                                  const struct answer *n, json_t *report);
void submission_free(struct submission *s);

// Signs and writes the journal. false: nothing of it can come on chain, and the journal has no entry.
[[nodiscard]] bool settle_prepare(struct worker *w, struct submission *s, struct err *e);
// Hands the signed bytes to a server and does not wait: for a submission that must wait for a settler.
void settle_push(struct worker *w, struct submission *s);
// Sends it and follows it to its end, which is at the latest the end of the request, and reports; returns early,
// leaving the journal's entry, when the worker is abandoned.
void settle_follow(struct worker *w, struct submission *s);

// The request is not open any more, whoever answered it: learns how it ended and tells the coordinator. ours: hash of
// our own transaction that answered it, NULL: none. false: how it ended is not known, and nothing was told, which the
// caller should try again later; with `last_try` that is told.
[[nodiscard]] bool settle_report(struct worker *w, struct arena *a, const struct task *t, const struct lease_id *id,
                                 const json_t *report, const char *ours, bool last_try);
