// SPDX-License-Identifier: Apache-2.0
// The program that makes one attempt inside a box: attack NAME FACT=VALUE… (attempt.h). Static, so that it runs
// whatever libraries the box shows. Its answer is one line: NAME held|broke WHY.
#include "attempt.h"

#include <sys/syscall.h>

// Started from a file that would give rights: status 1 where it did.
static int has_rights(void) {
    struct {
        uint32_t version;
        int pid;
    } head = {0x20080522, 0};
    struct {
        uint32_t effective, permitted, inheritable;
    } rights[2] = {0};
    (void)syscall(SYS_capget, &head, rights);
    return rights[0].permitted || rights[1].permitted || geteuid() != getuid() || geteuid() == 0;
}

int main(int argc, char **argv) {
    struct ground g;
    struct note n = {""};
    const struct attempt *a = argc > 1 ? attempt_named(argv[1]) : NULL;
    if (argc == 2 && strcmp(argv[1], "rights") == 0)
        return has_rights();
    if (argc == 2 && strcmp(argv[1], "nothing") == 0)
        return puts("nothing held") < 0;
    if (!a || !ground_read(&g, argv + 2, (size_t)argc - 2)) {
        fprintf(stderr, "attack: no such attempt, or not a fact: %s\n", argc > 1 ? argv[1] : "");
        return 2;
    }
    enum verdict v = a->try(&g, a->arg, &n);
    printf("%s %s %s\n", a->name, v == BROKE ? "broke" : "held", n.text);
    return 0;
}
