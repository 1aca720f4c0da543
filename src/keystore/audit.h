// SPDX-License-Identifier: Apache-2.0
// Who asked for what, and the verdict, as JSON lines in HOME/audit.log (mode 0600); never a value. Full at 16 MiB, it
// becomes audit.log.1, whose predecessor goes. Safe for several threads.
#pragma once
#include "base/arena.h"
#include "base/err.h"

struct audit;
[[nodiscard]] bool audit_open(struct audit **out, const char *home, struct err *e);
void audit_close(struct audit *a); // NULL is fine

struct audit_entry {
    const char *what, *verdict; // "decrypt", "session", "generate", "rotate"; "allowed", "refused", "failed"
    const char *session, *account, *caller, *owner, *profile, *repo, *branch, *why; // NULL: left out
    bool has_request;
    uint64_t request_id;
};
// The entry as its line, in `t`; texts of strangers stand in it repaired.
char *audit_line(struct arena *t, const struct audit_entry *entry);
// A line that cannot be written is an error: nothing may be handed out without its trace.
[[nodiscard]] bool audit_write(struct audit *a, const struct audit_entry *entry, struct err *e);
