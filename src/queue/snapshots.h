// SPDX-License-Identifier: Apache-2.0
// What was over in PostgreSQL when somebody looked: all transactions below `next` but those that were running. Its text
// goes through the hands of strangers: XMIN:NEXT:RUNNING,…, where NEXT and the first that ran are told by how much they
// are more than XMIN, and each further one by how much it is more than the one before it: numbers have ten digits after
// some years, and what is between two that run together has one or two.
#pragma once
#include "base/arena.h"
#include "base/text.h"

#define SNAPSHOT_TEXT_MAX 1000

struct snapshot {
    uint64_t next;       // the lowest number that no transaction had
    const char *running; // an array as PostgreSQL writes it: {1,2}
};
// postgres: as its functions write one, with whole numbers. Where so many run that they have no room, `out` is of
// something earlier: nothing from the first on that has no room was over. false: it is not written so.
[[nodiscard]] bool snapshot_pack(char out[static SNAPSHOT_TEXT_MAX + 1], const char *postgres);
// In the arena. false: `text` is none.
[[nodiscard]] bool snapshot_unpack(struct snapshot *out, struct arena *a, const char *text);
