// SPDX-License-Identifier: Apache-2.0
// Addresses as the broker sees them: 16 bytes, IPv4 as ::ffff:a.b.c.d. Which of them strangers may be connected to as
// far as the number alone says: public hosts, by IANA's registries of special-purpose addresses, less those at which
// clouds serve their machines. What else is refused depends on where this machine stands: ways.h.
#pragma once
#include "base/compat.h"
#include <sys/socket.h>

struct address {
    uint8_t b[16];
};
#define ADDRESS_TEXT_MAX 48 // "[…]" and NUL

// False for other families.
[[nodiscard]] bool address_from_socket(struct address *out, const struct sockaddr *in, socklen_t len);
socklen_t address_to_socket(struct address a, uint16_t port, struct sockaddr_storage *out);
// "1.2.3.4", "::1" or "[::1]"; anything else, a name among them, is false.
[[nodiscard]] bool address_parse(struct address *out, const char *text);
const char *address_text(struct address a, char out[static ADDRESS_TEXT_MAX]); // IPv6 in brackets
bool address_is_v4(struct address a);
bool address_eq(struct address a, struct address b);
// The first `bits` (0 to 128; IPv4 counts from 96) are the same.
bool address_in(struct address a, struct address base, unsigned bits);
// The IPv4 address that a form of IPv6 carries: 64:ff9b::/96 (translation), 2002::/16 (6to4). False where none.
[[nodiscard]] bool address_inner(struct address *out, struct address a);

// False for loopback, private, link-local, shared, documentation, benchmark, multicast, reserved and unspecified
// addresses, and for their forms mapped or translated into IPv6.
bool address_is_public(struct address a);
// Where a cloud answers its own machines: credentials, user data, agents. Also inside IPv6.
bool address_is_metadata(struct address a);
