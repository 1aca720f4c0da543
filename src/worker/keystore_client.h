// SPDX-License-Identifier: Apache-2.0
// The keystore, as a worker asks it: opens sessions with the worker's own key and fetches the secrets of requests in
// them. Between both may stand the coordinator, which is not trusted with anything: what the keystore says counts only
// with the signature of the key that the contract publishes, and secrets come sealed to a key of the session.
// Safe for several threads: a session is used by one at a time, and there are as many as are needed at once, within
// bounds.
#pragma once
#include "base/patience.h"
#include "near/rpc.h"
#include "secrets/values.h"

#define KEYSTORE_SESSIONS_MAX 16 // a question has one to itself; the keystore lets an operator have 1,024

struct keystore;

// Texts and the key are kept, not copied.
struct keystore_settings {
    const char *base_url, *path;                    // the keystore and "", or the coordinator and "/secrets"
    const char *token;                              // the coordinator's, NULL for the keystore itself
    const char *network, *contract_id, *account_id; // account_id: whose access key `key` is
    const struct secret_key *key;
    struct rpc *rpc;
};
// ERR_SETTINGS: base_url is no address. Nothing is asked before the first fetch.
[[nodiscard]] bool keystore_new(struct keystore **out, const struct keystore_settings *s, struct err *e);
void keystore_free(struct keystore *k); // wipes its sessions; NULL is fine

enum keystore_end {
    KEYSTORE_GIVEN,
    KEYSTORE_REFUSED, // signed by the keystore: `message`, a sentence for the request's sender
    KEYSTORE_NONE,    // the contract publishes no keystore: this deployment has none
};
struct keystore_answer {
    enum keystore_end end;
    const char *message;
    struct secrets secrets;
};
// Secrets of a request that waits on chain. `branch` NULL: not known. Everything is in `a`, which must be freed wiped.
// w: of the whole call; whoever cancels it is heard within 100 ms.
// false: nothing that can be believed was said (ERR_UNAVAILABLE, ERR_TIMEOUT, ERR_FORBIDDEN for forged answers, …).
[[nodiscard]] bool keystore_fetch(struct keystore *k, struct arena *a, uint64_t request_id, const char *branch,
                                  const struct patience *w, struct keystore_answer *out, struct err *e);
