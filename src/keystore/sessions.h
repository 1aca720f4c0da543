// SPDX-License-Identifier: Apache-2.0
// Workers' sessions: who may ask for secrets, until when, and which counters were used. In memory only: after a restart
// workers open new ones. Safe for several threads.
// A challenge is time, random bytes and a MAC over both, so that handing them out costs nothing; used ones are kept
// until they are too old to be used again.
#pragma once
#include "secrets/record.h"

#define CHALLENGE_S 60
#define SESSION_S_MAX 3600
#define SESSIONS_MAX 4096
#define SESSIONS_PER_ACCOUNT 1024 // an operator's 64 workers have 16 each; the one that was used longest ago makes room
#define CHALLENGES_USED_MAX 8192
#define CHALLENGES_PER_ACCOUNT 2048 // used within a minute, so that one operator does not keep the others out

struct session {
    struct hash id; // of its record
    struct account_id account;
    struct public_key key;
    uint8_t session_key[HPKE_KEY];
    uint64_t opened_at, expires_at; // seconds since 1970
    uint64_t counter, decrypts;     // last used; how many
    uint64_t checked_ms;            // when the chain last said that its key may resolve; monotonic
};
struct sessions;
struct sessions *sessions_new(void);
void sessions_free(struct sessions *s);
void sessions_challenge(struct sessions *s, uint64_t now_s, uint8_t out[static 32]);
// What can be said of the terms alone: the challenge is this keystore's, young and not used, the expiry within bounds.
[[nodiscard]] bool sessions_check(struct sessions *s, const struct session_terms *t, uint64_t now_s, struct err *e);
// Checks once more, uses the challenge up and adds the session; its signature and key were checked before.
[[nodiscard]] bool sessions_open(struct sessions *s, const struct session_terms *t, const struct public_key *key,
                                 uint64_t now_s, struct session *out, struct err *e);
[[nodiscard]] bool sessions_find(struct sessions *s, const struct hash *id, uint64_t now_s, struct session *out,
                                 struct err *e);
// Takes a counter that is greater than all before. Only after the request's signature was checked.
[[nodiscard]] bool sessions_count(struct sessions *s, const struct hash *id, uint64_t counter, struct err *e);
void sessions_checked(struct sessions *s, const struct hash *id, uint64_t now_ms);
bool sessions_revoke(struct sessions *s, const struct hash *id); // false: there was none
// The sessions that are open, newest first; in `a`.
size_t sessions_list(struct sessions *s, struct arena *a, uint64_t now_s, struct session **out);
