// SPDX-License-Identifier: Apache-2.0
#include "wasm/memory.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/mman.h>

struct linear {
    const struct engine_memory *run;
    uint8_t *base;
    size_t mapped; // reserved, guard included
    size_t size, capacity;
    bool counter; // the shared page: not the guest's, does not count
};

// Bytes of all guest memories of this process: it runs one guest.
static atomic_uint_fast64_t total;

static wasmtime_error_t *refusal(const char *why) { return wasmtime_error_new(why); }

static void note_peak(struct meter_page *page, uint64_t now) {
    if (page && now > page->peak_memory)
        page->peak_memory = now;
}

// Takes `more` bytes of the ceiling; false when it is reached, which the page remembers.
static bool take(const struct engine_memory *run, size_t more) {
    uint64_t now = atomic_fetch_add(&total, more) + more;
    if (now > run->ceiling) {
        atomic_fetch_sub(&total, more);
        if (run->page)
            run->page->refused_memory++;
        return false;
    }
    note_peak(run->page, now);
    return true;
}

static uint8_t *get(void *env, size_t *size, size_t *capacity) {
    struct linear *m = env;
    *size = m->size;
    *capacity = m->capacity;
    return m->base;
}

static wasmtime_error_t *grow(void *env, size_t new_size) {
    struct linear *m = env;
    if (m->counter || new_size < m->size)
        return refusal("memory cannot grow so far");
    if (new_size > m->capacity) { // all that the ceiling leaves was reserved: beyond it is beyond the ceiling
        if (m->run->page)
            m->run->page->refused_memory++;
        return refusal("memory ceiling reached");
    }
    size_t more = new_size - m->size;
    if (!take(m->run, more))
        return refusal("memory ceiling reached");
    if (more && mprotect(m->base + m->size, more, PROT_READ | PROT_WRITE) != 0) {
        atomic_fetch_sub(&total, more);
        return refusal("no memory left on this machine");
    }
    m->size = new_size;
    return NULL;
}

static void drop(void *env) {
    struct linear *m = env;
    munmap(m->base, m->mapped);
    if (!m->counter)
        atomic_fetch_sub(&total, m->size);
    free(m);
}

static bool open_size(struct linear *m, size_t minimum) {
    if (m->counter) {
        void *p = mmap(m->base, ENGINE_PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, m->run->page_fd, 0);
        m->size = m->capacity = ENGINE_PAGE_BYTES;
        return p != MAP_FAILED;
    }
    if (!take(m->run, minimum))
        return false;
    m->size = minimum;
    if (minimum && mprotect(m->base, minimum, PROT_READ | PROT_WRITE) != 0) {
        atomic_fetch_sub(&total, minimum);
        return false;
    }
    return true;
}

static wasmtime_error_t *make(void *env, const wasm_memorytype_t *type, size_t minimum, size_t maximum, size_t reserved,
                              size_t guard, wasmtime_linear_memory_t *out) {
    const struct engine_memory *run = env;
    struct linear *m = xcalloc(1, sizeof *m);
    m->run = run;
    m->counter = wasmtime_memorytype_is64(type);
    // The base never moves: room for all that the ceiling allows is reserved now. The engine asks for no growth beyond
    // the capacity, so it is more than the ceiling where there is room: reaching the ceiling shall be seen here.
    uint64_t allowed = run->ceiling < maximum ? run->ceiling / ENGINE_PAGE_BYTES * ENGINE_PAGE_BYTES : maximum;
    m->capacity = maximum <= reserved ? maximum : allowed;
    if (m->capacity < minimum)
        m->capacity = minimum;
    size_t room = m->capacity > reserved ? m->capacity : reserved;
    if (ckd_add(&m->mapped, room, guard)) {
        free(m);
        return refusal("memory too large");
    }
    m->base = mmap(NULL, m->mapped ? m->mapped : 1, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (m->base == MAP_FAILED) {
        free(m);
        return refusal("no address space left");
    }
    if (!open_size(m, minimum)) {
        munmap(m->base, m->mapped);
        free(m);
        return refusal("memory ceiling reached");
    }
    *out = (wasmtime_linear_memory_t){m, get, grow, drop};
    return NULL;
}

void memory_use(wasm_config_t *config, const struct engine_memory *memory) {
    wasmtime_memory_creator_t creator = {.env = (void *)(uintptr_t)memory, .new_memory = make};
    wasmtime_config_host_memory_creator_set(config, &creator);
}
