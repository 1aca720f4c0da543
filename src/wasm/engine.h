// SPDX-License-Identifier: Apache-2.0
// The engine behind one small header: validate, compile, load and run WASI guests (P1 core modules, P2 components). The
// linear memories are ours: one ceiling for all of a run's memories, their peak written to the shared page, and the
// counter's private memory is that page. How a run ended is told by trap codes and exit statuses, never by text.
// One engine per process is enough; it may be used by one thread at a time.
#pragma once
#include "base/buf.h"
#include "base/err.h"
#include "wasm/meter.h"

struct engine;

#define ENGINE_GUEST_NAME "guest" // each guest's only argument, its own name
#define ENGINE_PAGE_BYTES 65536   // size of the shared page's memfd: one page of WebAssembly

// Part of the name under which precompiled code is kept: another engine or other settings mean other code.
const char *engine_version(void);

// page_fd: the run's shared page, mapped for each counter memory; -1: this engine only compiles. `page` is the same
// page as the caller has mapped it; ceiling: bytes of all guest memories together.
struct engine_memory {
    int page_fd;
    struct meter_page *page;
    uint64_t ceiling;
};
[[nodiscard]] bool engine_new(struct engine **out, struct err *e);
// The same, but NaNs have the bits that the processor gives them: for measuring what the canonical ones cost.
[[nodiscard]] bool engine_new_uncanonical(struct engine **out, struct err *e);
void engine_free(struct engine *g);

// The original bytes are a valid module (component) of the features that guests may use; nothing is compiled.
// ERR_INVALID says what is not, a feature that guests may not use by its name.
[[nodiscard]] bool engine_validate(struct slice wasm, enum wasm_kind kind, struct err *e);
// Rewritten bytes to machine code.
[[nodiscard]] bool engine_compile(struct engine *g, struct slice rewritten, enum wasm_kind kind, struct buf *out,
                                  struct err *e);

enum engine_end {
    ENGINE_RETURNED,
    ENGINE_EXITED,  // status
    ENGINE_TRAPPED, // trap; text, where it is none of the engine's
    ENGINE_REFUSED, // could not be instantiated or has no entry: text
    ENGINE_STALE,   // this machine code is of another engine or processor: compile again
};
// What a guest of kind WASM_COMPONENT reaches by wasi:http. The engine makes no socket itself: for each connection it
// asks for a descriptor whose connect has been started, to an address of `host` (a name or an address, IPv6 in
// brackets) that is not among those tried. The same structure stands in third_party/wasmtime/src/http.rs.
#define ENGINE_TRIED_MAX 7
struct engine_connect {
    const char *host;
    uint16_t port;
    uint32_t timeout_ms;
    uint32_t tried_count;
    uint8_t tried[ENGINE_TRIED_MAX][16]; // IPv4 as ::ffff:a.b.c.d
    uint8_t address[16];                 // ENGINE_CONNECT_STARTED: whom the connect goes to
    int fd;                              // and its descriptor, the engine's from then on
};
enum engine_connect_end {
    ENGINE_CONNECT_STARTED,
    ENGINE_CONNECT_PROHIBITED,   // the address or port is one that guests may not reach
    ENGINE_CONNECT_UNKNOWN_NAME, // there is no such name
    ENGINE_CONNECT_NAME_FAILED,  // its name servers do not say
    ENGINE_CONNECT_NAME_LATE,    // they did not say in time
    ENGINE_CONNECT_REFUSED,      // no connection could be started, or no address is left to try
    ENGINE_CONNECT_UNREACHABLE,  // there is no way to this address
    ENGINE_CONNECT_TOO_MANY,     // of this run's at once
    ENGINE_CONNECT_DENIED,       // this run may ask for none
    ENGINE_CONNECT_TROUBLE,      // not the guest's affair: the worker's own network
};

struct engine_run {
    struct engine_memory memory;
    struct slice code; // what engine_compile made; authentic: loading forged code is not safe
    enum wasm_kind kind;
    struct slice input;
    const char **names, **values; // environment
    size_t env_count;
    // Capped; what does not fit is dropped and sets `full`. Errors then end with a remark, and the guest goes on.
    struct buf *output, *errors;
    // Called when standard output is full, on the thread that writes; it may end the process. NULL: the guest goes on,
    // its writes fail.
    void (*overflow)(void *ctx);
    void *overflow_ctx;
    // Called on any thread, several at once, also after engine_run has returned; it may block. NULL: requests are
    // denied.
    enum engine_connect_end (*connect)(void *ctx, struct engine_connect *io);
    void *connect_ctx;
    struct slice roots; // certificates in PEM that TLS trusts beside the built-in ones
};
#define ENGINE_TRAP_HOST (-1)
struct engine_outcome {
    enum engine_end end;
    int status;
    int trap; // WASMTIME_TRAP_CODE_…; -1: the guest broke a rule of the host's, which `text` tells
    char text[400];
};
void engine_run(struct engine *g, const struct engine_run *r, struct engine_outcome *out);
// "unreachable instruction executed", … for people.
const char *engine_trap_text(int trap);
