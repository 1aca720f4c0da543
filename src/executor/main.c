// SPDX-License-Identifier: Apache-2.0
// outlayer-executor: runs or compiles one guest in a process of its own. Started by exec_pool, never by hand: its only
// argument is the descriptor of the socket on which its job comes.
#include "base/text.h"
#include "executor/guest.h"

int main(int argc, char **argv) {
    uint64_t fd;
    if (argc != 2 || !text_u64(slice_str(argv[1]), &fd) || fd > 1024) {
        fprintf(stderr, "outlayer-executor is started by outlayer-worker and `outlayer run`, not by hand\n");
        return 2;
    }
    clearenv();
    // The engine's own threads for input and output: told here, or it would look for the machine's share of processors
    // in files that a confined process does not open.
    setenv("TOKIO_WORKER_THREADS", "2", 1);
    return guest_serve((int)fd);
}
