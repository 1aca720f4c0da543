// SPDX-License-Identifier: Apache-2.0
// Messages between the asking side and a keeper, over a SOCK_SEQPACKET pair: of fixed size, of one build. No process
// that runs a stranger's code holds either end; they are checked as if one did.
#pragma once
#include "base/err.h"
#include "sandbox/sandbox.h"

// SLOT_ENTER comes once and first, and asks for the first process, too: a keeper that cannot go in answers its only
// order, so nobody writes to one that has died of that.
enum slot_order_kind { SLOT_ENTER = 1, SLOT_FORK, SLOT_KILL };
struct slot_order {
    uint32_t kind;
    uint32_t number;                // SLOT_ENTER and SLOT_FORK: of the process that is asked for; SLOT_KILL: whom
    uint32_t degree, uid;           // SLOT_ENTER
    uint32_t processes, own_number; // own_number: nobody else has this uid
};
// Two descriptors come with SLOT_FORKED: pidfd and stream.
enum slot_note_kind { SLOT_FORKED = 1, SLOT_ENDED, SLOT_FAILED };
struct slot_note {
    uint32_t kind;
    uint32_t number;
    int32_t status; // SLOT_ENDED: as waitpid gives it
    char text[244]; // SLOT_FAILED
};
// Whether n bytes are such a note, of a kind there is, with a text that ends.
bool slot_note_valid(const struct slot_note *n, size_t len);
