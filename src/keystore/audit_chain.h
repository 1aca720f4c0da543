// SPDX-License-Identifier: Apache-2.0
// How the lines of the audit log hang together, and how they are read. Each line holds its number ("n": 1, 2, …) and
// the SHA-256 of the line before it ("prev"; of no line: zeros), so one that was changed, removed, put in or moved
// shows. Files are ended when they are full: HOME/audit-<number of its first line>.log; HOME/audit.log is the newest.
// Lines of programs that knew no numbers stand before number 1, which holds the hash of the last of them.
#pragma once
#include "base/arena.h"
#include "base/err.h"
#include "crypto/hash.h"

#define AUDIT_LINE_MAX (64u << 10)
#define AUDIT_FILE_MAX (32u << 20) // more than a file ever becomes

// Where the chain stands after a line.
struct audit_link {
    uint64_t n; // of the line; 0: none has a number yet
    struct hash head;
};

// What is known of a chain after some of its lines. All zeros: before the first.
struct audit_check {
    struct audit_link link;
    uint64_t first, unnumbered; // number of the first line; lines before it that have none
    uint64_t kept_from;         // the log itself says that what is before this was removed
    bool broken;
    uint64_t broken_n; // the first line that is not as it was written
    char why[160];
    struct hash wanted; // a line of this hash is looked for
    bool found;
};
// `line` without its end of line. After a line that is broken, lines are not looked at any more, but for `wanted`.
void audit_check_line(struct audit_check *c, struct slice line);
// After the last line: whether lines that are missing at the front were removed by the log's own limits.
void audit_check_end(struct audit_check *c);

struct audit_file {
    uint64_t first; // number of its first line; 0: it was ended by a program that knew no numbers
    const char *path;
    uint64_t size, changed_ms;
};
// Files that have been ended, oldest first, in `a`.
[[nodiscard]] bool audit_files(const char *home, struct arena *a, struct audit_file **out, size_t *count,
                               struct err *e);
// Each whole line of the log, oldest first, also while a keystore writes it. false of `each` ends it, with its *e.
[[nodiscard]] bool audit_read(const char *home, bool (*each)(void *ctx, struct slice line, struct err *e), void *ctx,
                              struct err *e);
// The place in the chain after these bytes of a file, of which the last line may be cut off: *whole is where it begins.
// *first: number of the first line that has one, 0: none. What cannot be read gives only its hash.
void audit_place(struct slice content, struct audit_link *link, uint64_t *first, size_t *whole);
// That *first alone; lines behind the first that has a number are not looked at.
uint64_t audit_first(struct slice content);
