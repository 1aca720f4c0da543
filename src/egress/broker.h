// SPDX-License-Identifier: Apache-2.0
// The broker: resolves, judges every address, starts the connect and passes the descriptor at once. It keeps no
// connection and knows no key; what it is told by clients is hostile input (wire.h). Single-threaded but for the
// look-ups.
#pragma once
#include "egress/rules.h"

// Serves until the control socket's other end is closed. Ownership of both stays with the caller.
[[nodiscard]] bool broker_serve(int control, const struct egress_rules *rules, struct err *e);
