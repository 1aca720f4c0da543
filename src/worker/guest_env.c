// SPDX-License-Identifier: Apache-2.0
#include "worker/guest_env.h"

#include "base/text.h"
#include <inttypes.h>

#define SYSTEM_MAX 32

struct list {
    struct exec_env *at;
    size_t count, most;
};

static void add(struct list *l, const char *name, const char *value) {
    if (!value)
        return;
    BUG_ON(l->count == l->most);
    l->at[l->count++] = (struct exec_env){name, value};
}

static void add_number(struct list *l, struct arena *a, const char *name, bool has, uint64_t value) {
    if (has)
        add(l, name, arena_printf(a, "%" PRIu64, value));
}

static void add_context(struct list *l, struct arena *a, const struct task_context *c) {
    add_number(l, a, "NEAR_BLOCK_HEIGHT", c->has_height, c->block_height);
    add_number(l, a, "NEAR_BLOCK_TIMESTAMP", c->has_timestamp, c->block_timestamp);
    add_number(l, a, "NEAR_GAS_BURNT", c->has_gas, c->gas_burnt);
    add(l, "NEAR_RECEIPT_ID", c->receipt_id);
    add(l, "NEAR_PREDECESSOR_ID", c->predecessor_id);
    add(l, "NEAR_SIGNER_PUBLIC_KEY", c->signer_public_key);
    add(l, "NEAR_TRANSACTION_HASH", c->transaction_hash);
}

// Before the system's: of two with one name the later wins.
static void add_secrets(struct list *l, const struct secrets *s) {
    for (size_t i = 0; i < s->count; i++)
        if (!secret_name_reserved(slice_str(s->items[i].name)))
            add(l, s->items[i].name, s->items[i].value);
}

size_t guest_env(struct arena *a, const struct task *t, const char *network, const struct secrets *secrets,
                 struct exec_env **out) {
    size_t most = SYSTEM_MAX + secrets->count;
    struct list l = {.at = arena_calloc(a, most, sizeof *l.at), .most = most};
    char amount[U128_TEXT_MAX];
    add_secrets(&l, secrets);
    add(&l, "NEAR_SENDER_ID", t->sender_id);
    add(&l, "NEAR_CONTRACT_ID", t->contract_id);
    add(&l, "NEAR_USER_ACCOUNT_ID", t->sender_id);
    add(&l, "NEAR_PAYMENT_YOCTO", arena_strdup(a, u128_text(t->payment, amount)));
    add_context(&l, a, &t->context);
    add_number(&l, a, "NEAR_REQUEST_ID", true, t->request_id);
    add_number(&l, a, "NEAR_MAX_INSTRUCTIONS", true, t->limits.max_instructions);
    add_number(&l, a, "NEAR_MAX_MEMORY_MB", true, t->limits.max_memory_mb);
    add_number(&l, a, "NEAR_MAX_EXECUTION_SECONDS", true, t->limits.max_execution_seconds);
    add(&l, "NEAR_NETWORK_ID", network);
    add(&l, "OUTLAYER_EXECUTION_TYPE", "NEAR");
    add(&l, "ATTACHED_USD", "0");
    add(&l, "USD_PAYMENT", "0");
    add(&l, "OUTLAYER_CALL_ID", "");
    *out = l.at;
    return l.count;
}
