// SPDX-License-Identifier: Apache-2.0
// Runs a fuzz target over its seeds (files or folders of files given as arguments), for builds without libFuzzer.
// Prints "N seeds"; a crash is the failure.
#include "base/file.h"
#include <dirent.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool replay(const char *path, unsigned *count, struct err *e) {
    struct stat st;
    if (stat(path, &st) != 0)
        return err_errno(e, "cannot open '%s'", path);
    SCOPED_ARENA(a);
    if (!S_ISDIR(st.st_mode)) {
        struct slice bytes;
        if (!file_read(a, path, 64u << 20, &bytes, e))
            return false;
        LLVMFuzzerTestOneInput(bytes.ptr, bytes.len);
        ++*count;
        return true;
    }
    struct dirent **names;
    int n = scandir(path, &names, NULL, alphasort);
    bool ok = n >= 0 || err_errno(e, "cannot list '%s'", path);
    for (int i = 0; i < n; i++) {
        if (ok && names[i]->d_name[0] != '.')
            ok = replay(arena_printf(a, "%s/%s", path, names[i]->d_name), count, e);
        free(names[i]);
    }
    if (n >= 0)
        free(names);
    return ok;
}

int main(int argc, char **argv) {
    unsigned count = 0;
    struct err e;
    for (int i = 1; i < argc; i++) {
        if (!replay(argv[i], &count, &e)) {
            fprintf(stderr, "%s\n", e.msg);
            return 1;
        }
    }
    printf("%u seeds\n", count);
    return count ? 0 : 1;
}
