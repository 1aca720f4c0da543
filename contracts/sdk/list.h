// SPDX-License-Identifier: Apache-2.0
// A list on storage: elements of any length, numbered from 0, read by pages. Each element is a record of its own: an
// append or a removal costs the same however long the list is, and views pay for the elements of their page only.
//
// Costs: an element binds (47 + length of `of` + element) bytes, and the list once (47 + length of `of`) for its count
// while it is not empty; an append is a read and two writes, a removal two reads, two writes and a removal at most.
#pragma once
#include "json_in.h"
#include "map.h"

struct list {
    char letter; // the list's own, see map.h
    struct text of;
};
uint32_t list_count(struct list l);
uint32_t list_append(struct list l, struct text element); // its number
// false: there are not so many. Stops when the element does not fit.
bool list_get(struct list l, uint32_t number, void *buf, size_t cap, struct text *element);
void list_set(struct list l, uint32_t number, struct text element); // stops when there are not so many
// Takes the element out; the last one takes its number, so the order changes. Stops when there are not so many.
void list_swap_remove(struct list l, uint32_t number);

// The numbers of a page, from `from` up to and without `to`, of `count` things: at most `limit`, and at most `most`.
struct page {
    uint32_t from, to;
};
struct page page_of(uint32_t count, struct maybe_u64 from, struct maybe_u64 limit, uint32_t most);
