// SPDX-License-Identifier: Apache-2.0
#include "shown.h"
#include "events.h"

static uint64_t number(const void *m, uint8_t size) {
    uint64_t v = 0;
    memcpy(&v, m, size);
    return v;
}

static void put_one(struct out *o, const struct shown *s, const void *m) {
    char text[PUBLIC_KEY_TEXT_MAX];
    uint64_t v = s->size <= sizeof v ? number(m, s->size) : 0;
    struct text t = {0};
    switch ((enum shown_kind)s->kind) {
    case SHOWN_NUMBER: put_number(o, v); return;
    case SHOWN_BOOL: put_bool(o, v); return;
    case SHOWN_AMOUNT: put_amount(o, *(const struct yocto *)m); return;
    case SHOWN_HEX: put_hex_bytes(o, m, s->size); return;
    case SHOWN_TEXT: t = *(const struct text *)m; break;
    case SHOWN_ACCOUNT:
        if (*(const uint8_t *)m)
            t = account_text(m);
        break;
    case SHOWN_KEY: t = public_key_text(m, text); break;
    case SHOWN_STATUS:
        if (v == DCAP_NONE)
            break;
        put_word(o, dcap_status_name((enum dcap_status)v));
        return;
    case SHOWN_PART: put_word(o, part_name((enum dcap_part)v)); return;
    case SHOWN_CODE: put_word(o, dcap_code_name((enum dcap_code)v)); return;
    }
    put_string(o, t);
}

void put_shown(struct out *o, const struct shown *members, size_t count, const void *from) {
    for (const struct shown *s = members; s < members + count; s++) {
        put_key(o, s->name);
        put_one(o, s, (const char *)from + s->offset);
    }
}
