// SPDX-License-Identifier: Apache-2.0
// What `outlayer secrets` asks of others: keys and generated secrets of the keystore (through the coordinator, which is
// not trusted: everything is checked with the key that the contract publishes), and the contract's rows.
#pragma once
#include "cli/target.h"
#include "near/rpc.h"
#include "secrets/access.h"
#include "secrets/record.h"

struct remote {
    struct arena *a;
    const struct target *target;
    const struct credentials *from; // NULL: nobody signs
    struct rpc *rpc;
    struct http_client *http;
    struct public_key identity; // the keystore's, as the contract publishes it
};
[[nodiscard]] bool remote_open(struct remote *out, struct arena *a, const struct target *t,
                               const struct credentials *from, struct err *e);
void remote_close(struct remote *r);

// Reads `identity` from the contract. ERR_SETTINGS: it publishes none.
[[nodiscard]] bool remote_identity(struct remote *r, struct err *e);

struct sealing_key {
    uint8_t public[HPKE_KEY];
    uint32_t generation;
};
// Reads the identity from the contract and checks with it what is signed for a nonce of this question. ERR_FORBIDDEN:
// the coordinator gave a key that is not the keystore's, or one that it was earlier.
[[nodiscard]] bool remote_key(struct remote *r, const struct scope *s, struct sealing_key *out, struct err *e);

// The stored row of exactly this name. *blob NULL: there is none.
struct remote_row {
    const char *blob; // base64
    json_t *access;   // released by the caller
    struct yocto deposit;
};
[[nodiscard]] bool remote_row(struct remote *r, const struct scope *s, struct remote_row *out, struct err *e);

struct generated {
    const char *blob; // base64
    json_t *names;    // released by the caller
    uint32_t generation;
};
// Has a secret made (name NULL: none, only sealed anew); what is stored in `row` is kept, its owner signs for it.
[[nodiscard]] bool remote_generate(struct remote *r, const struct scope *s, const struct remote_row *row,
                                   const char *name, const char *type, struct generated *out, struct err *e);

// What storing this would bind.
[[nodiscard]] bool remote_estimate(struct remote *r, const struct scope *s, const char *blob,
                                   const struct access *access, struct yocto *out, struct err *e);
// Calls the contract as `from` and waits for the end; *transaction is its hash. *event (may be NULL) is the data of the
// named event, released by the caller.
struct remote_call {
    const char *method;
    json_t *args; // taken
    struct yocto deposit;
    const char *event;
    bool quiet; // the caller shows the transaction
};
[[nodiscard]] bool remote_send(struct remote *r, const struct remote_call *call, const char **transaction,
                               json_t **event, struct err *e);
json_t *remote_name(const struct scope *s); // {"repo","branch","profile"}
