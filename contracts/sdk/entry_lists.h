// SPDX-License-Identifier: Apache-2.0
// What every decoding of a contract's arguments begins with, for a source that defines TYPES(T) before; T begins with a
// type's name and its C type. These are the lists of what objects and methods take, the types' numbers, and the check
// that each argument's member of struct args is of its type. sdk/entry_table.h goes on with the SDK's decoders; a
// contract that reads JSON by itself includes this alone.
#pragma once
#include "entry.h"

// clang-format off
#define R(name) ARG_##name | ARG_REQUIRED,
#define O(name) ARG_##name,
#define X(type, list) static const uint8_t members_##type[] = {list ARG_END};
OBJECTS(X)
#undef X
#define M(kind, name, list, who, result, doc) const uint8_t list_##name[] = {kind, list ARG_END};
METHODS(M)
#undef M
#undef R
#undef O
#define T(type, c, ...) TYPE_##type,
enum type { TYPES(T) };
#undef T
#define T(type, c, ...) typedef c c_##type;
TYPES(T)
#undef T
#define A(name, type, member, doc) _Static_assert(_Generic(&((struct args *)0)->member, c_##type *: true), #name);
ARGUMENTS(A)
#undef A
// clang-format on
