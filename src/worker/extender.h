// SPDX-License-Identifier: Apache-2.0
// Keeps the requests that are being worked on open: when the window of a request's yield nears its end, the operator's
// key sends extend_execution, which makes the contract yield anew, as often as the request's gas allows. One thread for
// all requests; whoever works on one is never held up by it. Safe for several threads.
#pragma once
#include "near/send.h"
#include "worker/contract_view.h"

#define EXTEND_BLOCKS 60 // with fewer left, more time is asked for

struct extender;
struct watch; // one request that is being worked on

struct extender_settings {
    struct rpc *rpc;
    struct sender *sender;
    struct chain *chain;
    const atomic_bool *abandon; // nothing is sent or waited for once it is true
};
[[nodiscard]] bool extender_start(struct extender **out, const struct extender_settings *s, struct err *e);
void extender_stop(struct extender *x); // ends the thread and frees; nothing is watched any more. NULL is fine

// `t` must live until extender_drop. `w`: as of now. `extended` is told what is left of each new window, from the
// extender's thread with its lock held; NULL: nobody is.
struct watch *extender_watch(struct extender *x, const struct task *t, const struct chain_request *r,
                             const struct window *w, void (*extended)(void *ctx, uint64_t left_ms), void *ctx);
// What is left of the window: ms, as known so far.
uint64_t extender_left(struct extender *x, const struct watch *w);
// The most that can be left, if every extension that the contract allows is had: for deadlines that are set once.
uint64_t extender_left_most(struct extender *x, const struct watch *w);
// While it waits for what others do, no more time is bought for it.
void extender_hold(struct extender *x, struct watch *w, bool waits);
// An extension that is on its way is waited for, up to 10 s: for who decides by what is left. NULL is fine.
void extender_settle(struct extender *x, struct watch *w);
// Ends it. It is waited for likewise: no answer can be given while the contract yields anew. NULL is fine.
void extender_drop(struct extender *x, struct watch *w);
