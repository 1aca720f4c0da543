// SPDX-License-Identifier: Apache-2.0
#include "worker/said.h"

#include "base/text.h"

const char *said_tail(struct arena *a, struct slice said) {
    size_t from = said.len > SAID_MAX ? said.len - SAID_MAX : 0;
    while (from && from < said.len && (said.ptr[from] & 0xC0) == 0x80)
        from++;
    char *text = arena_text(a, slice_skip(said, from));
    for (size_t i = 0; i < said.len - from; i++)
        if (!text[i])
            text[i] = '?';
    text_make_printable(text, false);
    return text[0] ? text : NULL;
}
