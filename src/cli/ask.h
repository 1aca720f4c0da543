// SPDX-License-Identifier: Apache-2.0
// Sends one request and follows it to its end, telling what happens while it happens.
#pragma once
#include "cli/answer.h"
#include "cli/target.h"
#include "executor/exec.h"

struct ask {
    const char *repo, *commit, *build_target, *input, *format; // as they stand on chain; format "Text", "Json", "Bytes"
    struct exec_limits limits;
    struct yocto deposit;
    const char *secrets_profile, *secrets_owner; // NULL: none
    // Who is called: the outlayer contract itself, or a client contract that passes the arguments on.
    const char *receiver, *method;
};

enum ask_stage { ASK_SENT, ASK_TAKEN, ASK_QUEUED, ASK_BUILDING, ASK_RUNNING, ASK_SUBMITTING, ASK_SETTLED };

struct ask_progress {
    enum ask_stage stage;
    const char *detail; // transaction hash, request id, worker, …
    uint64_t us;        // since the transaction was sent
};

struct ask_result {
    char transaction[48];
    json_t *outcome; // released by ask_release
    struct chain_answer answer;
    const char *commit; // that was built, 40 hexadecimal digits; NULL: not known, or nothing was
    uint64_t total_us;
};

// What a request with these limits has to pay at least.
[[nodiscard]] bool ask_estimate(const struct target *t, struct arena *a, const struct exec_limits *limits,
                                struct yocto *out, struct err *e);
// tell may be NULL; it is called from another thread, one call at a time.
[[nodiscard]] bool ask_run(const struct target *t, const struct credentials *from, const struct ask *ask,
                           void (*tell)(void *ctx, const struct ask_progress *p), void *ctx, struct arena *a,
                           struct ask_result *out, struct err *e);
void ask_release(struct ask_result *r);
