// SPDX-License-Identifier: Apache-2.0
// From a module's bytes to machine code: kept precompiled with a MAC, compiled in a process of its own where it is not
// there, once at a time for each module. What cannot be compiled is remembered. Inner part of exec.h.
#pragma once
#include "base/patience.h"
#include "executor/pool.h"
#include "wasm/meter.h"

#define CODE_COMPILE_MS_MAX 120000 // longest compilation, whatever is paid

struct code_store;
struct code_settings {
    struct process_pool *processes;
    const char *dir; // NULL: nothing is kept on disk
    uint64_t max_bytes;
    unsigned compiles; // at a time
};
[[nodiscard]] bool code_store_new(struct code_store **out, const struct code_settings *s, struct err *e);
void code_store_free(struct code_store *s); // NULL is fine

struct code_wanted {
    struct slice wasm;
    enum wasm_kind kind;
    struct hash hash;         // of the bytes
    uint64_t budget_ms;       // longest compilation that is paid for
    struct patience patience; // waiting included
};
enum code_end {
    CODE_READY,
    CODE_INVALID, // not a module that may run
    CODE_COSTLY,  // compiling it takes more time or memory than there is
};
struct code {
    enum code_end end;
    int fd; // CODE_READY: a sealed memory file or a file of the cache; the caller closes it. Otherwise -1
    uint64_t len;
    const char *why;     // otherwise
    uint64_t compile_us; // what this call compiled: 0 where somebody else did, or had
};
// The code if it is at hand: never waits for anybody.
bool code_find(struct code_store *s, const struct hash *wasm, struct code *out);
// Compiles where it has to, waits for somebody who does. false: our own trouble, or the patience was over.
[[nodiscard]] bool code_get(struct code_store *s, struct arena *a, const struct code_wanted *w, struct code *out,
                            struct err *e);
void code_drop(struct code_store *s, const struct hash *wasm); // it is of another engine
