// SPDX-License-Identifier: Apache-2.0
#include "sandbox/guards.h"

#ifdef OUTLAYER_UNGUARDED
#include "base/compat.h"
#include "base/err.h"
#include <pthread.h>

#define VARIABLE "OUTLAYER_UNGUARDED"

static const char *const names[] = {
#define X(name, text, what) text,
    GUARDS(X)
#undef X
};
static char variable[512]; // as it is handed on
static bool off[ARRAY_LEN(names)];

// A name that no guard has would make a test pass for nothing.
static void switch_off(const char *name, size_t n) {
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (strlen(names[i]) == n && strncmp(names[i], name, n) == 0) {
            off[i] = true;
            return;
        }
    }
    fprintf(stderr, VARIABLE ": there is no guard '%.*s'\n", (int)n, name);
    exit(2);
}

// Before main, since programs clear their environment.
__attribute__((constructor)) static void read_variable(void) {
    const char *list = getenv(VARIABLE);
    if (!list || !list[0])
        return;
    BUG_ON(snprintf(variable, sizeof variable, VARIABLE "=%s", list) >= (int)sizeof variable);
    for (const char *p = list; *p; p += strcspn(p, ","), p += *p == ',')
        switch_off(p, strcspn(p, ","));
    fprintf(stderr, "an unguarded program, for tests alone; without: %s\n", list);
}

bool guard_on(enum guard g) { return !off[g]; }

const char *guard_environment(void) { return variable[0] ? variable : NULL; }
#endif
