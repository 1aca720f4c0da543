// SPDX-License-Identifier: Apache-2.0
// From a repository's ref to the module's bytes, by the cheapest way that can be believed: this worker's own cache, the
// coordinator's signed build record (key of an operator on chain, bytes re-hashed), a build of our own. One build of a
// thing at a time, here and among all workers (the coordinator's lock "build:<key>", build_locks.h), and only so many
// at a time. Safe for several threads.
#pragma once
#include "base/figures.h"
#include "base/patience.h"
#include "builder/build.h"
#include "worker/contract_view.h"
#include "worker/coordinator_client.h"

struct modules;
struct modules_settings {
    struct builder *builder;
    struct api *api;
    struct chain *chain;
    const struct secret_key *key; // signs build records
    const char *dir;              // of the cache, made when missing
    uint64_t max_bytes;           // of the cache; the least recently used goes first
    bool may_build;               // false: what nobody built is others' to build
    bool for_others;              // only builds: the coordinator must have what this worker has
    unsigned builds;              // at a time; more wait
};
[[nodiscard]] bool modules_new(struct modules **out, const struct modules_settings *s, struct err *e);
// What is built or waited for is cancelled by whoever wants it; others may build it from now on. Waits at most so long
// for the coordinator to know.
void modules_stop(struct modules *m, uint64_t ms);
void modules_free(struct modules *m);
void modules_figures(struct modules *m, struct buf *out);

struct module_wanted {
    struct build_source source;
    uint64_t build_ms;        // looking up and building may take so long: what is paid for
    struct patience patience; // everything together
    struct patience waiting;  // waiting for others: for their build of the same, for a place for one's own
    // Called before what may take long without building here: a ref has to be looked up, a module fetched, somebody
    // else's build or a place for one's own waited for. false: there is no room to wait. NULL: there is.
    bool (*waits)(void *ctx);
    void (*building)(void *ctx); // called before a build (or the wait for somebody else's) begins; NULL: not
    void (*begins)(void *ctx);   // called when a build of its own begins; NULL: not
    void *ctx;
};
struct module {
    // end, reason, repo, commit, build_key, wasm, wasm_hash, resolve_ms, build_ms (0: this call did not build it)
    struct build_result build;
    const char *note; // for people: where it came from; NULL where there is nothing to say
    bool elsewhere;   // BUILD_NO_ISOLATION: here nothing is built, and no build is known that can be believed
    bool unshared;    // the coordinator has not got it: nobody else can run it
    bool cut_short;   // BUILD_TIMEOUT: not what is paid was used up, but the patience; the reason says so
};
// false: the platform failed, the patience was over, or there is no room to wait here, or too many builds wait for
// their turn (ERR_TOO_MANY: another worker may have it). A repository's own fault is out->build.end; who waited for a
// build that failed by itself has the same end, and pays nothing for it.
[[nodiscard]] bool modules_get(struct modules *m, struct arena *a, const struct module_wanted *w, struct module *out,
                               struct err *e);
