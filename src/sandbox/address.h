// SPDX-License-Identifier: Apache-2.0
// Which addresses strangers may be connected to: public ones only, by IANA's registries of special-purpose addresses.
#pragma once
#include "base/compat.h"
#include <sys/socket.h>

// False for loopback, private, link-local, shared, documentation, benchmark, multicast, reserved and unspecified
// addresses, for their forms mapped or translated into IPv6 (::ffff:0:0/96, 64:ff9b::/96, 2002::/16, 2001::/32), for
// this machine's own addresses, and for every other family.
bool address_is_public(const struct sockaddr *address, socklen_t len);
