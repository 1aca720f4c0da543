// SPDX-License-Identifier: Apache-2.0
// Questions whose answers take seconds, asked by many at once: each is worked on once, by one of a few threads, whoever
// waits for it. Everything is bounded: different questions, those of one asker, and those who wait. Safe from several
// threads.
#pragma once
#include "base/arena.h"
#include "http/server.h"

#define LOOKUPS_AT_WORK 6    // of different askers: each may be held by a slow repository
#define LOOKUPS_MAX 64       // different questions that are not answered yet
#define LOOKUPS_OF_ONE 8     // of these, begun by one asker
#define LOOKUPS_WAITING 1024 // requests, over all questions

struct branch_lookups;
struct branch_lookups_config {
    // On one of the lookups' threads: finds the answer, in `a`, and stores it. Whoever asks the same once this has
    // returned begins anew.
    bool (*find)(void *ctx, struct arena *a, const char *repo, const char *ref, const char **branch, struct err *e);
    // Answers one of those who asked; from the same thread.
    void (*answer)(void *ctx, struct http_request *r, const char *repo, const char *ref, const char *branch);
    void *ctx;
};
[[nodiscard]] bool branch_lookups_new(struct branch_lookups **out, const struct branch_lookups_config *config,
                                      struct err *e);
// Answers the request now (too many) or when the question is answered. Texts are copied.
void branch_lookups_ask(struct branch_lookups *l, struct http_request *r, const char *asker, const char *repo,
                        const char *ref);
// Answers all who wait, and everybody later, that it is stopping; returns when no `find` runs any more.
void branch_lookups_stop(struct branch_lookups *l);
void branch_lookups_free(struct branch_lookups *l); // NULL is fine
