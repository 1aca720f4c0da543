// SPDX-License-Identifier: Apache-2.0
// What a build and a guest said of an execution, for its sender and the operator alone. It is stored beside the
// execution, and goes with it.
#pragma once
#include "queue/queue.h"
#include "store/writer.h"

struct execution_logs {
    struct execution_key key;
    const char *build_log, *guest_stderr; // NULL: none
};
// `done` is told on the writer's thread; `x` and its texts live until then. What is there already stays.
[[nodiscard]] bool execution_logs_store(struct writer *writer, struct execution_logs *x,
                                        void (*done)(void *ctx, bool ok, const struct err *e), void *ctx,
                                        struct err *e);
// Texts are in `a`. ERR_NOT_FOUND: there is no such execution. *sender NULL: nobody knows who asked for it.
[[nodiscard]] bool execution_logs_read(struct db *db, struct arena *a, struct execution_logs *x, const char **sender,
                                       struct err *e);
