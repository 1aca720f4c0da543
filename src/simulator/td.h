// SPDX-License-Identifier: Apache-2.0
// The trust domain that the simulator stands for: what it was started from, its registers with the log that leads to
// them, its quotes, its application's keys. Safe from several threads.
#pragma once
#include "base/arena.h"
#include "base/err.h"
#include "crypto/hash.h"
#include "testpki/testpki.h"
#include <pthread.h>

#define TD_EVENTS_MAX 256
#define TD_EVENT_NAME_MAX 256
#define TD_EVENT_PAYLOAD_MAX (16u << 10)
#define TD_COMPOSE_MAX (256u << 10)

struct td_config {
    const char *seed;         // of root and key service: simulators with the same one are machines of one authority
    const char *platform;     // name of the machine
    const char *image;        // name of the system image: MRTD and RTMR0 to RTMR2
    const char *version;      // of dstack, "0.5.8"
    struct slice compose;     // app-compose.json, as it is
    const char *key_provider; // JSON with name and id
    const char *quote_format; // "v4", "v5" or "v5-1.5"
    int64_t now;
};

struct td_event {
    unsigned imr;
    uint32_t type;
    uint8_t digest[48];
    const char *name;
    struct slice payload;
};

struct td {
    struct td_config config;
    struct arena *arena;
    unsigned version; // 0.5.8 is 508
    const char *app_name, *provider;
    struct hash compose_hash;
    uint8_t app_id[20], instance_id[20], rtmr[4][48], config_id[48];
    bool has_instance;
    uint8_t kms_key[32], app_key[32], kms_signature[65];
    pthread_mutex_t lock; // guards what follows, and rtmr
    struct pki_world world;
    struct td_event events[TD_EVENTS_MAX];
    size_t event_count;
};

// `c` and what it points to stay. ERR_SETTINGS names what is wrong.
[[nodiscard]] bool td_start(struct td *t, const struct td_config *c, struct err *e);
void td_end(struct td *t);
// The world of the collateral at `now`: dates follow its day, certificates do not.
void td_world(struct pki_world *w, const struct td_config *c, int64_t now);
struct slice td_quote(struct td *t, struct arena *a, const uint8_t report_data[64]);
// Extends RTMR3.
[[nodiscard]] bool td_emit(struct td *t, const char *name, struct slice payload, struct err *e);
// What dstack calls mr_aggregated: SHA-256 of MRTD, these registers, and MRCONFIGID and the owner's where one is set.
struct hash td_aggregated(const struct td *t, const uint8_t registers[4][48]);
// The log as the agent gives it: JSON, an array of events. `registers`, if not NULL, gets those that it leads to.
json_t *td_log(struct td *t, struct arena *a, uint8_t registers[4][48]);
