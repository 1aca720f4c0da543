// SPDX-License-Identifier: Apache-2.0
// How many of the executions that are not over each token has created, so that none fills the queue for all others: a
// token may create another one while it has fewer than there is room left. So one alone gets half of the room, two get
// a third each, and however many have leaked, whoever has created little may create more. What was created by no token
// (none was needed, or an older program took it) is nobody's. They are few: those who record requests.
#pragma once
#include "base/err.h"

struct creators { // all zeros: none has any
    struct creator *first;
};

// name "" or NULL: nobody's.
void creators_add(struct creators *c, const char *name, uint64_t n);
void creators_less(struct creators *c, const char *name); // by one
void creators_clear(struct creators *c);
// Whether `name` may create another one where `open` are not over (ERR_UNAVAILABLE).
[[nodiscard]] bool creators_have_room(const struct creators *c, const char *name, uint64_t open, struct err *e);
