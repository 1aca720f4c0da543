// SPDX-License-Identifier: Apache-2.0
// Where a socket of a folder is put: the system takes paths of 107 bytes for sockets, whatever folders people have.
#pragma once
#include "base/arena.h"
#include "base/err.h"

// FOLDER/NAME where that is short enough; else the name in a folder that stands for this one, the same each time, below
// XDG_RUNTIME_DIR or /tmp: of mode 0700, this user's, made where it is missing.
[[nodiscard]] bool socket_place(const char **out, struct arena *a, const char *folder, const char *name, struct err *e);
// Removes the folder that stands for another one, when nothing is in it any more.
void socket_place_leave(struct arena *a, const char *socket, const char *folder);
