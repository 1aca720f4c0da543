// SPDX-License-Identifier: Apache-2.0
// A set on storage that can be enumerated: a list of its elements, and for each element its number in the list. For
// membership alone a map with empty values is enough, at half the price.
//
// Costs: an element binds (94 + twice the length of `of` + twice the element) bytes, and the set once (47 + length of
// `of`) while it is not empty; adding is two reads and three writes, removing at most four reads, three writes and two
// removals.
#pragma once
#include "list.h"

struct set {
    char letter; // the set's own, see map.h
    struct text of;
};
#define SET_ELEMENT_MAX 256 // bytes; a longer one stops the call with words

uint32_t set_count(struct set s);
bool set_has(struct set s, struct text element);
bool set_add(struct set s, struct text element);    // false: it was in already
bool set_remove(struct set s, struct text element); // false: it was not in; the order changes
// The elements as a list to read pages from, in the order of adding until one is removed. Changed through the set only.
struct list set_elements(struct set s);
