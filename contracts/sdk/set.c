// SPDX-License-Identifier: Apache-2.0
#include "set.h"
#include "env.h"

// In the list's map, beside the keys of the list: "=" and an element holds the element's number.
struct set_key {
    size_t len;
    uint8_t b[1 + SET_ELEMENT_MAX];
};
#define SET_KEY_TEXT(k) ((struct text){(const char *)(k).b, (k).len})

static struct map records(struct set s) { return (struct map){s.letter, s.of}; }
struct list set_elements(struct set s) {
    return (struct list){s.letter, s.of};
}

static struct set_key number_key(struct text element) {
    require(element.len <= SET_ELEMENT_MAX, "The element is too long for a set of this contract");
    struct set_key k = {1 + element.len, {'='}};
    if (element.len)
        memcpy(k.b + 1, element.ptr, element.len);
    return k;
}

static void remember_number(struct set s, struct text element, uint32_t number) {
    struct set_key k = number_key(element);
    map_put(records(s), SET_KEY_TEXT(k), (struct text){(const char *)&number, sizeof number});
}

uint32_t set_count(struct set s) { return list_count(set_elements(s)); }

bool set_has(struct set s, struct text element) {
    struct set_key k = number_key(element);
    return map_has(records(s), SET_KEY_TEXT(k));
}

bool set_add(struct set s, struct text element) {
    if (set_has(s, element))
        return false;
    remember_number(s, element, list_append(set_elements(s), element));
    return true;
}

bool set_remove(struct set s, struct text element) {
    char buf[SET_ELEMENT_MAX];
    uint8_t bytes[4];
    struct rec_in r;
    struct set_key k = number_key(element);
    if (!map_get(records(s), SET_KEY_TEXT(k), bytes, sizeof bytes, &r))
        return false;
    uint32_t number = rec_take_u32(&r);
    map_remove(records(s), SET_KEY_TEXT(k));
    list_swap_remove(set_elements(s), number);
    struct text moved;
    if (list_get(set_elements(s), number, buf, sizeof buf, &moved))
        remember_number(s, moved, number);
    return true;
}
