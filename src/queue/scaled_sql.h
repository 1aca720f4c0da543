// SPDX-License-Identifier: Apache-2.0
// Words that several statements of the form for many coordinators share.
#pragma once

// The database's clock is the only one.
#define NOW_MS "CAST(extract(epoch FROM now()) * 1000 AS BIGINT)"
