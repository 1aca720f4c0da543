// SPDX-License-Identifier: Apache-2.0
#include "queue/columns.h"

#include <inttypes.h>

static void next(struct buf *c) { buf_add_byte(c, c->len ? ',' : '{'); }

void column_add_text(struct buf *c, const char *value) {
    next(c);
    if (!value) {
        buf_add_str(c, "NULL");
        return;
    }
    buf_add_byte(c, '"');
    for (const char *at = value; *at;) {
        size_t n = strcspn(at, "\"\\");
        buf_add(c, at, n);
        at += n;
        if (*at) {
            buf_add_byte(c, '\\');
            buf_add_byte(c, (uint8_t)*at++);
        }
    }
    buf_add_byte(c, '"');
}

void column_add_int(struct buf *c, int64_t value) {
    next(c);
    buf_printf(c, "%" PRId64, value);
}

void column_bind(struct db *db, struct db_stmt *s, const char *name, struct buf *c) {
    if (!c->len)
        buf_add_byte(c, '{');
    buf_add_byte(c, '}');
    BUG_ON(c->full); // the callers' batches are smaller
    db_bind_text(db, s, name, buf_str(c));
}
