// SPDX-License-Identifier: Apache-2.0
// Moments as people write and read them: seconds since 1970, in UTC.
#pragma once
#include "base/err.h"

#define MOMENT_TEXT 24
#define DAY_S 86400u

// "2025-07-01T00:00:00Z", "2025-07-01", or seconds since 1970.
[[nodiscard]] bool moment_read(uint64_t *out, const char *text, struct err *e);
// "2025-07-01T00:00:00Z".
const char *moment_text(uint64_t moment, char out[static MOMENT_TEXT]);
uint64_t moment_now(void); // by this machine's clock
// "27 days", "5 hours", "3 minutes": a whole number of the largest unit.
const char *span_text(uint64_t seconds, char out[static MOMENT_TEXT]);
