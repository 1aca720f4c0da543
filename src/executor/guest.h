// SPDX-License-Identifier: Apache-2.0
// The executor's own side: a process that confines itself, takes one job, does it and ends.
#pragma once
#include "executor/wire.h"

// Loads the engine, then keeps the slot that the asking side orders over `sock` (sandbox/slot_keeper.h), in which each
// process serves one job; the exit status of the process.
int guest_keep(int sock);
// Bytes of private memory that a job's process may have.
uint64_t guest_data(const struct slot_job *job);
