// SPDX-License-Identifier: Apache-2.0
// A run's way out: what the engine asks for is asked of the broker. Inner part of guest.h.
#pragma once
#include "wasm/engine.h"

// Gives the run the broker's socket, once a process.
void way_give(struct engine_run *r, int sock);
