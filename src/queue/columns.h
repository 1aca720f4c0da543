// SPDX-License-Identifier: Apache-2.0
// One field of many calls as an array of PostgreSQL, in its text form: bound as text, cast in the statement.
#pragma once
#include "base/buf.h"
#include "store/db.h"

#define COLUMN_MAX (32u << 20)

void column_add_text(struct buf *c, const char *value); // NULL: null
void column_add_int(struct buf *c, int64_t value);
// Ends the array and binds it. An empty column is an empty array.
void column_bind(struct db *db, struct db_stmt *s, const char *name, struct buf *c);
