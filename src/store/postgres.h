// SPDX-License-Identifier: Apache-2.0
// The driver for PostgreSQL (14 or newer). Statements have ":name" parameters, which become $1, $2, …; they are
// prepared once for each connection. A result is in memory as a whole, so a question bounds its rows. BEGIN waits for
// the first statement and goes along with it.
#pragma once
#include "store/db.h"

extern const struct db_driver db_postgres;
