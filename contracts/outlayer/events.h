// SPDX-License-Identifier: Apache-2.0
// What the contract tells the world: NEP-297 events of standard near-outlayer 1.0.0, one data object each.
//   execution_requested  {"request_data": JSON text, "data_id": [32 numbers], "timestamp": ns}, the text being
//     {"request_id","sender_id","code_source","resource_limits","input_data","secrets_ref","response_format","payment",
//     "timestamp"}: all limits are numbers, input_data is "" where none was given
//   execution_completed  every end of a request: {"sender_id","code_source","resources_used","success","error_message",
//     "payment_charged","payment_refunded","compilation_note","timestamp","request_id","failure","output_hash",
//     "output_length","output_preview","wasm_hash","attestation_digest"}. failure is null or guest, build, access,
//     platform, timeout, cancelled. The hash is SHA-256 of the output's bytes (of a Json output: of its text), the
//     preview at most 256 bytes of a Text or Json output.
//   refund_redirected    {"request_id","payer_account_id","sender_id","amount"}: the payer's account could not be paid
//   secrets_stored, secrets_updated, secrets_access_updated, secrets_deleted
//                        {"owner","repo","branch","profile","storage_deposit","timestamp"}: the stake that the row
//                        holds
//     from now on, or that was paid back
//   keystore_key_set     {"public_key"}
#pragma once
#include "calls.h"
#include "secrets.h"

void put_source(struct out *o, const struct request *q);        // "code_source":{…}
void put_limits(struct out *o, const struct limits *l);         // "resource_limits":{…}
void put_secrets_ref(struct out *o, const struct request *q);   // "secrets_ref":{…} or null
void log_requested(const struct request *q, struct text input); // input NULL: none

struct end {
    const struct answer *answer;
    struct yocto charged, refunded;
};
void log_completed(const struct request *q, const struct end *end); // and the line [[yNEAR charged: "…"]]

struct refund {
    uint64_t request_id;
    struct account payer_account_id, sender_id;
    struct yocto amount;
};
void log_redirected(const struct refund *r);
void log_secrets(const char *event, const struct secret_name *name, struct yocto deposit);
void log_keystore_key(struct text key); // NULL: removed
void log_number(const char *before, uint64_t n, const char *after);
