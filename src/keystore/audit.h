// SPDX-License-Identifier: Apache-2.0
// Who asked for what, and the verdict, as JSON lines in HOME/audit.log (mode 0600); never a value. The lines are a
// chain (audit_chain.h). A file is ended at 16 MiB, and where lines have an age limit, on the next day; what is over
// the limits goes, oldest file first, after a line {"what":"retention","first":N} said which line is kept as the first.
// Safe for several threads. Whoever proved nothing (no or a wrong token, an unknown session, a wrong signature) must
// not push out who was given what: of their lines there are at most so many a minute and 4 MiB in a file; a line
// {"what":"unproven","count":N} says how many more there were, once the minute is over.
#pragma once
#include "base/arena.h"
#include "base/err.h"

#define AUDIT_UNPROVEN_A_MINUTE 60

struct audit_keep {
    uint64_t max_bytes;  // of all files together, with what is being written; 0: 4 GiB
    uint64_t max_age_ms; // of a file's last line; 0: any
};

struct audit;
// What a crash left of a line that was being written is cut off.
[[nodiscard]] bool audit_open(struct audit **out, const char *home, const struct audit_keep *keep, struct err *e);
void audit_close(struct audit *a); // NULL is fine

struct audit_entry {
    const char *what, *verdict; // "decrypt", "session", "generate", "rotate"; "allowed", "refused", "failed"
    const char *session, *account, *caller, *owner, *profile, *repo, *branch, *why; // NULL: left out
    bool has_request;
    uint64_t request_id;
    uint64_t count, first; // 0: left out
    bool unproven;         // of an asker who proved nothing
};
// The entry as its line would be without its place in the chain, in `t`; texts of strangers stand in it repaired.
char *audit_line(struct arena *t, const struct audit_entry *entry);
// A line that cannot be written is an error: nothing may be handed out without its trace. A whole line is written, or
// none.
[[nodiscard]] bool audit_write(struct audit *a, const struct audit_entry *entry, struct err *e);
// The same at a time of a clock that only goes forward, for tests.
[[nodiscard]] bool audit_write_at(struct audit *a, const struct audit_entry *entry, uint64_t now_ms, struct err *e);
