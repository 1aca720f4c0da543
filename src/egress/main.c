// SPDX-License-Identifier: Apache-2.0
// outlayer-broker: connects guests and fetches to the world, and to nothing else. Started by egress_new, never by hand;
// its arguments: the descriptor of its control socket, EGRESS_ALLOW, EGRESS_PORTS. It ends when that socket is closed.
#include "base/text.h"
#include "egress/broker.h"
#include "egress/guard.h"
#include <signal.h>

static bool serve(int control, const char *allow, const char *ports, struct err *e) {
    struct egress_rules *rules;
    return guard_broker(e) && egress_rules_new(&rules, allow, ports, e) && broker_serve(control, rules, e);
}

int main(int argc, char **argv) {
    uint64_t control;
    struct err e;
    if (argc != 4 || !text_u64(slice_str(argv[1]), &control) || control > 1024) {
        fprintf(stderr, "outlayer-broker is started by the programs that reach out for others, such as "
                        "outlayer-worker, not by hand\n");
        return 2;
    }
    clearenv();
    signal(SIGPIPE, SIG_IGN);
    if (serve((int)control, argv[2], argv[3], &e))
        return 0;
    fprintf(stderr, "outlayer-broker: %s\n", e.msg);
    return 1;
}
