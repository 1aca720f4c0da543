// SPDX-License-Identifier: Apache-2.0
// EGRESS_ALLOW and EGRESS_PORTS, separated by a line's end: read or refused with a sentence, and what is read is judged
// the same each time.
// Canary: the seeds reach rules that are taken.
#include "egress/rules.h"

#include "base/arena.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    SCOPED_ARENA(a);
    char *allow = arena_text(a, slice_of(data, size)), *line = strchr(allow, '\n');
    struct egress_rules *r;
    struct err e = {0};
    struct address x;
    if (line)
        *line = 0;
    if (!egress_rules_new(&r, allow, line ? line + 1 : NULL, &e)) {
        BUG_ON(!e.msg[0]);
        return 0;
    }
    BUG_ON(!address_parse(&x, "127.0.0.1"));
    for (unsigned port = 1; port < 9000; port += 7) {
        bool may = egress_rules_judge(r, EGRESS_GUEST, "localhost", x, (uint16_t)port, true);
        BUG_ON(may && (!allow[0] || !egress_rules_port(r, EGRESS_GUEST, "localhost", (uint16_t)port)));
    }
    egress_rules_free(r);
    return 0;
}
