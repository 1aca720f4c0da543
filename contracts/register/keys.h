// SPDX-License-Identifier: Apache-2.0
// The life of keys after their registration: they are judged again, expire, and are removed.
#pragma once
#include "events.h"

// The record, its access key and its stake go; the name stays taken. The reason stands in the event.
void remove_key(struct key_place at, const struct key_record *k, enum reason why);
// Whether this call has gas and room in its logs for another removal.
bool can_remove(void);
// Removes the keys whose image does not count any more, as many as this call can.
void remove_unapproved(void);
// What a key of this contract may do.
struct call_key key_rights(const struct state *s, const struct public_key *key);
