// SPDX-License-Identifier: Apache-2.0
// The lines of the audit log that are about one owner's secrets, the newest first, a page at a time. How much of the
// log one question reads is bounded, also where it holds nothing of the owner.
#pragma once
#include "base/arena.h"
#include "base/err.h"

#define AUDIT_FOUND_MAX 100            // lines of a page
#define AUDIT_FOUND_BYTES (256u << 10) // likewise, of all together
#define AUDIT_FILES_LOOKED 3           // for one page, of those that have been ended
#define AUDIT_LOOKED_BYTES (8u << 20)  // likewise, of the log that is read

struct audit_found {
    const char *lines[AUDIT_FOUND_MAX]; // as they stand in the log
    size_t count;
    uint64_t next; // `before` of the next page, which may be empty; 0: there are no older ones
};
// before: only lines whose number is less; 0: all. Lines of programs that knew no numbers are left out.
[[nodiscard]] bool audit_find(struct audit_found *out, struct arena *a, const char *home, const char *owner,
                              uint64_t before, struct err *e);
