// SPDX-License-Identifier: Apache-2.0
// Users of strangers' code: what they are called inside a user namespace, and which they are outside.
#pragma once
#include "base/err.h"

#define IDS_INSIDE 1000 // user and group, as seen inside

// Lets IDS_INSIDE in the user namespace of process `pid` be `uid` outside (and the group of this number); our own user
// and group where it is ours. By a process outside of that namespace.
[[nodiscard]] bool ids_map(int pid, unsigned uid, struct err *e);
// A user namespace for the calling process, in which it is IDS_INSIDE with all capabilities.
[[nodiscard]] bool ids_unshare(unsigned uid, struct err *e);
