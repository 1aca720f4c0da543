// SPDX-License-Identifier: Apache-2.0
// Settings files come from people: no text may crash the reader, and what it accepts it accepts again with the same
// result. Canary: the seeds reach an accepted file with a value in quotes.
#include "base/file.h"
#include "base/settings.h"

struct demo {
    const char *host;
    uint64_t port;
};
static const struct setting table[] = {
    SET_TEXT(struct demo, host, "DEMO_HOST", "h", "address"),
    SET_U64(struct demo, port, "DEMO_PORT", "1", 0, 65535, "port"),
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char path[64];
    snprintf(path, sizeof path, "/tmp/settings_fuzz.%d", (int)getpid());
    SCOPED_ARENA(a);
    struct err e;
    struct demo one, two;
    BUG_ON(!file_write_atomic(path, slice_of(data, size), 0600, &e));
    if (settings_load(&one, sizeof one, a, table, ARRAY_LEN(table), path, &e)) {
        const char *again = arena_printf(a, "DEMO_HOST=\"%s\"\nDEMO_PORT=%d\n", one.host, (int)one.port);
        BUG_ON(!file_write_atomic(path, slice_str(again), 0600, &e));
        BUG_ON(!settings_load(&two, sizeof two, a, table, ARRAY_LEN(table), path, &e));
        BUG_ON(strcmp(one.host, two.host) != 0 || one.port != two.port);
    }
    unlink(path);
    return 0;
}
