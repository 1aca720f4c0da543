// SPDX-License-Identifier: Apache-2.0
// Names looked up as this machine looks them up (getaddrinfo: whatever resolver it uses), by a bounded number of
// threads, so that a name server that does not answer holds up nobody else. A look-up that nobody waits for any more
// is forgotten where it has not begun; else it runs to its end, for which servers have a few seconds, and is dropped. A
// name is whole: none of this machine's search domains is put behind it. One thread asks; the others are inside.
#pragma once
#include "egress/wire.h"

#define LOOKUP_FOUND_MAX 16
#define LOOKUP_WORKER 0 // the owner for whom a thread is always left

struct lookup_result {
    uint64_t key;
    enum egress_end end; // EGRESS_STARTED: `found`; UNKNOWN_NAME, NAME_FAILED, NO_RESOLVER, TROUBLE
    struct address found[LOOKUP_FOUND_MAX];
    size_t count;
};

struct lookups;
// Lives as long as the process, and changes its environment: before other threads.
[[nodiscard]] bool lookups_new(struct lookups **out, struct err *e);
int lookups_fd(const struct lookups *l); // readable when there are results
// host NULL: whether the resolver answers at all. owner: whose it is; nobody's fill all threads, and those of all
// guests together leave some for fetches. False: too many wait.
[[nodiscard]] bool lookups_start(struct lookups *l, uint64_t key, uint64_t owner, enum egress_kind kind,
                                 const char *host);
// Nobody waits for it any more.
void lookups_forget(struct lookups *l, uint64_t key);
[[nodiscard]] bool lookups_take(struct lookups *l, struct lookup_result *out);
// What the last look-up or probe met: false where the resolver did not answer.
bool lookups_resolver_answers(struct lookups *l);
