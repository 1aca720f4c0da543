// SPDX-License-Identifier: Apache-2.0
// Where guests may connect to. Every connection of the engine's HTTP client goes through libc's connect(), which the
// linker turns into __wrap_connect here (-Wl,--wrap=connect): judged after name look-up, redirects included.
#pragma once
#include "base/compat.h"

// Exceptions beside public addresses: "127.0.0.1:8080,[::1]:80". Read once, before a guest runs. NULL: none.
void egress_allow(const char *list);
