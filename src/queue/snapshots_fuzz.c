// SPDX-License-Identifier: Apache-2.0
// A `since` is what a stranger writes: no text may crash the reader, and what it accepts is told and read again with
// the same result. Canary: the seeds reach one that names what was running.
#include "base/buf.h"
#include "queue/snapshots.h"

#include <inttypes.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    SCOPED_ARENA(a);
    struct snapshot one, two;
    char text[SNAPSHOT_TEXT_MAX + 1];
    if (!snapshot_unpack(&one, a, arena_text(a, slice_of(data, size))))
        return 0;
    size_t len = strlen(one.running);
    BUG_ON(one.running[0] != '{' || one.running[len - 1] != '}');
    const char *list = arena_text(a, slice_of(one.running + 1, len - 2));
    BUG_ON(!snapshot_pack(text, arena_printf(a, "1:%" PRIu64 ":%s", one.next, list)));
    BUG_ON(!snapshot_unpack(&two, a, text) || two.next > one.next);
    BUG_ON(two.next == one.next && strcmp(one.running, two.running) != 0);
    return 0;
}
