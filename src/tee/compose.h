// SPDX-License-Identifier: Apache-2.0
// What a compose file of dstack makes of a machine's measurements: anybody can compute it from the file alone, without
// a TDX machine, and compare it with what a quote shows. As dstack measures from 0.4 on, by its sources.
#pragma once
#include "base/arena.h"
#include "tee/measurement.h"

#define COMPOSE_MAX (256u << 10)

struct compose {
    struct hash hash;    // of the file's exact bytes, which is what is measured: another space is another hash
    const char *name;    // in `a`; "" where the file gives none
    bool no_instance_id; // instances are not told apart: RTMR3 is the same on every machine
    bool v2;             // it asks for digests of version 2 (event_log_version), which dstack has from 0.6 on
    bool init_script;    // it has any, which dstack measures from 0.6 on
};
// ERR_INVALID: this is no JSON object of the kind that dstack takes.
[[nodiscard]] bool compose_parse(struct compose *out, struct arena *a, struct slice file, struct err *e);

struct td_register {
    uint8_t b[TD_REGISTER_SIZE];
};
// MRCONFIGID, from dstack 0.5.1 on: 1, the compose hash, zeros.
struct td_register compose_config_id(const struct compose *c);

// What RTMR3 holds beside the compose hash.
struct boot_facts {
    struct slice app_id;       // 20 bytes; empty: the first 20 of the compose hash
    struct slice instance_id;  // 20 bytes, or empty where instances are not told apart
    struct slice key_provider; // the payload of that event: JSON with name and id
    struct slice
        storage_fs; // "zfs" or "ext4", as dstack measures it from 0.5.5 on; empty: an older one, which does not
};
// RTMR3 once the machine is ready, of dstack 0.4 to 0.5 without a key service, whose answer is measured as well, and of
// 0.6 where there are neither init scripts nor GPUs; what the application itself adds to it later comes on top
// (register_extend).
struct td_register compose_rtmr3(const struct compose *c, const struct boot_facts *f);
// One event of the log: register = SHA-384(register, SHA-384(preimage)). The preimage is of version 1, type ":" event
// ":" payload, or of version 2, canonical JSON; the events of dstack's own have names without escapes.
void register_extend(struct td_register *r, const char *event, struct slice payload);
void register_extend_v2(struct td_register *r, const char *event, struct slice payload);
