// SPDX-License-Identifier: Apache-2.0
#include "keystore/sessions.h"

#include <pthread.h>
#include <sodium.h>

#define MAC 16

struct used {
    uint8_t challenge[32];
    struct account_id by;
    uint64_t at; // 0: free
};
struct sessions {
    pthread_mutex_t mutex; // over all below but the MAC key
    uint8_t mac_key[crypto_generichash_KEYBYTES];
    struct session at[SESSIONS_MAX]; // expires_at 0: free
    uint64_t last_used[SESSIONS_MAX], clock;
    struct used used[CHALLENGES_USED_MAX]; // a ring
    size_t used_next;
};

struct sessions *sessions_new(void) {
    struct sessions *s = xcalloc(1, sizeof *s);
    pthread_mutex_init(&s->mutex, NULL);
    randombytes_buf(s->mac_key, sizeof s->mac_key);
    return s;
}

void sessions_free(struct sessions *s) {
    if (!s)
        return;
    pthread_mutex_destroy(&s->mutex);
    sodium_memzero(s, sizeof *s);
    free(s);
}

// --- challenges

static void mac(const struct sessions *s, uint8_t challenge[static 32]) {
    crypto_generichash(challenge + 32 - MAC, MAC, challenge, 32 - MAC, s->mac_key, sizeof s->mac_key);
}

void sessions_challenge(struct sessions *s, uint64_t now_s, uint8_t out[static 32]) {
    memcpy(out, &now_s, sizeof now_s);
    randombytes_buf(out + sizeof now_s, 32 - MAC - sizeof now_s);
    mac(s, out);
}

static bool is_fresh(const struct sessions *s, const uint8_t challenge[static 32], uint64_t now_s) {
    uint8_t again[32];
    uint64_t made;
    memcpy(again, challenge, 32);
    mac(s, again);
    memcpy(&made, challenge, sizeof made);
    return sodium_memcmp(again, challenge, 32) == 0 && made <= now_s && now_s - made <= CHALLENGE_S;
}

// The two that follow hold the mutex.
static bool is_unused(const struct sessions *s, const uint8_t challenge[static 32], struct err *e) {
    for (size_t i = 0; i < CHALLENGES_USED_MAX; i++)
        if (s->used[i].at && memcmp(s->used[i].challenge, challenge, 32) == 0)
            return err_set(e, ERR_UNAUTHORIZED, "this challenge was used before");
    return true;
}

static bool use_up(struct sessions *s, const uint8_t challenge[static 32], const struct account_id *by, uint64_t now_s,
                   struct err *e) {
    struct used *slot = &s->used[s->used_next];
    size_t own = 0;
    if (!is_unused(s, challenge, e))
        return false;
    for (size_t i = 0; i < CHALLENGES_USED_MAX; i++)
        own += s->used[i].at && s->used[i].at + CHALLENGE_S >= now_s && strcmp(s->used[i].by.s, by->s) == 0;
    // Forgetting a young one would let it be used again.
    if (own >= CHALLENGES_PER_ACCOUNT || (slot->at && slot->at + CHALLENGE_S >= now_s))
        return err_set(e, ERR_TOO_MANY, "too many sessions were opened within a minute");
    *slot = (struct used){.by = *by, .at = now_s};
    memcpy(slot->challenge, challenge, 32);
    s->used_next = (s->used_next + 1) % CHALLENGES_USED_MAX;
    return true;
}

// --- sessions; those that follow hold the mutex

static struct session *find(struct sessions *s, const struct hash *id) {
    for (size_t i = 0; i < SESSIONS_MAX; i++)
        if (s->at[i].expires_at && hash_eq(&s->at[i].id, id))
            return &s->at[i];
    return NULL;
}

static bool is_better(const struct sessions *s, const struct session *x, const struct session *y) {
    return !y || s->last_used[x - s->at] < s->last_used[y - s->at];
}

// A free or expired place; else the account's own oldest, when it has its share.
static struct session *place(struct sessions *s, const char *account, uint64_t now_s) {
    struct session *empty = NULL, *oldest = NULL;
    size_t own = 0;
    for (struct session *x = s->at; x < s->at + SESSIONS_MAX; x++) {
        if (x->expires_at <= now_s) {
            empty = x;
        } else if (strcmp(x->account.s, account) == 0) {
            own++;
            oldest = is_better(s, x, oldest) ? x : oldest;
        }
    }
    return own >= SESSIONS_PER_ACCOUNT ? oldest : empty;
}

static void touch(struct sessions *s, const struct session *x) { s->last_used[x - s->at] = ++s->clock; }

static bool check_terms(const struct sessions *s, const struct session_terms *t, uint64_t now_s, struct err *e) {
    if (!is_fresh(s, t->challenge, now_s))
        return err_set(e, ERR_UNAUTHORIZED, "the challenge is not of this keystore, or older than %d s", CHALLENGE_S);
    if (t->expires_at <= now_s || t->expires_at - now_s > SESSION_S_MAX)
        return err_set(e, ERR_INVALID, "a session must expire within %d s", SESSION_S_MAX);
    return true;
}

bool sessions_check(struct sessions *s, const struct session_terms *t, uint64_t now_s, struct err *e) {
    if (!check_terms(s, t, now_s, e))
        return false;
    pthread_mutex_lock(&s->mutex);
    bool ok = is_unused(s, t->challenge, e);
    pthread_mutex_unlock(&s->mutex);
    return ok;
}

bool sessions_open(struct sessions *s, const struct session_terms *t, const struct public_key *key, uint64_t now_s,
                   struct session *out, struct err *e) {
    struct session x = {
        .id = session_record(t), .key = *key, .opened_at = now_s, .expires_at = t->expires_at, .counter = 0};
    if (!check_terms(s, t, now_s, e) || !account_id_parse(&x.account, slice_str(t->account), e))
        return false;
    memcpy(x.session_key, t->session_key, sizeof x.session_key);
    pthread_mutex_lock(&s->mutex);
    struct session *to = NULL;
    bool ok = use_up(s, t->challenge, &x.account, now_s, e);
    if (ok && !(to = place(s, x.account.s, now_s)))
        ok = err_set(e, ERR_TOO_MANY, "this keystore has %d sessions open, which is its most", SESSIONS_MAX);
    if (ok) {
        *to = x;
        touch(s, to);
        *out = x;
    }
    pthread_mutex_unlock(&s->mutex);
    return ok;
}

bool sessions_find(struct sessions *s, const struct hash *id, uint64_t now_s, struct session *out, struct err *e) {
    pthread_mutex_lock(&s->mutex);
    struct session *x = find(s, id);
    bool ok = x && x->expires_at > now_s;
    if (ok)
        *out = *x;
    pthread_mutex_unlock(&s->mutex);
    if (!ok)
        err_set(e, ERR_UNAUTHORIZED, "this session is not known, or is over");
    return ok || err_hint(e, "open a new one: /challenge, then /session");
}

bool sessions_count(struct sessions *s, const struct hash *id, uint64_t counter, struct err *e) {
    pthread_mutex_lock(&s->mutex);
    struct session *x = find(s, id);
    bool ok = x && counter > x->counter;
    if (ok) {
        x->counter = counter;
        x->decrypts++;
        touch(s, x);
    }
    pthread_mutex_unlock(&s->mutex);
    return ok || err_set(e, ERR_UNAUTHORIZED, "the counter is not greater than those used in this session");
}

void sessions_checked(struct sessions *s, const struct hash *id, uint64_t now_ms) {
    pthread_mutex_lock(&s->mutex);
    struct session *x = find(s, id);
    if (x)
        x->checked_ms = now_ms;
    pthread_mutex_unlock(&s->mutex);
}

bool sessions_revoke(struct sessions *s, const struct hash *id) {
    pthread_mutex_lock(&s->mutex);
    struct session *x = find(s, id);
    if (x)
        *x = (struct session){0};
    pthread_mutex_unlock(&s->mutex);
    return x != NULL;
}

static int newest_first(const void *a, const void *b) {
    const struct session *x = a, *y = b;
    return (x->opened_at < y->opened_at) - (x->opened_at > y->opened_at);
}

size_t sessions_list(struct sessions *s, struct arena *a, uint64_t now_s, struct session **out) {
    size_t n = 0;
    *out = arena_calloc(a, SESSIONS_MAX, sizeof **out);
    pthread_mutex_lock(&s->mutex);
    for (size_t i = 0; i < SESSIONS_MAX; i++)
        if (s->at[i].expires_at > now_s)
            (*out)[n++] = s->at[i];
    pthread_mutex_unlock(&s->mutex);
    qsort(*out, n, sizeof **out, newest_first);
    return n;
}
