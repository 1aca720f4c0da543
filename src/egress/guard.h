// SPDX-License-Identifier: Apache-2.0
// What the broker takes away from itself before it hears the first question.
#pragma once
#include "base/err.h"

// Another user where we are root, no capabilities, not dumpable, no program is ever started, no file is written; of
// sockets those that resolving and connecting need. Name-service modules are read from where the system keeps them.
[[nodiscard]] bool guard_broker(struct err *e);
