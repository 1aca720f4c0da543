// SPDX-License-Identifier: Apache-2.0
// Cargo.lock, as far as it says which files of the public registry a build wants: name, version, and the SHA-256 of the
// .crate file. It is read line by line, in the form in which cargo writes it; what is written otherwise is not seen.
#pragma once
#include "crypto/hash.h"

struct locked_crate {
    char file[160]; // NAME-VERSION.crate, of plain characters
    struct hash hash;
};
// The next one of the text, which moves on behind it; false: there is none.
bool cargo_lock_next(struct slice *text, struct locked_crate *out);
