// SPDX-License-Identifier: Apache-2.0
#include "tee/report_data.h"

#include "near/tx.h"

#define RECORD_MAX 1024 // three names of 64 bytes and what is beside them

static void put_place(struct buf *b, const struct quote_place *p) {
    borsh_put_text(b, p->network);
    borsh_put_text(b, p->register_contract);
    borsh_put_text(b, p->main_contract);
}

static void put_hash(struct buf *b, const struct hash *h) { borsh_put_raw(b, h->b, sizeof h->b); }

static struct report_data seal(enum quote_purpose purpose, const struct buf *record) {
    static const char tag[] = "outlayer-quote-\1";
    struct report_data out = {0};
    BUG_ON(record->full);
    struct hash h = sha256(buf_slice(record));
    memcpy(out.b, tag, 16);
    out.b[16] = (uint8_t)purpose;
    memcpy(out.b + 32, h.b, sizeof h.b);
    return out;
}

struct report_data report_data_worker(const struct quote_place *p, const struct public_key *key,
                                      const struct hash *challenge) {
    SCOPED_BUF(b, RECORD_MAX);
    borsh_put_text(&b, "outlayer-quote-worker-v1");
    put_place(&b, p);
    public_key_encode(&b, key);
    put_hash(&b, challenge);
    return seal(QUOTE_WORKER, &b);
}

struct report_data report_data_keystore(const struct quote_place *p, const struct keystore_statement *s) {
    SCOPED_BUF(b, RECORD_MAX);
    borsh_put_text(&b, "outlayer-quote-keystore-v1");
    put_place(&b, p);
    public_key_encode(&b, &s->identity);
    borsh_put_raw(&b, s->transport_key, sizeof s->transport_key);
    put_hash(&b, &s->master_check);
    put_hash(&b, &s->challenge);
    return seal(QUOTE_KEYSTORE, &b);
}

struct report_data report_data_batch(const struct quote_place *p, const struct batch_statement *s) {
    SCOPED_BUF(b, RECORD_MAX);
    borsh_put_text(&b, "outlayer-quote-batch-v1");
    borsh_put_text(&b, p->network);
    borsh_put_text(&b, p->main_contract);
    public_key_encode(&b, &s->key);
    put_hash(&b, &s->root);
    borsh_put_u32(&b, s->leaves);
    borsh_put_u64(&b, s->height);
    put_hash(&b, &s->block_hash);
    return seal(QUOTE_BATCH, &b);
}

struct report_data report_data_session(const struct hash *session) {
    SCOPED_BUF(b, RECORD_MAX);
    borsh_put_text(&b, "outlayer-quote-session-v1");
    put_hash(&b, session);
    return seal(QUOTE_SESSION, &b);
}

struct report_data report_data_handover(const struct quote_place *p, const struct handover_statement *s) {
    SCOPED_BUF(b, RECORD_MAX);
    borsh_put_text(&b, "outlayer-quote-handover-v1");
    put_place(&b, p);
    public_key_encode(&b, &s->giver);
    public_key_encode(&b, &s->taker);
    borsh_put_raw(&b, s->taker_key, sizeof s->taker_key);
    borsh_put_raw(&b, s->nonce, sizeof s->nonce);
    return seal(QUOTE_HANDOVER, &b);
}

struct hash quote_challenge(struct slice random_seed) {
    SCOPED_BUF(b, RECORD_MAX);
    borsh_put_text(&b, "outlayer-challenge-v1");
    borsh_put_raw(&b, random_seed.ptr, random_seed.len);
    BUG_ON(b.full);
    return sha256(buf_slice(&b));
}
