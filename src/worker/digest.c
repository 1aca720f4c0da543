// SPDX-License-Identifier: Apache-2.0
#include "worker/digest.h"

#include "wasm/engine.h"

struct attestation attestation_of(const struct digest_parts *p) {
    const struct task *t = p->task;
    return (struct attestation){.network = p->network,
                                .contract_id = t->contract_id,
                                .request_id = t->request_id,
                                .data_id = p->data_id,
                                .sender_id = t->sender_id,
                                .repo = p->repo ? p->repo : t->repo,
                                .commit = p->commit ? p->commit : t->ref,
                                .build_target = t->target,
                                .build_key = p->build_key,
                                .wasm_hash = p->wasm_hash,
                                .input_hash = sha256(t->input),
                                .output_hash = answer_output_hash(p->answer),
                                .success = p->answer->class == ANSWER_SUCCESS,
                                .instructions = p->answer->instructions,
                                .max_instructions = t->limits.max_instructions,
                                .max_memory_mb = t->limits.max_memory_mb,
                                .max_execution_seconds = t->limits.max_execution_seconds,
                                .price_list = meter_prices_version(&meter_prices_outlayer),
                                .secrets_profile = t->secrets.profile,
                                .secrets_account = t->secrets.account_id,
                                .engine = engine_version(),
                                .measurement = "",
                                .block_height = t->context.has_height ? t->context.block_height : 0};
}

struct hash attestation_digest(const struct digest_parts *p) {
    struct attestation x = attestation_of(p);
    return attestation_hash(&x);
}
