// SPDX-License-Identifier: Apache-2.0
// The log of what was measured into a trust domain's registers, as dstack's guests keep it. A log is only as true as
// the registers of a quote: each event of register 3 is hashed anew from its name and payload, and all together must
// give the register's value.
//
// Two forms: dstack's own, an array of {imr, event_type, digest, event, event_payload, version?, preimage?} with the
// firmware's events of registers 0-2 before those of register 3; and, for contracts, register 3 alone as
// {"version":1|2,"events":[{"event":…,"payload":hex}…]}.
#pragma once
#include "dcap/code.h"
#include "dcap/sha384.h"

enum { DCAP_RTMRS = 4, DCAP_RTMR_SIZE = DCAP_SHA384_SIZE };

struct dcap_event_log {
    uint8_t rtmr[DCAP_RTMRS][DCAP_RTMR_SIZE]; // as the log gives them
    uint32_t events[DCAP_RTMRS];              // how many it has of each
    uint8_t compose_hash[32];
    bool has_key_provider;
    uint8_t key_provider[32]; // SHA-256 of the event's payload
};
// Replays the log and compares it with the registers of a quote (four, one after the other); of the registers 0-2 those
// that it has events of. What guests measure before an application runs is there once at most and before system-ready,
// behind which an application may have added events of any name; compose-hash and system-ready are there. The arena is
// left as it was.
[[nodiscard]] bool dcap_replay(struct dcap_event_log *out, struct bytes text, const uint8_t *rtmrs,
                               struct dcap_arena *arena, struct dcap_fault *f);
