// SPDX-License-Identifier: Apache-2.0
// Members of JSON objects by table, for events and views alike: a call for each would take twice the bytes.
#pragma once
#include "model.h"

enum shown_kind {
    SHOWN_NUMBER, // of any size
    SHOWN_BOOL,
    SHOWN_AMOUNT,
    SHOWN_TEXT,
    SHOWN_ACCOUNT, // length 0: null
    SHOWN_KEY,     // struct public_key
    SHOWN_HEX,     // up to 64 bytes
    SHOWN_STATUS,  // enum dcap_status; none: null
    SHOWN_PART,    // enum dcap_part
    SHOWN_CODE,    // enum dcap_code
};
struct shown {
    const char *name;
    uint16_t offset;
    uint8_t kind, size;
};
#define SHOWN(KIND, name, type, member)                                                                                \
    { (name), offsetof(type, member), SHOWN_##KIND, sizeof(((type *)0)->member) }
#define SHOW_ALL(o, table, from) put_shown((o), (table), sizeof(table) / sizeof(table)[0], (from))

void put_shown(struct out *o, const struct shown *members, size_t count, const void *from);
