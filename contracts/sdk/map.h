// SPDX-License-Identifier: Apache-2.0
// A map on storage: each entry is a record of its own, so a get or a put costs the same however many there are. It
// cannot be enumerated or counted; a set can.
//
// A map is named by a letter and, where there is one map for each of many (the tokens of each owner), by whose it is.
// Give every map, list, set and key_of record of a contract a letter of its own.
//
// Costs: an entry binds (42 + length of `of` + key + value) bytes, 10^19 yoctoNEAR each, while it is there. Gas: a get
// 0.07 Tgas, a put or a removal 0.08, and these two 0.0023 more for each node of the state's trie on the way to the
// entry (about 10 in a small contract, 30 in a large one).
#pragma once
#include "storage.h"

struct map {
    char letter;
    struct text of; // up to 255 bytes; none: {0}
};
#define MAP_KEY_MAX 512 // bytes of `of` and key together; more stops the call with words

void map_put(struct map m, struct text key, struct text value);
// The value into buf, *value over it; false: there is none. Stops when the value does not fit.
bool map_get(struct map m, struct text key, void *buf, size_t cap, struct rec_in *value);
bool map_has(struct map m, struct text key);
bool map_remove(struct map m, struct text key); // false: there was none
// The value of one key, of whatever length, becomes that of another. Stops when there is none.
void map_move(struct map m, struct text from, struct text to);

// Maps of amounts, such as balances.
void map_put_yocto(struct map m, struct text key, struct yocto amount);
bool map_get_yocto(struct map m, struct text key, struct yocto *amount); // false: none, *amount is zero
