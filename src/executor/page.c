// SPDX-License-Identifier: Apache-2.0
#include "executor/page.h"

#include "wasm/engine.h"
#include <fcntl.h>
#include <sys/mman.h>

// Sealed, or an escaped guest could shorten it and have us die of SIGBUS when we read it.
bool page_new(struct page *out, uint64_t limit, struct err *e) {
    *out = (struct page){memfd_create("page", MFD_CLOEXEC | MFD_ALLOW_SEALING), NULL};
    if (out->fd < 0 || ftruncate(out->fd, ENGINE_PAGE_BYTES) != 0 ||
        fcntl(out->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
        return err_errno(e, "cannot make a shared page");
    void *p = mmap(NULL, ENGINE_PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, out->fd, 0);
    if (p == MAP_FAILED)
        return err_errno(e, "cannot map a shared page");
    out->at = p;
    meter_page_init(out->at, limit);
    return true;
}

uint64_t page_time_us(const struct meter_page *seen, uint64_t sent_us, uint64_t begun_us, uint64_t answered_us) {
    uint64_t ours = answered_us - begun_us;
    bool can_be = seen->began_us >= sent_us && seen->began_us <= seen->ended_us && seen->ended_us <= answered_us;
    uint64_t told = can_be ? seen->ended_us - seen->began_us : 0;
    return told > ours ? told : ours;
}

void page_free(struct page *p) {
    if (p->at)
        munmap(p->at, ENGINE_PAGE_BYTES);
    if (p->fd >= 0)
        close(p->fd);
    *p = PAGE_NONE;
}
