// SPDX-License-Identifier: Apache-2.0
#include "base/ends.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct watch {
    void (*hurry)(void *ctx);
    void *ctx;
    atomic_bool over;
};

void ends_block(sigset_t *out) {
    sigemptyset(out);
    sigaddset(out, SIGTERM);
    sigaddset(out, SIGINT);
    pthread_sigmask(SIG_BLOCK, out, NULL);
}

static void *await(void *ctx) {
    struct watch *w = ctx;
    sigset_t ends;
    int got;
    ends_block(&ends);
    sigwait(&ends, &got);
    if (!atomic_load(&w->over))
        w->hurry(w->ctx);
    return NULL;
}

void ends_during(void (*wait)(void *ctx), void (*hurry)(void *ctx), void *ctx) {
    struct watch w = {.hurry = hurry, .ctx = ctx};
    pthread_t thread;
    bool watched = pthread_create(&thread, NULL, await, &w) == 0;
    wait(ctx);
    atomic_store(&w.over, true);
    if (!watched)
        return;
    pthread_kill(thread, SIGTERM); // where it still waits
    pthread_join(thread, NULL);
}
