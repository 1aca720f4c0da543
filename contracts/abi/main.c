// SPDX-License-Identifier: Apache-2.0
// contract_abi                 prints the contract's near-abi JSON
// contract_abi docs/FILE.md    puts the tables of methods between the file's lines <!-- methods --> and <!-- end -->
#include "abi.h"

#include <stdlib.h>
#include <string.h>

static int fail(const char *file, const char *why) {
    fprintf(stderr, "contract_abi: %s: %s\n", file, why);
    return 1;
}

static int rewrite(const char *name) {
    static char text[1 << 20];
    FILE *f = fopen(name, "r");
    size_t len = f ? fread(text, 1, sizeof text - 1, f) : 0;
    if (!f || fclose(f) != 0 || !len)
        return fail(name, "cannot be read");
    text[len] = 0;
    char *begin = strstr(text, "<!-- methods -->\n"), *end = begin ? strstr(begin, "<!-- end -->") : NULL;
    if (!end)
        return fail(name, "has no lines <!-- methods --> and <!-- end -->");
    begin += sizeof "<!-- methods -->";
    f = fopen(name, "w");
    if (!f)
        return fail(name, "cannot be written");
    fwrite(text, 1, (size_t)(begin - text), f);
    abi_tables(f);
    fputs(end, f);
    return fclose(f) == 0 ? 0 : fail(name, "cannot be written");
}

int main(int argc, char **argv) {
    if (argc > 1)
        return rewrite(argv[1]);
    abi_json(stdout);
    return fflush(stdout) == 0 ? 0 : fail("standard output", "cannot be written");
}
