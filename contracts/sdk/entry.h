// SPDX-License-Identifier: Apache-2.0
// A contract's interface by table: its methods.h has ARGUMENTS(A), OBJECTS(X) and METHODS(M), and its args.h a struct
// args with what a call was given. From them come here the number of each argument and a list of them for each method,
// in sdk/entry_lists.h and sdk/entry_table.h the decoding, and in contracts/abi the near-abi JSON and the page. R()
// marks required ones.
#pragma once
#include "sdk.h"

// clang-format off
#define A(name, type, member, doc) ARG_##name,
enum argument_id { ARGUMENTS(A) ARG_COUNT, ARG_REQUIRED = 0x80, ARG_END = 0xff };
#undef A
#define M(kind, name, list, who, result, doc) extern const uint8_t list_##name[]; enum { NAMED_##name = (kind) == CALL || (kind) == CALLBACK };
METHODS(M)
#undef M
// clang-format on

// ENTRY(name) { body }: the exported method, its arguments in *in.
#define ENTRY(name)                                                                                                    \
    static void do_##name(const struct args *in);                                                                      \
    METHOD_RAW(name) { do_##name(entry_begin(list_##name, NAMED_##name ? #name : NULL)); }                             \
    static void do_##name([[maybe_unused]] const struct args *in)
