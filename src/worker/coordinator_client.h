// SPDX-License-Identifier: Apache-2.0
// The coordinator, as a worker calls it. Everything it says is checked before use: bytes are re-hashed, build records
// must be signed, leases are compared with the chain. Safe for several threads.
#pragma once
#include "protocol/build_record.h"
#include "worker/lease.h"
#include <stdatomic.h>

struct api;

#define API_UNNAMED_MS 60000 // for so long no poll names what is at hand, where a coordinator did not take that

// `cancel`: when it turns true, calls give up within 100 ms. NULL: never. Texts are kept, not copied.
struct api_settings {
    const char *base_url, *token, *worker_id, *version, *network, *contract_id;
    const char *role;                     // the one thing that is done here, compilation or execution; NULL: both
    const char *operator_id, *public_key; // as which it answers; for everybody to see
    uint64_t started_ms;                  // wall clock
    uint64_t unnamed_ms;                  // instead of API_UNNAMED_MS; 0: that
    const atomic_bool *cancel;
};
[[nodiscard]] bool api_new(struct api **out, const struct api_settings *s, struct err *e);
void api_free(struct api *api);
// Now, in Unix milliseconds, by the clock that deadlines go by, as the last answer to an announcement said; it goes on
// by itself and does not jump with this machine's. Of an older coordinator, whose answers do not say so: by their
// dates, to a second. Without an answer: by this machine's.
uint64_t api_now_ms(const struct api *api);

struct poll_wish {
    uint64_t timeout_s;
    const char *at_hand;     // a list of marks (protocol/source_mark.h); "": nothing
    const atomic_bool *stop; // ends the wait early
};
// Waits for work of any kind: also what this worker cannot build has to be answered. *got false: none. A lease that
// cannot be read is ERR_INVALID with *got true when it can at least be given back. A coordinator that does not know
// what a poll names as at hand refuses it: it is asked once more without, and for a while no poll names it.
[[nodiscard]] bool api_poll(struct api *api, struct arena *a, const struct poll_wish *wish, struct lease *out,
                            bool *got, struct err *e);

// What names a lease in every report.
struct lease_id {
    const char *contract_id, *token;
    uint64_t request_id;
};
// stage NULL: none yet; dead_at_ms 0: as before. ERR_LEASE_LOST: the coordinator itself says that somebody else has it
// now, or that it is over.
[[nodiscard]] bool api_heartbeat(struct api *api, struct arena *a, const struct lease_id *id, const char *stage,
                                 uint64_t dead_at_ms, struct err *e);
[[nodiscard]] bool api_fail(struct api *api, struct arena *a, const struct lease_id *id, const char *reason, bool retry,
                            struct err *e);
// Those who do `next` (build or run) go on, at once. ERR_NOT_FOUND: an older coordinator, which cannot.
[[nodiscard]] bool api_hand_over(struct api *api, struct arena *a, const struct lease_id *id, const char *next,
                                 const char *reason, struct err *e);
// `report`: the fields of /tasks/complete beside those of `id`; borrowed. A coordinator of before these two were sent
// refuses a report that has them: it is told without.
#define REPORT_BUILD_LOG "build_log"
#define REPORT_STDERR "guest_stderr"
[[nodiscard]] bool api_complete(struct api *api, struct arena *a, const struct lease_id *id, const json_t *report,
                                struct err *e);

[[nodiscard]] bool api_lock(struct api *api, struct arena *a, const char *key, uint64_t ttl_s, bool *acquired,
                            struct err *e);
// ERR_FORBIDDEN: another worker has it.
[[nodiscard]] bool api_unlock(struct api *api, struct arena *a, const char *key, struct err *e);

// ERR_NOT_FOUND: the coordinator has no such module. The bytes have the hash.
[[nodiscard]] bool api_wasm_get(struct api *api, struct arena *a, const struct hash *hash, struct slice *out,
                                struct err *e);
[[nodiscard]] bool api_wasm_put(struct api *api, struct arena *a, const struct hash *hash, struct slice wasm,
                                struct err *e);
// A lock that was made for a build (builder/build.h), kept where anybody may have it.
[[nodiscard]] bool api_lock_file_put(struct api *api, struct arena *a, const struct hash *hash, struct slice lock,
                                     struct err *e);
[[nodiscard]] bool api_lock_file_get(struct api *api, struct arena *a, const struct hash *hash, struct slice *out,
                                     struct err *e);
// Those of all signers; nothing about them is verified here but their form.
[[nodiscard]] bool api_records_get(struct api *api, struct arena *a, const struct hash *build_key,
                                   struct build_record **out, size_t *count, struct err *e);
[[nodiscard]] bool api_record_put(struct api *api, struct arena *a, const struct build_record *r, struct err *e);

struct worker_state {
    const char *capabilities;
    unsigned building, running, submitting, free_slots;
    uint64_t block_height, blocks_behind; // the last block that its monitor took, 0: none; so far behind the newest
};
[[nodiscard]] bool api_announce(struct api *api, struct arena *a, const struct worker_state *s, struct err *e);
