// SPDX-License-Identifier: Apache-2.0
// Which sources this worker can run at once, since it has their modules: those that it ran last, by their marks
// (protocol/source_mark.h), and before it has run any, those of its cache. It says so when it waits for work. What is
// on the list may have made room meanwhile: then its module is fetched, as by any other worker. Safe for several
// threads.
#pragma once
#include "protocol/source_mark.h"

struct at_hand;

// dir: of the modules that are cached (worker/module_cache.h).
struct at_hand *at_hand_new(const char *dir);
void at_hand_free(struct at_hand *h);
// It has just been run. mark 0 is that of no source, and is not noted.
void at_hand_note(struct at_hand *h, uint64_t mark);
// As a poll has it, in `a`; "": nothing.
const char *at_hand_text(struct at_hand *h, struct arena *a);
