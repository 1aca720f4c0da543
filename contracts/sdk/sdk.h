// SPDX-License-Identifier: Apache-2.0
// A NEAR contract in C: everything in one include. See contracts/examples/counter for a whole contract in a page.
#pragma once
#include "env.h"     // METHOD, require, stop, caller, deposit, answers
#include "event.h"   // NEP-297 events
#include "json_in.h" // arguments
#include "key.h"     // public keys, and those of this account
#include "list.h"    // collections
#include "map.h"
#include "promise.h" // calls, transfers, yield and resume
#include "set.h"
#include "storage.h" // records
