// SPDX-License-Identifier: Apache-2.0
// Makes attempts inside a confinement and says what came of each. Shared by hostile.c, boxes.c and runs.c.
#pragma once
#include "attempt.h"
#include "base/arena.h"
#include "base/err.h"
#include "ground.h"

enum outcome {
    OUTCOME_HELD,
    OUTCOME_BROKE,
    OUTCOME_UNTRIED, // cannot be tried here: why
    OUTCOME_ABSENT,  // held, but this kernel holds it off anybody without rights
    OUTCOME_ODD,     // neither: the attempt itself is wrong
};
struct finding {
    enum outcome outcome;
    char text[400];
};
void found(struct finding *f, enum outcome o, const char *fmt, ...) PRINTF_LIKE(3, 4);
// Looks for the attempt's own line in what came out; false when there is none.
bool found_line(struct finding *f, const struct attempt *a, struct slice text);

// One confinement, kept for all attempts of a process.
struct confinement;
[[nodiscard]] bool boxes_new(struct confinement **out, const struct surroundings *g, enum where where, struct err *e);
void boxes_try(struct confinement *c, const struct attempt *a, struct finding *f);
void boxes_free(struct confinement *c);
[[nodiscard]] bool runs_new(struct confinement **out, const struct surroundings *g, enum where where, struct err *e);
void runs_try(struct confinement *c, const struct attempt *a, struct finding *f);
// Makes one system call in a process of its own, with arguments that mean nothing.
[[nodiscard]] bool runs_call(struct confinement *c, int number, bool *comes_back, struct err *e);
void runs_free(struct confinement *c);
