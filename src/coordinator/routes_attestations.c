// SPDX-License-Identifier: Apache-2.0
// GET /attestations/{request_id}: what is stored of how a run is attested, where the rest is to be had, and what nobody
// attests. Nothing of it is judged here: whoever asks checks it (docs/attestation.md).
#include "coordinator/api.h"
#include "coordinator/routes.h"

#include "base/text.h"
#include "codec/hex.h"
#include "protocol/attestation.h"
#include <inttypes.h>

static void copy_as(json_t *to, const char *as, const json_t *from, const char *name) {
    json_t *value = json_object_get(from, name);
    json_object_set_new(to, as, value ? json_incref(value) : json_null());
}

// The reference's names. It calls the whole request the job that executes.
static void put_reference(json_t *o, const json_t *run, const json_t *parts) {
    uint64_t ended_ms = api_u64(run, "completed_at", 0);
    copy_as(o, "id", run, "id");
    copy_as(o, "task_id", run, "id");
    json_set_text(o, "task_type", "execute");
    json_object_set_new(o, "tdx_quote", json_null());
    json_object_set_new(o, "worker_measurement", json_null());
    copy_as(o, "request_id", run, "request_id");
    copy_as(o, "contract_id", run, "contract_id");
    copy_as(o, "caller_account_id", run, "sender_id");
    copy_as(o, "transaction_hash", run, "transaction_hash");
    copy_as(o, "block_height", parts, "block_height");
    copy_as(o, "repo_url", run, "repo");
    copy_as(o, "commit_hash", parts, "commit");
    copy_as(o, "build_target", parts, "build_target");
    copy_as(o, "wasm_hash", parts, "wasm_hash");
    copy_as(o, "input_hash", parts, "input_hash");
    copy_as(o, "output_hash", parts, "output_hash");
    json_object_set_new(o, "timestamp", ended_ms ? json_integer((json_int_t)(ended_ms / 1000)) : json_null());
}

// The bytes of which the digest is the hash; NULL: not all of its parts are known.
static const char *record_of(struct arena *a, const json_t *parts) {
    static const char *const beside[] = {"complete", "attestation_digest", "contract_id", "request_id"};
    struct attestation x;
    SCOPED_JSON(own) = json_copy((json_t *)(uintptr_t)parts);
    for (size_t i = 0; i < ARRAY_LEN(beside); i++)
        json_object_del(own, beside[i]);
    if (!json_is_true(json_object_get(parts, "complete")) || !attestation_read(&x, own, NULL))
        return NULL;
    x.contract_id = api_text(parts, "contract_id");
    x.request_id = api_u64(parts, "request_id", 0);
    return base64_text(a, attestation_record(a, &x));
}

// What the worker that ended it says of itself now; NULL: it is not known any more.
static const json_t *worker_of(const json_t *workers, const json_t *run) {
    const char *id = api_text(run, "worker_id"), *name;
    const json_t *one;
    size_t i;
    json_array_foreach(workers, i, one)
        if (id && (name = api_text(one, "worker_id")) && strcmp(name, id) == 0)
            return one;
    return NULL;
}

// Where the key's registration is to be had, and with it its quote: a register contract sits on its operator's account.
static json_t *registration_of(const char *operator_id, const char *key) {
    if (!operator_id || !key)
        return json_null();
    return json_pack("{s:s, s:s, s:{s:s}, s:s, s:s}", "contract_id", operator_id, "method_name", "get_worker", "args",
                     "public_key", key, "event", "worker_registered", "quote",
                     "tdx_quote_hex of the transaction that called register_worker_key for this key; the event has its "
                     "SHA-256 as quote_hash");
}

static json_t *not_attested(bool has_digest, bool has_registration) {
    json_t *list = json_array();
    json_array_append_new(list, json_string("No quote was made for this run: nothing shows in which machine it ran."));
    json_array_append_new(
        list, json_string(has_digest
                              ? "Whether `digest` is the one that the contract logged was not checked here: compare it "
                                "with attestation_digest of execution_completed."
                              : "The worker has told no parts of a digest: that of the chain cannot be made again."));
    json_array_append_new(list, json_string("`operator_id` and `public_key` are what the worker says of itself now: "
                                            "`resolve_transaction` shows who signed the answer."));
    json_array_append_new(
        list, json_string(has_registration
                              ? "Whether the operator's account has a register contract, and whether that knew the key "
                                "when it answered, was not checked here, nor was the key's quote: ask the contract, "
                                "and check the quote with `outlayer verify-quote`."
                              : "Which account and key answered is not known here, and so not where a registration of "
                                "the key is to be had: `resolve_transaction` shows who signed."));
    return list;
}

static json_t *attestation_of(struct arena *a, const json_t *run, const json_t *workers) {
    const json_t *parts = json_object_get(run, "digest_parts"), *worker = worker_of(workers, run);
    const char *record = record_of(a, parts), *key = api_text(worker, "public_key");
    const char *operator_id = api_text(worker, "operator_id");
    json_t *o = json_object();
    put_reference(o, run, parts);
    json_set_text(o, "state", record ? "digest" : "none");
    json_set_text(o, "digest", record ? api_text(parts, "attestation_digest") : NULL);
    json_set_text(o, "record", record);
    copy_as(o, "digest_parts", run, "digest_parts");
    copy_as(o, "resolve_transaction", run, "resolve_tx_id");
    copy_as(o, "worker_id", run, "worker_id");
    json_set_text(o, "operator_id", operator_id);
    json_set_text(o, "public_key", key);
    json_object_set_new(o, "registration", registration_of(operator_id, key));
    json_object_set_new(o, "not_attested", not_attested(record, operator_id && key));
    return o;
}

static bool key_of(const struct coordinator *c, struct http_request *r, struct execution_key *out, struct err *e) {
    const char *named = http_query(r, "contract_id");
    BUG_ON(!text_u64(slice_str(http_param(r, "request_id")), &out->request_id));
    out->contract_id = named ? named : c->contract_id;
    return out->contract_id || err_set(e, ERR_INVALID, "'contract_id' is missing") ||
           err_hint(e, "this coordinator works for several contracts: /attestations/%" PRIu64 "?contract_id=…",
                    out->request_id);
}

void attestation(struct http_request *r, void *ctx) {
    struct coordinator *c = ctx;
    struct execution_key key;
    struct err e;
    if (!key_of(c, r, &key, &e)) {
        http_reply_err(r, &e);
        return;
    }
    SCOPED_JSON(workers) = NULL;
    struct db *db = readers_take(c->readers);
    SCOPED_JSON(run) = execution_detail(c, db, http_arena(r), &key, &e);
    bool ok = run && shared_workers(c->shared, db, &workers, &e);
    readers_put(c->readers, db);
    if (ok)
        http_reply_json(r, 200, attestation_of(http_arena(r), run, workers));
    else
        http_reply_err(r, &e);
}
