// SPDX-License-Identifier: Apache-2.0
// The tree that guests are built in, as scripts/guest.sh makes it: a folder with root/ (all that a box shows), packages
// (their versions), manifest (type, mode, path, link target and SHA-256 of everything) and .whole (the manifest's
// SHA-256, written last). Its name for the world is that hash: the same contents have it on every machine, other
// contents never.
#pragma once
#include "base/arena.h"
#include "crypto/hash.h"

// Finds out whether the tree is what was made: nothing that others own or can write, nothing changed since. A look at
// each inode shows that; only where one is younger than .whole (a change, or the whole folder was copied, as into an
// image of a container) is everything read again, which takes seconds. *path: the folder without links, in the arena.
[[nodiscard]] bool tree_open(struct arena *a, const char *dir, const char **path, struct hash *contents, struct err *e);
