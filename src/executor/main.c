// SPDX-License-Identifier: Apache-2.0
// outlayer-executor: runs or compiles one guest in a process of its own. Started by exec_pool, never by hand: its only
// argument is the descriptor of the socket on which its job comes.
#include "base/text.h"
#include "executor/egress.h"
#include "executor/guest.h"

int main(int argc, char **argv) {
    uint64_t fd;
    if (argc != 2 || !text_u64(slice_str(argv[1]), &fd) || fd > 1024) {
        fprintf(stderr, "outlayer-executor is started by outlayer-worker and `outlayer run`, not by hand\n");
        return 2;
    }
    egress_allow(getenv("EGRESS_ALLOW"));
    clearenv();
    return guest_serve((int)fd);
}
