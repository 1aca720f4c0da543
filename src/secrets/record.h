// SPDX-License-Identifier: Apache-2.0
// What keystore and worker sign: always SHA-256 of a tagged borsh record of ours, never bytes that a peer chose.
#pragma once
#include "base/buf.h"
#include "secrets/scope.h"

#define NONCE_SIZE 32
#define CALLBACK_URL_MAX 2048 // bytes of what a wallet signs with a message

// network, contract, owner, repository, Option<branch>: as they stand in every record that is about a scope.
void record_put_scope(struct buf *b, const struct scope *s);

// Keystore's identity: "this is the key for that scope".
// borsh("outlayer-pubkey-v1", network, contract, owner, repository, Option<branch>, generation, key[32])
struct hash pubkey_record(const struct scope *s, uint32_t generation, const uint8_t key[static HPKE_KEY]);
// The same, said now: the nonce is one that the client chose for this question. The record above has no time, and stays
// true of a key whose generation was given up because it leaked; whoever kept it could show it for ever.
// borsh("outlayer-fresh-pubkey-v1", network, contract, owner, repository, Option<branch>, generation, key[32],
// nonce[32])
struct hash fresh_pubkey_record(const struct scope *s, uint32_t generation, const uint8_t key[static HPKE_KEY],
                                const uint8_t nonce[static NONCE_SIZE]);

// Secrets that a keystore is asked to make, and of which type each.
struct made_list {
    const char *const *names, *const *types;
    size_t count;
};

// Keystore's identity, under a blob that it sealed itself, as the answer to one call: what it began from, what it made,
// and all that is in it now. Whoever stands between could otherwise ask for something weaker, or answer with an older
// blob.
// borsh("outlayer-sealed-v2", network, contract, owner, repository, Option<branch>, profile, before[32], SHA-256 of
// blob, Option<nonce[32]>, Vec<(name, type)>, Vec<name>)
struct sealed_terms {
    struct hash before;   // SHA-256 of the blob that was given; zeros: none
    const uint8_t *nonce; // NONCE_SIZE bytes that the client chose for this call; NULL: none
    struct made_list made;
    const char *const *names; // all that the blob holds
    size_t count;
};
struct hash sealed_record(const struct scope *s, const struct sealed_terms *t, struct slice blob);

// Worker's key, to open a session.
// borsh("outlayer-session-v1", network, contract, keystore key[32], account, challenge[32], session key[32], expiry s)
struct session_terms {
    const char *network, *contract, *account; // account: whose access key the worker signs with
    uint8_t keystore_key[32];                 // ed25519
    uint8_t challenge[32], session_key[HPKE_KEY];
    uint64_t expires_at; // seconds since 1970
};
struct hash session_record(const struct session_terms *t);

// Worker's key, on each use of a session.
// borsh("outlayer-decrypt-v1", network, contract, session id[32], counter, request_id, Option<branch>)
struct decrypt_terms {
    const char *network, *contract;
    struct hash session; // the id: SHA-256 of the session's record
    uint64_t counter;    // greater than in any earlier request of the session
    uint64_t request_id;
    const char *branch; // NULL: not known
};
struct hash decrypt_record(const struct decrypt_terms *t);

// Keystore's identity, under what it answers to such a request: borsh(tag, session id[32], counter, request_id, …)
//   "outlayer-answer-v1", …, SHA-256 of the sealed secrets
//   "outlayer-refusal-v1", …, the refusal's code, its message
struct hash answer_record(const struct decrypt_terms *t, struct slice sealed);
struct hash refusal_record(const struct decrypt_terms *t, const char *slug, const char *message);
// HPKE's info of an answer: borsh("outlayer-answer-info-v1", session id[32], counter, request_id)
struct slice answer_info(struct arena *a, const struct decrypt_terms *t);

// Keystore's identity, under a page of its audit log for an owner: whoever carries it leaves nothing out unseen.
// borsh("outlayer-audit-v1", network, contract, owner, nonce[32], u64 before, u64 next, SHA-256 of the lines, each with
// its end of line)
struct audit_terms {
    const char *network, *contract, *owner;
    const uint8_t *nonce;  // NONCE_SIZE bytes that the client chose for this call
    uint64_t before, next; // 0: none
};
struct hash audit_record(const struct audit_terms *t, const char *const *lines, size_t count);

// Owner's NEP-413 message for adding generated secrets to a blob of theirs: the text that a wallet shows. Names and
// types are checked ones (secrets/values.h, keystore/generate.h).
const char *generate_message(struct arena *a, const struct scope *s, const struct hash *blob_hash,
                             const struct made_list *made);
// NEP-413: borsh(u32 2^31+413, message, nonce[32], recipient, Option<callback>) hashed; what the wallet's key signs.
struct hash nep413_hash(const char *message, const uint8_t nonce[static NONCE_SIZE], const char *recipient,
                        const char *callback_url);
