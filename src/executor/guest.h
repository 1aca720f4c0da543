// SPDX-License-Identifier: Apache-2.0
// The executor's own side: a process that confines itself, takes one job, does it and ends.
#pragma once
#include "base/err.h"

// Serves one job on the inherited socket; the exit status of the process.
int guest_serve(int sock);
