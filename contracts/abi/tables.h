// SPDX-License-Identifier: Apache-2.0
// The tables of a contract's methods.h as abi.h has them, for the one source that includes this behind its args.h, its
// `types` and its ABI_NAME, ABI_VERSION and ABI_DEFINITIONS.
#include "abi/abi.h"

// clang-format off
#define A(name, type, member, doc) {#name, #type, doc},
static const struct abi_argument arguments_known[] = {ARGUMENTS(A)};
#undef A
#define R(name) ARG_##name | ARG_REQUIRED,
#define O(name) ARG_##name,
#define X(type, members) {#type, {members ARG_END}},
static const struct abi_object objects[] = {OBJECTS(X)};
#undef X
#define M(kind, name, arguments, who, result, doc) {#name, list_##name + 1, kind, who, result, doc},
static const struct abi_method methods[] = {METHODS(M)};
#undef M
// clang-format on
_Static_assert(ABI_REQUIRED == (int)ARG_REQUIRED && ABI_END == (int)ARG_END, "lists are made by sdk/entry.h");
#define COUNT(array) (sizeof(array) / sizeof(array)[0])

const struct abi_contract abi_contract = {
    .name = ABI_NAME,
    .version = ABI_VERSION,
    .arguments = arguments_known,
    .objects = objects,
    .methods = methods,
    .types = types,
    .argument_count = COUNT(arguments_known),
    .object_count = COUNT(objects),
    .method_count = COUNT(methods),
    .type_count = COUNT(types),
    .definitions = ABI_DEFINITIONS,
};
