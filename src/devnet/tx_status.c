// SPDX-License-Identifier: Apache-2.0
#include "devnet/tx_status.h"

#include "codec/json.h"

#define WALK_MAX 100000 // receipts of one transaction

struct walk {
    struct history *history;
    json_t *todo;     // stack of receipt ids, the next one last
    json_t *outcomes; // as met: each one before its children, in their order
    json_t *receipts;
    struct tx_status *status;
    bool waits; // a receipt that counts has not run
};

static json_t *outcome_of(const json_t *execution) { return json_object_get(execution, "execution_outcome"); }
static json_t *part(const json_t *outcome, const char *key) {
    return json_object_get(json_object_get(outcome, "outcome"), key);
}

static void push_children(struct walk *w, const json_t *outcome) {
    const json_t *ids = part(outcome, "receipt_ids");
    for (size_t i = json_array_size(ids); i-- > 0;)
        json_array_append(w->todo, json_array_get(ids, i));
}

static bool not_run(struct walk *w, const struct hash *id, struct err *e) {
    bool refund;
    if (!history_knows(w->history, PERSIST_REFUND, id, &refund, e))
        return false;
    // What is waited for first is what is reported: an executed level needs every receipt but the refunds.
    if (!refund && !w->waits) {
        w->waits = true;
        w->status->missing = *id;
    } else if (w->status->level == WAIT_FINAL && !w->waits) {
        w->status->missing = *id;
    }
    if (w->status->level == WAIT_FINAL)
        w->status->level = WAIT_EXECUTED;
    return true;
}

static bool step(struct walk *w, struct err *e) {
    size_t last = json_array_size(w->todo) - 1, at;
    struct hash id;
    const char *text = json_string_value(json_array_get(w->todo, last));
    if (!hash_from_base58(&id, slice_str(text), e))
        return err_wrap(e, "stored receipt id");
    json_array_remove(w->todo, last);
    SCOPED_BLOCK(b) = NULL;
    if (!history_find(w->history, PERSIST_RECEIPT_OUTCOME, &id, &b, &at, e))
        return false;
    if (!b)
        return not_run(w, &id, e);
    json_t *execution = json_array_get(b->executions, at), *outcome = outcome_of(execution);
    json_array_append(w->outcomes, outcome);
    json_array_append(w->receipts, json_object_get(execution, "receipt"));
    push_children(w, outcome);
    return true;
}

// The value or failure at the end of the chain of SuccessReceiptIds; "Started" while it is not known.
static json_t *final_status(const struct walk *w, const json_t *tx_outcome) {
    const json_t *status = part(tx_outcome, "status"), *one;
    size_t i = 0;
    for (const char *next; (next = json_string_value(json_object_get(status, "SuccessReceiptId")));) {
        for (one = NULL; i < json_array_size(w->outcomes); i++) {
            one = json_array_get(w->outcomes, i);
            if (strcmp(json_string_value(json_object_get(one, "id")), next) == 0)
                break;
            one = NULL;
        }
        if (!one)
            return json_string(json_array_size(w->outcomes) ? "Started" : "NotStarted");
        status = part(one, "status");
    }
    return json_incref((json_t *)status);
}

static json_t *whole(const struct walk *w, const json_t *tx, const json_t *tx_outcome, bool receipts) {
    json_t *o = json_object();
    json_set_text(o, "final_execution_status", wait_level_text(w->status->level));
    json_object_set_new(o, "status", final_status(w, tx_outcome));
    json_object_set(o, "transaction", json_object_get(tx, "transaction"));
    json_object_set(o, "transaction_outcome", (json_t *)tx_outcome);
    json_object_set(o, "receipts_outcome", w->outcomes);
    if (receipts)
        json_object_set(o, "receipts", w->receipts);
    return o;
}

bool tx_status_look(struct history *h, const struct hash *hash, struct tx_status *status, bool receipts, json_t **out,
                    struct err *e) {
    size_t at;
    *status = (struct tx_status){.level = WAIT_NONE};
    if (out)
        *out = NULL;
    SCOPED_BLOCK(b) = NULL;
    if (!history_find(h, PERSIST_TX, hash, &b, &at, e))
        return false;
    if (!b)
        return true;
    json_t *tx = json_array_get(b->txs, at);
    json_t *outcome = outcome_of(json_object_get(tx, "outcome"));
    *status = (struct tx_status){.found = true, .level = WAIT_FINAL};
    json_t *failure = json_object_get(part(outcome, "status"), "Failure");
    status->refused = failure != NULL;
    SCOPED_JSON(todo) = json_array();
    SCOPED_JSON(outcomes) = json_array();
    SCOPED_JSON(list) = json_array();
    struct walk w = {h, todo, outcomes, list, status, false};
    push_children(&w, outcome);
    for (size_t n = 0; json_array_size(todo) && n < WALK_MAX; n++)
        if (!step(&w, e))
            return false;
    if (w.waits)
        status->level = WAIT_INCLUDED_FINAL;
    if (out)
        *out = whole(&w, tx, outcome, receipts);
    return true;
}
