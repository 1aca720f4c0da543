// SPDX-License-Identifier: Apache-2.0
// What the contract stores. Keys and records:
//   "STATE"          struct state
//   "OPERATORS"      the operators beside the first one (roles.h)
//   "KEYSTORE"       the keystore's public key as text
//   'r' u64 id       struct request, while it is pending
//   'o' u64 id       the bytes of a large output, from its submission to the request's end
//   'c' account      a refund that came back (refund.h)
//   's' 'x' 'u' 'g' 'b'   secrets (secrets.h)
// Records begin with a version; what an older version of this contract wrote is read, too.
#pragma once
#include "protocol/contract.h"
#include "sdk/sdk.h"

#define STATE_VERSION 3
#define CONTRACT_VERSION "1.1.0"

// What the request pays for, as in force when it was made.
#define PRICES 4
struct fees {
    union {
        struct {
            struct yocto base, per_million_instructions, per_ms, per_compile_ms;
        };
        struct yocto all[PRICES];
    };
};

struct state {
    struct account owner, first_operator;
    struct account next_owner; // who may accept the ownership; length 0: nobody
    bool paused;
    struct fees fees;
    uint64_t next_request_id;
    uint64_t lowest_open;        // no request below is pending
    bool seeking;                // whether that one is, is not known
    uint64_t open;               // pending requests
    uint64_t executions;         // requests that have ended, not counting those that were cancelled
    struct yocto fees_collected; // charged so far
    struct yocto fees_withdrawn; // paid to the owner so far
    struct yocto owed;           // payments of pending requests, kept refunds, fees not withdrawn
};
struct yocto state_fees(const struct state *s); // not withdrawn
// A request has ended: the lowest open one is looked for two steps at a time, so that no call pays for many.
void state_closed(struct state *s, uint64_t id);
bool state_exists(void);
struct state state_load(void); // stops when the contract is not initialized, or not migrated
void state_save(const struct state *s);
// From what any version stored; false: it is this version's already.
bool state_migrate(void);

struct limits {
    uint64_t max_instructions;
    uint32_t max_memory_mb;
    uint64_t max_execution_seconds;
};

enum output_kind { OUTPUT_NONE, OUTPUT_BYTES, OUTPUT_TEXT, OUTPUT_JSON };
extern const char *const format_names[3];
extern const char *const output_names[4]; // OUTPUT_NONE: ""

// An output whose bytes are stored under 'o'.
struct stored_output {
    uint8_t kind; // enum output_kind; OUTPUT_NONE: none has been submitted
    uint32_t len;
    struct hash hash;
};

struct request {
    uint64_t id;
    struct hash data_id;                    // the yield's name
    struct account sender, payer;           // payer length 0: the sender
    struct text repo, commit, build_target; // build_target NULL: the worker's default
    struct limits limits;
    struct yocto payment;
    uint64_t timestamp;
    uint8_t format;               // enum response_format
    struct maybe_hash input_hash; // of its input, if it has any
    uint32_t input_len;
    struct fees fees;
    uint32_t build_seconds;
    struct text secrets_profile; // NULL: it uses no secrets
    struct account secrets_owner;
    struct stored_output output;
    bool answered;          // a worker's answer is on its way to the callback
    struct yocto charge;    // set with `answered`
    bool extending;         // an extension is on its way to the callback
    uint8_t extensions;     // that have begun
    uint64_t extended;      // when the last one did, ns
    uint16_t callback_tgas; // that the callback has at least
    uint32_t bytes;         // not stored: what the record binds, as it was loaded
};
#define REQUEST_GROWS 64 // bytes at most: an answer, an extension, a stored output's hash
const struct account *request_payer(const struct request *q);
// Texts point into a buffer that the next load overwrites. false: no such request is pending, and *q has only its id.
bool request_load(uint64_t id, struct request *q);
bool request_pending(uint64_t id);
void request_must_load(uint64_t id, struct request *q);
void request_save(const struct request *q);
void request_remove(const struct request *q); // and its stored output
struct text output_load(const struct request *q);
void output_save(struct request *q, uint8_t kind, struct text bytes); // saves the request too

#define OUTPUT_JSON_MAX ANSWER_RETURNED_MAX // of a stored output as the callback returns it
