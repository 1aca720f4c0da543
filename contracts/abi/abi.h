// SPDX-License-Identifier: Apache-2.0
// What a contract's table of methods (methods.h) says, for others: near-abi JSON, and the tables of its page in docs/.
// A contract's abi/types.c says what its types are, for people and in JSON Schema, and includes abi/tables.h.
#pragma once
#include "sdk/env.h"
#include <stdio.h>

enum { ABI_REQUIRED = 0x80, ABI_END = 0xff }; // in lists of arguments, as sdk/entry.h makes them
struct abi_argument {
    const char *name, *type, *doc;
};
struct abi_object {
    const char *type;
    uint8_t list[16];
};
struct abi_method {
    const char *name;
    const uint8_t *list; // behind the kind
    enum method_kind kind;
    const char *who, *result, *doc;
};
struct abi_type {
    const char *name, *words, *schema; // words for people
};
struct abi_contract {
    const char *name, *version;
    const struct abi_argument *arguments;
    const struct abi_object *objects;
    const struct abi_method *methods;
    const struct abi_type *types;
    size_t argument_count, object_count, method_count, type_count;
    const char *definitions; // that the schemas refer to, beside the objects
};
extern const struct abi_contract abi_contract; // of the contract that this program is linked with

void abi_json(FILE *to);
void abi_tables(FILE *to); // Markdown
