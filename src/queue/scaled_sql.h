// SPDX-License-Identifier: Apache-2.0
// Words that several statements of the form for many coordinators share.
#pragma once
#include "queue/database.h"

// A number of the preprocessor's, as a word of a statement.
#define NUMBER_TEXT(n) NUMBER_TEXT_OF(n)
#define NUMBER_TEXT_OF(n) #n

// The timeline `to` with another step (timeline.h), of which these are the members: names and values.
#define WITH_STEP(to, members)                                                                                         \
    "CASE WHEN length(" to ") > 16384 THEN " to " ELSE " to " || CAST(json_strip_nulls(json_build_object(" members     \
    ")) AS TEXT) || ',' END"

// The database's clock is the only one.
#define NOW_MS NOW_MS_POSTGRES
