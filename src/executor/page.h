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
