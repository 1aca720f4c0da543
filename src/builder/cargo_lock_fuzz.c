// SPDX-License-Identifier: Apache-2.0
// A stranger's Cargo.lock names files that are put into a build: whatever it says, a name stays that of a file.
#include "builder/cargo_lock.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct slice text = slice_of(data, size);
    struct locked_crate c;
    for (size_t before = size + 1; cargo_lock_next(&text, &c); before = text.len) {
        BUG_ON(text.len >= before);
        BUG_ON(strchr(c.file, '/') || c.file[0] == '.' || c.file[0] == '-' || strchr(c.file, '\n') ||
               strchr(c.file, ' '));
    }
    return 0;
}
