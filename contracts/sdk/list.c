// SPDX-License-Identifier: Apache-2.0
#include "list.h"
#include "env.h"

// Keys within the list's map: "#" holds the count, "#" and a number an element. A set keeps keys that begin otherwise
// in the same map.
struct list_key {
    uint8_t b[5];
};
static const struct text count_key = {"#", 1};

static struct map records(struct list l) { return (struct map){l.letter, l.of}; }

static struct list_key element_key(uint32_t number) {
    struct list_key k = {{'#'}};
    memcpy(k.b + 1, &number, sizeof number);
    return k;
}

uint32_t list_count(struct list l) {
    uint8_t bytes[4];
    struct rec_in r;
    return map_get(records(l), count_key, bytes, sizeof bytes, &r) ? rec_take_u32(&r) : 0;
}

static void put_count(struct list l, uint32_t count) {
    if (count)
        map_put(records(l), count_key, (struct text){(const char *)&count, sizeof count});
    else
        map_remove(records(l), count_key);
}

static void put_element(struct list l, uint32_t number, struct text element) {
    struct list_key k = element_key(number);
    map_put(records(l), KEY_TEXT(k), element);
}

uint32_t list_append(struct list l, struct text element) {
    uint32_t number = list_count(l);
    require(number < UINT32_MAX, "The list is full");
    put_element(l, number, element);
    put_count(l, number + 1);
    return number;
}

bool list_get(struct list l, uint32_t number, void *buf, size_t cap, struct text *element) {
    struct list_key k = element_key(number);
    struct rec_in r;
    bool found = map_get(records(l), KEY_TEXT(k), buf, cap, &r);
    *element = (struct text){buf, (size_t)(r.end - r.p)};
    return found;
}

void list_set(struct list l, uint32_t number, struct text element) {
    struct list_key k = element_key(number);
    require(map_has(records(l), KEY_TEXT(k)), "The list has no such element");
    put_element(l, number, element);
}

void list_swap_remove(struct list l, uint32_t number) {
    uint32_t count = list_count(l);
    require(number < count, "The list has no such element");
    struct list_key last = element_key(count - 1), gap = element_key(number);
    if (number == count - 1)
        map_remove(records(l), KEY_TEXT(last));
    else
        map_move(records(l), KEY_TEXT(last), KEY_TEXT(gap));
    put_count(l, count - 1);
}

struct page page_of(uint32_t count, struct maybe_u64 from, struct maybe_u64 limit, uint32_t most) {
    uint64_t first = from.given && from.value < count ? from.value : from.given ? count : 0;
    uint64_t size = limit.given && limit.value < most ? limit.value : most;
    if (size > count - first)
        size = count - first;
    return (struct page){(uint32_t)first, (uint32_t)(first + size)};
}
