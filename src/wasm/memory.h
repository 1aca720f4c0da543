// SPDX-License-Identifier: Apache-2.0
// Linear memories of guests: reserved address space that becomes accessible page by page, under one ceiling. Inner part
// of the engine.
#pragma once
#include "wasm/engine.h"
#include <wasmtime.h>

// Makes `config` take its memories from here. *memory is looked at when a run's memories are made: it may be set later.
void memory_use(wasm_config_t *config, const struct engine_memory *memory);
