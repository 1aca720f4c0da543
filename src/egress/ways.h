// SPDX-License-Identifier: Apache-2.0
// Where this machine stands, as its kernel says (rtnetlink): its own addresses, the networks it is on, and whether
// there is a way to the Internet. The kernel tells of changes; they count from the next question on. One thread's.
#pragma once
#include "base/err.h"
#include "egress/address.h"

struct ways;
[[nodiscard]] bool ways_new(struct ways **out, struct err *e);
void ways_free(struct ways *w); // NULL is fine

// Readable when something has changed: then ways_changed.
int ways_fd(const struct ways *w);
void ways_changed(struct ways *w);

// `a` is this machine's, or a neighbour's: in a network that is reached without a gateway. Also true where the kernel
// does not tell: what cannot be told apart is not connected.
bool ways_near(struct ways *w, struct address a);
// There is a way to public addresses.
bool ways_out(struct ways *w);
