// SPDX-License-Identifier: Apache-2.0
#include "worker/digest.h"

#include "codec/borsh.h"
#include "wasm/engine.h"

#define DIGEST_MAX 65536

static void put_hash(struct buf *b, struct hash h) { borsh_put_raw(b, h.b, sizeof h.b); }

static void put_request(struct buf *b, const struct digest_parts *p) {
    const struct task *t = p->task;
    borsh_put_text(b, p->network);
    borsh_put_text(b, t->contract_id);
    borsh_put_u64(b, t->request_id);
    put_hash(b, p->data_id);
    borsh_put_text(b, t->sender_id);
    borsh_put_text(b, p->repo ? p->repo : t->repo);
    borsh_put_text(b, p->commit ? p->commit : t->ref);
    borsh_put_text(b, t->target);
}

static void put_secrets(struct buf *b, const struct secrets_ref *r) {
    borsh_put_u8(b, secrets_wanted(r));
    if (!secrets_wanted(r))
        return;
    borsh_put_text(b, r->profile);
    borsh_put_text(b, r->account_id);
}

struct hash attestation_digest(const struct digest_parts *p) {
    const struct task *t = p->task;
    SCOPED_BUF(b, DIGEST_MAX);
    borsh_put_text(&b, "outlayer-attestation-v1");
    put_request(&b, p);
    put_hash(&b, p->build_key);
    put_hash(&b, p->wasm_hash);
    put_hash(&b, sha256(t->input));
    put_hash(&b, answer_output_hash(p->answer));
    borsh_put_u8(&b, p->answer->class == ANSWER_SUCCESS);
    borsh_put_u64(&b, p->answer->instructions);
    borsh_put_u64(&b, t->limits.max_instructions);
    borsh_put_u64(&b, t->limits.max_memory_mb);
    borsh_put_u64(&b, t->limits.max_execution_seconds);
    borsh_put_text(&b, meter_prices_version(&meter_prices_outlayer));
    put_secrets(&b, &t->secrets);
    borsh_put_text(&b, engine_version());
    borsh_put_text(&b, "");
    borsh_put_u64(&b, t->context.has_height ? t->context.block_height : 0);
    BUG_ON(b.full);
    return sha256(buf_slice(&b));
}
