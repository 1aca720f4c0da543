// SPDX-License-Identifier: Apache-2.0
// From a repository's ref to the module's bytes, by the cheapest way that can be believed: this worker's own cache, the
// coordinator's signed build record (key of an operator on chain, bytes re-hashed), a build of our own. One build of a
// thing at a time, here and among all workers (the coordinator's lock "build:<key>"). Safe for several threads.
#pragma once
#include "builder/build.h"
#include "worker/api.h"
#include "worker/chain.h"
#include <stdatomic.h>

struct modules;
struct modules_settings {
    struct builder *builder;
    struct api *api;
    struct chain *chain;
    const struct secret_key *key; // signs build records
    const char *dir;              // of the cache, made when missing
    uint64_t max_bytes;           // of the cache; the least recently used goes first
    bool may_build;
    const atomic_bool *cancel; // waiting ends when it turns true
};
[[nodiscard]] bool modules_new(struct modules **out, const struct modules_settings *s, struct err *e);
void modules_free(struct modules *m);

struct module_wanted {
    struct build_source source;
    uint64_t build_ms;           // longest build that is paid for
    uint64_t wait_ms;            // everything together
    void (*building)(void *ctx); // called before a build (or the wait for somebody else's) begins; NULL: not
    void *ctx;
};
struct module {
    struct build_result build; // end, reason, repo, commit, build_key, wasm, wasm_hash, build_ms (0: not built here)
    const char *note;          // for people: where it came from; NULL where there is nothing to say
};
// false: the platform failed. A repository's own fault is out->build.end.
[[nodiscard]] bool modules_get(struct modules *m, struct arena *a, const struct module_wanted *w, struct module *out,
                               struct err *e);
