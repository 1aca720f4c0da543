// SPDX-License-Identifier: Apache-2.0
// How an executor whose guests have escaped (escaped.c) is told what to attempt.
#pragma once
#define ESCAPED_MARKER "an attempt from inside: "
