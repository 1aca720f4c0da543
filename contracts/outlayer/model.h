// SPDX-License-Identifier: Apache-2.0
// What the contract stores. Keys and records:
//   "STATE"          struct state
//   'r' u64 id       struct request, while it is pending
//   "KEYSTORE"       the keystore's public key, as text
//   'o' u64 id       the bytes of a large output, from its submission to the request's end
#pragma once
#include "sdk/sdk.h"

// What the request pays for, as in force when it was made.
struct fees {
    struct yocto base, per_million_instructions, per_ms, per_compile_ms;
};

struct state {
    struct account owner, operator;
    bool paused;
    struct fees fees;
    uint64_t next_request_id;
    uint64_t executions;         // requests that have ended
    struct yocto fees_collected; // charged so far
};
bool state_exists(void);
struct state state_load(void); // stops when the contract is not initialized
void state_save(const struct state *s);

struct limits {
    uint64_t max_instructions;
    uint32_t max_memory_mb;
    uint64_t max_execution_seconds;
};

enum response_format { FORMAT_BYTES, FORMAT_TEXT, FORMAT_JSON };
enum output_kind { OUTPUT_NONE, OUTPUT_BYTES, OUTPUT_TEXT, OUTPUT_JSON };
extern const char *const format_names[3];
extern const char *const output_names[4]; // OUTPUT_NONE: ""

// An output whose bytes are stored under 'o'.
struct stored_output {
    enum output_kind kind; // OUTPUT_NONE: none has been submitted
    uint32_t len;
    struct hash hash;
};

struct request {
    uint64_t id;
    struct hash data_id; // the yield's name
    struct account sender, payer;
    struct text repo, commit, build_target; // build_target NULL: the worker's default
    struct text secrets_profile;            // NULL: no secrets
    struct account secrets_owner;
    struct limits limits;
    struct yocto payment;
    uint64_t timestamp;
    enum response_format format;
    bool has_input;
    struct hash input_hash;
    uint32_t input_len;
    struct fees fees;
    uint32_t build_seconds;
    struct stored_output output;
    bool answered;       // a worker's answer is on its way to the callback
    struct yocto charge; // set with `answered`
};
// Texts point into a buffer that the next load overwrites. false: no such request is pending.
bool request_load(uint64_t id, struct request *r);
struct request request_must_load(uint64_t id);
void request_save(const struct request *r);
void request_remove(const struct request *r); // and its stored output
struct text output_load(const struct request *r);
void output_save(struct request *r, enum output_kind kind, struct text bytes); // saves the request too

#define OUTPUT_JSON_MAX (384u * 1024) // of a stored output as the callback returns it
