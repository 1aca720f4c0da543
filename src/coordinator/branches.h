// SPDX-License-Identifier: Apache-2.0
// Which branch a commit is on, for clients that store secrets by branch (workers look for themselves). The repository
// is asked over git's protocol, in a box (builder/branch.h); an answer is kept for seven days, and equal questions that
// come at once are one. At most 64 questions wait.
#pragma once
#include "http/server.h"
#include "store/writer.h"
#include <pthread.h>

struct branches;
struct branches_config {
    const char *repo_map, *egress_allow; // as a worker's
    struct db *reading;                  // with its lock
    pthread_mutex_t *reading_mutex;
    struct writer *writer;
};
[[nodiscard]] bool branches_new(struct branches **out, const struct branches_config *c, struct err *e);
void branches_stop(struct branches *b); // before the server's stop; what is under way is given up
void branches_free(struct branches *b); // after it. NULL is fine
void branches_ask(struct branches *b, struct http_request *r);
