// SPDX-License-Identifier: Apache-2.0
// What the contract tells the world: NEP-297 events of standard near-outlayer 1.0.0, one data object each.
//   execution_requested  {"request_data": JSON text, "data_id": [32 numbers], "timestamp": ns}, the text being
//     {"request_id","sender_id","code_source","resource_limits","input_data","secrets_ref","response_format","payment",
//     "timestamp"}: all limits are numbers, input_data is "" where none was given
//   execution_extended   {"request_id","data_id": [32 numbers],"extensions","timestamp"}: another 200 blocks
//   execution_completed  every end of a request: {"sender_id","code_source","resources_used","success","error_message",
//     "payment_charged","payment_refunded","compilation_note","timestamp","request_id","failure","output_hash",
//     "output_length","output_preview","wasm_hash","attestation_digest"}. failure is null or guest, build, access,
//     platform, timeout, cancelled. The hash is SHA-256 of the output's bytes (of a Json output: of its text), the
//     preview at most 256 bytes of a Text or Json output.
//   execution_cancelled  {"request_id","cancelled_by"}: beside execution_completed, who did it
//   refund_kept          {"request_id","payer_account_id","sender_id","amount"}: a refund came back and can be claimed
//   refund_redirected    the same: it came back, does not pay its record, and went to the sender
//   refund_claimed       the same, request_id null: claim_refund, by sender_id
//   secrets_stored, secrets_updated, secrets_access_updated, secrets_deleted
//     {"owner","repo","branch","profile","storage_deposit","timestamp"}: the stake that the row holds from now on, or
//     that was paid back
//   by the owner         owner_proposed {"owner_id"}, operator_set, operator_added, operator_removed {"operator_id"},
//     paused_set {"paused"}, pricing_set {"prices": as get_pricing},
//     keystore_key_set {"public_key"}, fees_withdrawn {"amount"}
//   owner_set {"owner_id"}: the ownership was accepted
//   contract_upgraded {"code_hash"}: the new code is there, and says so
//   contract_migrated {"state_version"}: beside it, where what is stored has changed
#pragma once
#include "refund.h"
#include "secrets.h"

// Begins an event of ours, in the buffer of reply.h; event_emit ends it.
struct out *event_open(const char *event);
// One with one member, a JSON value.
void log_event(const char *event, const char *member, struct text value);
void log_account(const char *event, const char *member, const struct account *a);

void put_sender_to_limits(struct out *o,
                          const struct request *q);           // "sender_id","code_source":{…},"resource_limits":{…}
void put_secrets_ref(struct out *o, const struct request *q); // "secrets_ref":{…} or null
void put_usage(struct out *o, const struct usage *u);         // "resources_used":{…}
void put_failure(struct out *o, const struct answer *a);      // "error":…,"failure":…, each null where it succeeded
void put_prices(struct out *o, const struct fees *f);         // […]
void put_refund(struct out *o, const struct refund *r);       // members
void log_requested(const struct request *q, struct text input); // input NULL: none
void log_extended(const struct request *q);

// Fills in what is known of an answer at the end of its request, beside the money.
void answer_end(struct answer *a, uint64_t request_id);
void log_completed(const struct request *q, const struct answer *a); // and the line [[yNEAR charged: "…"]]
void log_cancelled(const struct request *q, const struct account *by);
void log_pricing(const struct fees *f);
void log_refund(const char *event, const struct refund *r);
void log_secrets(const char *event, const struct secret_row *row);
void log_number(const char *before, uint64_t n, const char *after);
