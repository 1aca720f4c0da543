// SPDX-License-Identifier: Apache-2.0
// A run's way out: what the engine asks for is asked of the broker. Inner part of guest.h.
#pragma once
#include "wasm/engine.h"
#include "wasm/meter.h"

// Gives the run the broker's socket, once a process. Questions that the broker leaves unanswered are counted in `page`.
void way_give(struct engine_run *r, int sock, struct meter_page *page);
