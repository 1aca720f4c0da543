// SPDX-License-Identifier: Apache-2.0
// .env files come from anybody's editor: refused with the number of a line, or understood; and what was understood,
// written in double quotes, is understood as the same. Canary: the seed `quotes` has three names.
#include "base/buf.h"
#include "cli/env_file.h"

static void write_value(struct buf *b, const char *value) {
    for (const char *p = value; *p; p++) {
        if (*p == '\n')
            buf_add_str(b, "\\n");
        else if (*p == '\r')
            buf_add_str(b, "\\r");
        else if (strchr("\"\\", *p))
            buf_printf(b, "\\%c", *p);
        else
            buf_add_byte(b, (uint8_t)*p);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    SCOPED_ARENA(a);
    struct secrets first, second;
    struct err e = {0};
    if (!env_file_read(&first, a, slice_of(data, size), MADE_BY_KEYSTORE, &e)) {
        BUG_ON(!e.msg[0]);
        return 0;
    }
    SCOPED_BUF(b, 4u << 20);
    for (size_t i = 0; i < first.count; i++) {
        buf_printf(&b, "export %s=\"", first.items[i].name);
        write_value(&b, first.items[i].value);
        buf_add_str(&b, "\" # comment\r\n");
    }
    if (b.full)
        return 0;
    BUG_ON(!env_file_read(&second, a, buf_slice(&b), MADE_BY_KEYSTORE, &e) || second.count != first.count);
    for (size_t i = 0; i < first.count; i++)
        BUG_ON(strcmp(first.items[i].name, second.items[i].name) != 0 ||
               strcmp(first.items[i].value, second.items[i].value) != 0);
    return 0;
}
