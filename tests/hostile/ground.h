// SPDX-License-Identifier: Apache-2.0
// What stands around the confinements while attempts are made: things that nobody inside may reach.
#pragma once
#include "base/arena.h"
#include "base/err.h"

struct surroundings {
    struct arena *arena;
    int victim, listener, abstract, shm, queue, canaries[2];
    unsigned port;
    char *folder; // holds all files; removed at the end
    char *secret, *scratch, *abstract_name, *queue_name;
};
[[nodiscard]] bool ground_make(struct surroundings *g, struct err *e);
void ground_end(struct surroundings *g);
// "victim=… port=… …"
const char *ground_words(const struct surroundings *g, struct arena *a);
// Does what a process outside does that others look at: waits. Its environment has the secret.
_Noreturn void ground_be_victim(void);
