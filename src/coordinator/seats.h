// SPDX-License-Identifier: Apache-2.0
// Seats to wait in: so many in all, a share for each address, and some that strangers do not get.
#pragma once
#include "base/err.h"
#include "http/client_address.h"

#define SEATS_OF_ONE 16                   // of an address; of IPv6 the network of 64 bits
#define SEATS_OF_WIDE (16 * SEATS_OF_ONE) // of an IPv6 network of 48 bits
#define SEATS_KEPT 8                      // one of so many is for whoever has a token

struct seats; // safe for several threads
struct seats *seats_new(uint64_t max);
void seats_free(struct seats *p);                // all have left. NULL is fine
void seats_lower(struct seats *p, uint64_t max); // if it is more
uint64_t seats_taken(struct seats *p);

struct seat {
    char name[CLIENT_MAX]; // "": no stranger's
};
// name: as client_name makes it; NULL: it has a token. ERR_TOO_MANY: it has its share; ERR_UNAVAILABLE: none is free.
[[nodiscard]] bool seats_enter(struct seats *p, const char *name, struct seat *out, struct err *e);
void seats_leave(struct seats *p, const struct seat *x);
