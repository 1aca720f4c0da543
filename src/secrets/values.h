// SPDX-License-Identifier: Apache-2.0
// Names and values of secrets: what becomes a guest's environment. Names are [A-Za-z_][A-Za-z0-9_]*, at most 128 bytes,
// and none that the worker itself sets (reserved). Values are UTF-8 without NUL, at most 32 KiB; at most 100 in a blob,
// 64 KiB as JSON. A process that reads values calls json_wipe_memory() at its start.
#pragma once
#include "base/arena.h"
#include "base/err.h"

#define SECRET_NAME_MAX 128
#define SECRET_VALUE_MAX (32u << 10)
#define SECRETS_MAX 100
#define SECRET_TYPE_MAX 16 // of the text that names how one is made (keystore/generate.h)
#define SECRETS_JSON_MAX (64u << 10)
#define PROTECTED_PREFIX "PROTECTED_" // values that the keystore made; nobody seals such a name by hand

bool secret_name_reserved(struct slice name);
// By whom a name is given: only the keystore may make protected ones.
enum secret_giver { GIVEN_BY_USER, MADE_BY_KEYSTORE };
[[nodiscard]] bool secret_name_check(struct slice name, enum secret_giver by, struct err *e); // names the offender
[[nodiscard]] bool secret_value_check(struct slice name, struct slice value, struct err *e);  // never says the value

struct secret {
    const char *name, *value;
};
struct secrets {
    struct secret *items;
    size_t count;
};
// The plaintext of a blob, every name and value checked (protected names allowed). Texts are in `a`: free it wiped.
[[nodiscard]] bool secrets_parse(struct secrets *out, struct arena *a, struct slice json, struct err *e);
// And back, names in order as given.
[[nodiscard]] bool secrets_print(struct arena *a, const struct secrets *s, struct slice *json, struct err *e);
