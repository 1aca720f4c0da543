// SPDX-License-Identifier: Apache-2.0
// The arguments of the contract's methods, decoded by the table in methods.h.
#pragma once
#include "methods.h"
#include "model.h"
#include "sdk/json_in.h"

struct maybe_bool {
    bool given, value;
};
struct maybe_register {
    bool given;
    uint8_t b[REGISTER_SIZE];
};
struct registers {
    uint8_t count;
    uint8_t b[IMAGE_SHAPES_MAX][REGISTER_SIZE];
};

// What a call was given; what was not is zero, NULL or not `given`.
struct args {
    struct account owner_id, account_id, worker_id, main_id; // length 0: not given
    struct maybe_u32 min_tcb_eval, min_qe_eval;
    struct text root_public_key, public_key, quote, event_log, collateral, name, fmspc;
    struct json_raw public_keys, accept, advisories, platforms;
    struct maybe_hash transport_key, master_check, compose_hash, key_provider, code_hash;
    struct maybe_u64 from_index, limit, expires_at, image_id, key_age_s, grace_s, image_delay_s, at;
    bool clear_others, remove_keys;
    struct maybe_bool allow_plain, allow_rtmr3_only;
    struct maybe_yocto allowance;
    uint8_t role; // enum role
    struct maybe_register mrtd, rtmr1, rtmr2, rtmr3;
    struct registers rtmr0;
};
// Begins a method: checks the caller and the deposit by its kind, and decodes its arguments. A list begins with the
// kind and ends with ARG_END; without arguments any input is taken. The result lives until the next call.
const struct args *entry_begin(const uint8_t *list, const char *name);

#include "sdk/entry.h"
// An argument that is ["…",…]: each text goes to `each`; how many there were. More than `most` are refused.
unsigned each_text(struct text json, enum argument_id of, unsigned most, void (*each)(struct text t));
