// SPDX-License-Identifier: Apache-2.0
// Registers a key of this machine with the register contract, and keeps it registered. What is done already is not done
// again: a run that was cut short anywhere is repeated with the same key, so that there are never two keys where one is
// meant.
#pragma once
#include "codec/json.h"
#include "tee/dstack.h"
#include "tee/registry.h"

#define REGISTRATION_DAYS_FEW 10 // where a part of the contract's collateral has fewer left, a registration brings it

// What the run tells as it goes.
enum registration_step { STEP_KEY, STEP_CHALLENGE, STEP_QUOTE, STEP_CHECK, STEP_SEND };

// Gives the collateral object for a quote's platform. The reference is the caller's.
typedef bool collateral_finder(void *ctx, struct arena *a, struct slice quote, json_t **out, struct err *e);

struct registration {
    struct registry registry;
    struct registry_config config; // of that contract
    const char *network;           // the chain's id
    struct dstack *agent;
    const char *key_path;          // made with mode 0600 where it is missing; its account is the register contract's
    bool renew;                    // also before it is due
    bool new_key;                  // in place of one that the contract has removed, and only of such a one
    collateral_finder *collateral; // NULL: there is nobody to ask
    void (*say)(void *ctx, enum registration_step step, const char *detail);
    void *ctx;
};

enum registration_end { REGISTRATION_NEW, REGISTRATION_RENEWED, REGISTRATION_KEPT };
struct registration_result {
    enum registration_end end;
    struct public_key key;
    struct registry_key record; // as the contract has it now
    const char *transaction;    // NULL: nothing was sent
    bool with_collateral;       // it was sent along, because the contract had none in force
};
// One at a time for a key file (ERR_CONFLICT). ERR_FORBIDDEN: the contract would not take the quote, in its words, or
// it has removed the key, which never comes back.
[[nodiscard]] bool registration_run(const struct registration *r, struct arena *a, struct registration_result *out,
                                    struct err *e);

// The machine's key as it stands in its file. ERR_NOT_FOUND: there is no such file, and so no key yet. Others: it
// cannot be read, or is of another register contract; the hint says what to do.
[[nodiscard]] bool registration_read_key(struct credentials *out, const struct registry *r, const char *path,
                                         struct err *e);

// What the contract would say to a quote, from its view check_quote: the whole verdict, which the caller releases.
struct quote_question {
    const struct public_key *key; // NULL: whatever key it binds
    const struct dstack_quote *quote;
    // Brings collateral where the contract has none that is in force; NULL: nobody does.
    collateral_finder *find;
    void *ctx;
};
// *collateral (NULL: not wanted) is what was brought, or NULL; the caller releases it.
json_t *registry_check_quote(const struct registry *r, struct arena *a, const struct quote_question *q,
                             json_t **collateral, struct err *e);
// Whether a key is to be renewed: two thirds of its time are over, less up to a tenth that differs from key to key, so
// that a fleet does not come all at once.
bool registration_due(const struct registry_key *record, const struct public_key *key, uint64_t now);
