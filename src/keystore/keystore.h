// SPDX-License-Identifier: Apache-2.0
// The keystore: derives keys, checks who may have a secret, opens it and seals it to the worker that runs the request.
// What it decides on comes from the chain at `final`, never from the one who asks. Whoever it answers can check its
// signature with the key that the contract publishes (get_keystore_key).
#pragma once
#include "base/figures.h"
#include "http/deferred.h"
#include "keystore/audit.h"
#include "keystore/master.h"
#include "keystore/sessions.h"
#include "near/chain_view.h"
#include "near/rpc.h"
#include "secrets/access.h"
#include <stdatomic.h>

#define KEYSTORE_TOKENS_MAX 64

struct keystore {
    const char *network, *contract, *home;
    struct master *master;
    struct sessions *sessions;
    struct chain_sight sight;
    struct audit *audit;
    // for_owners: the secrets that people have generated; audits: what they are shown of the audit log, a share for
    // each owner; conditions: those that ask contracts, likewise; probes: /readyz, which anybody may ask. None takes
    // another's turn.
    struct deferred *deferred, *for_owners, *audits, *conditions, *probes;
    struct hash tokens[KEYSTORE_TOKENS_MAX]; // SHA-256 of those that may ask for keys
    size_t token_count;
    atomic_uint_fast64_t opened, decrypted, refused, failed; // sessions; answers of /decrypt
    struct tally reasons;                                    // of refusals
    struct histogram took;                                   // decisions
};

[[nodiscard]] bool keystore_serve(struct http_server **out, struct keystore *k, const char *host, uint16_t port,
                                  const struct http_limits *limits, struct err *e);

// api.c, for the operator. Ready: the chain can be asked, and the contract publishes this keystore's key.
[[nodiscard]] bool keystore_ready(struct keystore *k, struct arena *a, struct err *e);
void keystore_figures(struct keystore *k, struct buf *out);

// decide.c: one question of a session, checked and counted by the caller, on what `v` shows. First what it is about is
// found, then it is decided; in between it may wait for its owner's turn.
struct finding {
    struct scope scope;
    const char *caller, *blob, *row_branch; // blob: base64
    const struct access *condition;
    bool asks_chain; // the condition asks accounts or contracts that its owner named
};
struct decision {
    bool allowed;
    struct secrets_answer {
        struct slice sealed; // allowed: to the session's key
    } answer;
    struct err refusal; // not allowed: for the sender of the request; code ERR_FORBIDDEN, ERR_NOT_FOUND, …
    const char *owner, *profile, *repo, *branch, *caller; // for the audit, NULL where not known
};
// Both: false is our own or the chain's trouble (*e), and nothing was decided. What is found is in `a` and no secret; a
// refusal in *out is the end. The second one's arena holds secrets.
[[nodiscard]] bool keystore_find(struct keystore *k, struct chain_view *v, struct arena *a,
                                 const struct decrypt_terms *t, struct finding *found, struct decision *out,
                                 struct err *e);
[[nodiscard]] bool keystore_decide(struct keystore *k, struct chain_view *v, struct arena *a,
                                   const struct session *session, const struct decrypt_terms *t,
                                   const struct finding *found, struct decision *out, struct err *e);

// authority.c: who speaks
// Whether the chain says, at `final`, that this key of this account may resolve requests of the contract, for one of
// its operators. ERR_FORBIDDEN says what is missing.
[[nodiscard]] bool keystore_may_resolve(struct chain_view *v, struct arena *a, const char *account,
                                        const struct public_key *key, struct err *e);

// The handlers of api.c, api_session.c, api_generate.c and api_audit.c. Their ctx is the keystore.
void keystore_health(struct http_request *r, void *ctx);
void keystore_healthz(struct http_request *r, void *ctx);
void keystore_readyz(struct http_request *r, void *ctx);
void keystore_get_pubkey(struct http_request *r, void *ctx);
void keystore_post_pubkey(struct http_request *r, void *ctx);
void keystore_add_generated(struct http_request *r, void *ctx);
void keystore_audit(struct http_request *r, void *ctx);
void keystore_challenge(struct http_request *r, void *ctx);
void keystore_session(struct http_request *r, void *ctx);
void keystore_decrypt(struct http_request *r, void *ctx);
void keystore_list_sessions(struct http_request *r, void *ctx);
void keystore_revoke_session(struct http_request *r, void *ctx);
