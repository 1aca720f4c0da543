// SPDX-License-Identifier: Apache-2.0
// What a request runs, as one number: a mark of its repository, its ref and its build target, as they are asked for. By
// marks workers name what they have at hand when they poll, and the queue knows whom to prefer. A mark decides nothing
// but that: of two that are equal by chance, or of a branch that has moved, one worker is preferred for nothing.
#pragma once
#include "base/arena.h"
#include "base/err.h"

#define SOURCE_MARKS_MAX 32 // in one list
#define SOURCE_MARK_LEN 16  // hexadecimal digits

// 0: there is no such repository or ref. Spellings of one repository have one mark.
uint64_t source_mark(const char *repo, const char *ref, const char *target);

// A list of marks as a poll has it: hexadecimal digits, separated by commas.
const char *source_marks_text(struct arena *a, const uint64_t *marks, size_t n);
// NULL is an empty list. ERR_INVALID: it is no such list, or has more than SOURCE_MARKS_MAX.
[[nodiscard]] bool source_marks_parse(uint64_t out[static SOURCE_MARKS_MAX], size_t *count, const char *text,
                                      struct err *e);
