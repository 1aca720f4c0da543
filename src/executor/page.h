// SPDX-License-Identifier: Apache-2.0
// The page that a run's process and we share: its counter, its memory's peak. Inner part of exec.h.
#pragma once
#include "base/err.h"
#include "wasm/meter.h"

struct page {
    int fd; // -1: none
    struct meter_page *at;
};
#define PAGE_NONE ((struct page){-1, NULL})

[[nodiscard]] bool page_new(struct page *out, uint64_t limit, struct err *e);
void page_free(struct page *p);
// How long a job took: as we saw it, from its process's word that it begins to its answer; longer where the page says
// so and it can be true, as on a busy machine both may be there when we look. Shorter is nobody's to say. `seen`: what
// the page said when nobody could write to it any more.
uint64_t page_time_us(const struct meter_page *seen, uint64_t sent_us, uint64_t begun_us, uint64_t answered_us);
