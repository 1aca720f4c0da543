// SPDX-License-Identifier: Apache-2.0
// How often somebody asked, over all coordinators of a database: a bucket of tokens for each name, in Redis, counted by
// a script of its own there, so that no two coordinators can take the same token. Its clock is the only one. What is
// taken is told behind the asker's back: nobody waits for an answer, which says when the next token is there.
#pragma once
#include "base/buf.h"
#include "redis/redis.h"
#include <stdatomic.h>

#define WINDOW_REFUSED_MS 1000 // a server that refuses to count is left alone for so long
#define WINDOW_DEBT 64         // tokens that coordinators may have taken too many, beside the burst: they are paid back

struct windows {
    struct redis *redis; // borrowed
    _Atomic uint64_t refused_until_ms, alone;
};
struct windows *windows_new(struct redis *redis);
void windows_free(struct windows *w); // NULL is fine
// Whether it is of use now; false is counted as one who was judged by this coordinator alone.
bool windows_work(struct windows *w, uint64_t now_ms);

struct asker_window {
    const char *kind, *name;
    uint64_t burst, per_minute;
};
// n tokens were taken. `done` is told once when the answer is there, on another thread, with how many milliseconds from
// then on the next one is there; told UINT64_MAX, it is not known. false: it is not told, and was not counted.
typedef void window_told(void *ctx, uint64_t wait_ms);
struct window_call { // of the caller's, until `done`
    struct windows *windows;
    window_told *done;
    void *ctx;
};
bool windows_take(struct window_call *c, const struct asker_window *of, uint64_t n);

void windows_figures(struct windows *w, struct buf *out);
