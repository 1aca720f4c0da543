// SPDX-License-Identifier: Apache-2.0
// The driver for SQLite: WAL, synchronous FULL (a commit that was answered survives a power cut) unless db_keep says
// less.
#pragma once
#include "store/db.h"

extern const struct db_driver db_sqlite;
