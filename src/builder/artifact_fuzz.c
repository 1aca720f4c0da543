// SPDX-License-Identifier: Apache-2.0
// What a stranger's build left, of any bytes: looking at it reads nothing behind its end, and only what is linked is a
// program.
#include "base/err.h"
#include "builder/artifact.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    uint8_t *copy = size ? xmalloc(size) : NULL; // of its own, so that a look behind it is seen
    if (size)
        memcpy(copy, data, size);
    struct slice bytes = slice_of(copy, size);
    enum artifact_kind kind = artifact_kind(bytes);
    bool program = artifact_is_program(bytes);
    free(copy);
    BUG_ON(program && kind != ARTIFACT_CORE && kind != ARTIFACT_COMPONENT);
    return 0;
}
