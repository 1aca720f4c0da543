// SPDX-License-Identifier: Apache-2.0
// outlayer-executor: keeps a slot in which guests are run and compiled, each in a process of its own. Started by
// exec_pool, never by hand: its only argument is the descriptor of the socket over which it is told what to do.
#include "base/text.h"
#include "executor/guest.h"

int main(int argc, char **argv) {
    uint64_t fd;
    if (argc != 2 || !text_u64(slice_str(argv[1]), &fd) || fd > 1024) {
        fprintf(stderr, "outlayer-executor is started by outlayer-worker and `outlayer run`, not by hand\n");
        return 2;
    }
    clearenv();
    // Threads of the compiler and of the engine's input and output, however many processors there are. Of the latter
    // one: every run with input or output starts them, and almost none has anything for them to do.
    setenv("RAYON_NUM_THREADS", "4", 1);
    setenv("TOKIO_WORKER_THREADS", "1", 1);
    return guest_keep((int)fd);
}
