// SPDX-License-Identifier: Apache-2.0
// The leases of an earlier life: while some last for a tenth of a second or longer, or were given back and the
// coordinator could not be told, HOME/held names them. A worker that was killed, or stopped while the coordinator was
// away, and comes back, gives them back at once, so that they are handed out again before they run out by themselves.
// What the journal knows is on its way to the chain, and is not given back.
#pragma once
#include "worker/coordinator_client.h"

struct held_note {
    struct lease_id id;
    bool for_good; // it is not to be tried again, by anybody
};
// None: the file is removed. Failures are logged only: the leases run out.
void held_file_write(const char *path, struct arena *a, const struct held_note *notes, size_t n);
// What it names that is to be given back, in the arena; the file is removed. pending_dir: of the journal.
size_t held_file_take(const char *path, const char *pending_dir, struct arena *a, struct held_note **out);
