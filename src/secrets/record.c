// SPDX-License-Identifier: Apache-2.0
#include "secrets/record.h"

#include "base/buf.h"
#include "codec/borsh.h"
#include "codec/hex.h"

#define RECORD_MAX (64u << 10)

static void put_option_text(struct buf *b, const char *s) {
    borsh_put_u8(b, s != NULL);
    if (s)
        borsh_put_text(b, s);
}

void record_put_scope(struct buf *b, const struct scope *s) {
    borsh_put_text(b, s->network);
    borsh_put_text(b, s->contract);
    borsh_put_text(b, s->owner);
    borsh_put_text(b, s->repo);
    put_option_text(b, s->branch);
}

static struct hash hash_of(const struct buf *b) {
    BUG_ON(b->full); // every part is bounded where it is read
    return sha256(buf_slice(b));
}

static void put_pubkey(struct buf *b, const char *tag, const struct scope *s, uint32_t generation,
                       const uint8_t key[static HPKE_KEY]) {
    borsh_put_text(b, tag);
    record_put_scope(b, s);
    borsh_put_u32(b, generation);
    borsh_put_raw(b, key, HPKE_KEY);
}

struct hash pubkey_record(const struct scope *s, uint32_t generation, const uint8_t key[static HPKE_KEY]) {
    SCOPED_BUF(b, RECORD_MAX);
    put_pubkey(&b, "outlayer-pubkey-v1", s, generation, key);
    return hash_of(&b);
}

struct hash fresh_pubkey_record(const struct scope *s, uint32_t generation, const uint8_t key[static HPKE_KEY],
                                const uint8_t nonce[static NONCE_SIZE]) {
    SCOPED_BUF(b, RECORD_MAX);
    put_pubkey(&b, "outlayer-fresh-pubkey-v1", s, generation, key);
    borsh_put_raw(&b, nonce, NONCE_SIZE);
    return hash_of(&b);
}

struct hash sealed_record(const struct scope *s, const struct sealed_terms *t, struct slice blob) {
    SCOPED_BUF(b, RECORD_MAX);
    struct hash h = sha256(blob);
    borsh_put_text(&b, "outlayer-sealed-v2");
    record_put_scope(&b, s);
    borsh_put_text(&b, s->profile);
    borsh_put_raw(&b, t->before.b, sizeof t->before.b);
    borsh_put_raw(&b, h.b, sizeof h.b);
    borsh_put_u8(&b, t->nonce != NULL);
    if (t->nonce)
        borsh_put_raw(&b, t->nonce, NONCE_SIZE);
    borsh_put_u32(&b, (uint32_t)t->made.count);
    for (size_t i = 0; i < t->made.count; i++) {
        borsh_put_text(&b, t->made.names[i]);
        borsh_put_text(&b, t->made.types[i]);
    }
    borsh_put_u32(&b, (uint32_t)t->count);
    for (size_t i = 0; i < t->count; i++)
        borsh_put_text(&b, t->names[i]);
    return hash_of(&b);
}

struct hash session_record(const struct session_terms *t) {
    SCOPED_BUF(b, RECORD_MAX);
    borsh_put_text(&b, "outlayer-session-v1");
    borsh_put_text(&b, t->network);
    borsh_put_text(&b, t->contract);
    borsh_put_raw(&b, t->keystore_key, sizeof t->keystore_key);
    borsh_put_text(&b, t->account);
    borsh_put_raw(&b, t->challenge, sizeof t->challenge);
    borsh_put_raw(&b, t->session_key, sizeof t->session_key);
    borsh_put_u64(&b, t->expires_at);
    return hash_of(&b);
}

struct hash decrypt_record(const struct decrypt_terms *t) {
    SCOPED_BUF(b, RECORD_MAX);
    borsh_put_text(&b, "outlayer-decrypt-v1");
    borsh_put_text(&b, t->network);
    borsh_put_text(&b, t->contract);
    borsh_put_raw(&b, t->session.b, sizeof t->session.b);
    borsh_put_u64(&b, t->counter);
    borsh_put_u64(&b, t->request_id);
    put_option_text(&b, t->branch);
    return hash_of(&b);
}

static void put_answer(struct buf *b, const char *tag, const struct decrypt_terms *t) {
    borsh_put_text(b, tag);
    borsh_put_raw(b, t->session.b, sizeof t->session.b);
    borsh_put_u64(b, t->counter);
    borsh_put_u64(b, t->request_id);
}

struct hash answer_record(const struct decrypt_terms *t, struct slice sealed) {
    SCOPED_BUF(b, RECORD_MAX);
    struct hash h = sha256(sealed);
    put_answer(&b, "outlayer-answer-v1", t);
    borsh_put_raw(&b, h.b, sizeof h.b);
    return hash_of(&b);
}

struct hash refusal_record(const struct decrypt_terms *t, const char *slug, const char *message) {
    SCOPED_BUF(b, RECORD_MAX);
    put_answer(&b, "outlayer-refusal-v1", t);
    borsh_put_text(&b, slug);
    borsh_put_text(&b, message);
    return hash_of(&b);
}

struct slice answer_info(struct arena *a, const struct decrypt_terms *t) {
    SCOPED_BUF(b, RECORD_MAX);
    put_answer(&b, "outlayer-answer-info-v1", t);
    return arena_copy(a, buf_slice(&b));
}

struct hash audit_record(const struct audit_terms *t, const char *const *lines, size_t count) {
    SCOPED_BUF(b, RECORD_MAX);
    struct sha256 s;
    sha256_init(&s);
    for (size_t i = 0; i < count; i++) {
        sha256_add(&s, slice_str(lines[i]));
        sha256_add(&s, SLICE_LIT("\n"));
    }
    struct hash h = sha256_end(&s);
    borsh_put_text(&b, "outlayer-audit-v1");
    borsh_put_text(&b, t->network);
    borsh_put_text(&b, t->contract);
    borsh_put_text(&b, t->owner);
    borsh_put_raw(&b, t->nonce, NONCE_SIZE);
    borsh_put_u64(&b, t->before);
    borsh_put_u64(&b, t->next);
    borsh_put_raw(&b, h.b, sizeof h.b);
    return hash_of(&b);
}

const char *generate_message(struct arena *a, const struct scope *s, const struct hash *blob_hash,
                             const struct made_list *made) {
    SCOPED_BUF(b, RECORD_MAX);
    char hex[65];
    buf_printf(&b,
               "OutLayer: add generated secrets to my sealed secrets.\nContract: %s (%s)\nRepository: %s\nBranch: %s\n"
               "Profile: %s\nOwner: %s\nSealed secrets (SHA-256): %s\nNew:",
               s->contract, s->network, s->repo, s->branch ? s->branch : "(any)", s->profile, s->owner,
               hash_hex(blob_hash, hex));
    for (size_t i = 0; i < made->count; i++)
        buf_printf(&b, "%s %s (%s)", i ? "," : "", made->names[i], made->types[i]);
    if (!made->count)
        buf_add_str(&b, " none, only sealed anew");
    BUG_ON(b.full);
    return arena_strdup(a, buf_str(&b));
}

struct hash nep413_hash(const char *message, const uint8_t nonce[static NONCE_SIZE], const char *recipient,
                        const char *callback_url) {
    SCOPED_BUF(b, RECORD_MAX);
    borsh_put_u32(&b, (1u << 31) + 413);
    borsh_put_text(&b, message);
    borsh_put_raw(&b, nonce, NONCE_SIZE);
    borsh_put_text(&b, recipient);
    put_option_text(&b, callback_url);
    return hash_of(&b);
}
