// SPDX-License-Identifier: Apache-2.0
// How often somebody may ask, by address: of IPv6 the network of 64 bits, which whoever has one address has whole, and
// beside it the one of 48 bits, which is what a customer of a hosting company gets: 65,536 of the former.
#pragma once
#include "http/client_address.h"
#include "queue/shared.h"

#define ASKERS_WIDE 16 // what a network of 48 bits may ask, in shares of one address

struct askers {
    struct limiter *each, *wide; // NULL: not limited
};
// per_minute 0: not limited. burst 0 is 1. The kinds are literals.
void askers_init(struct askers *out, struct shared *s, const char *kind, const char *kind_wide, unsigned burst,
                 unsigned per_minute);
void askers_release(struct askers *a);
// `name` as client_name makes it. ERR_TOO_MANY with the seconds to wait in *retry_s.
[[nodiscard]] bool askers_take(struct askers *a, const char *name, uint64_t now_ms, uint64_t *retry_s, struct err *e);
