// SPDX-License-Identifier: Apache-2.0
// Looking at the state behind a block, and the parameters of this chain.
#include "chain/chain_internal.h"

#include "base/text.h"
#include "codec/json.h"

struct snapshot {
    struct chain *chain;
    const struct block *block;
};

struct snapshot *chain_snapshot(struct chain *c, const struct chain_block *block) {
    struct snapshot *s = xcalloc(1, sizeof *s);
    s->chain = c;
    s->block = block_of(chain_block_ref(block));
    return s;
}

void snapshot_free(struct snapshot *s) {
    if (!s)
        return;
    chain_block_unref(&s->block->pub);
    free(s);
}

const struct chain_block *snapshot_block(const struct snapshot *s) { return &s->block->pub; }

static bool refuse(struct view_error *why, enum view_error_kind kind) {
    *why = (struct view_error){.kind = kind};
    return false;
}

static struct slice look(const struct snapshot *s, struct slice key) {
    return blob_slice(trie_get(s->block->root, key));
}

bool view_account(const struct snapshot *s, const struct account_id *id, struct account_state *out,
                  struct view_error *why) {
    struct state_key k;
    struct slice bytes = look(s, key_of_account(&k, COLUMN_ACCOUNT, id));
    if (!bytes.len)
        return refuse(why, VIEW_UNKNOWN_ACCOUNT);
    BUG_ON(!account_decode(out, bytes));
    return true;
}

bool view_access_key(const struct snapshot *s, struct arena *a, const struct account_id *id,
                     const struct public_key *key, struct access_key *out, struct view_error *why) {
    struct state_key k;
    struct borsh r = {.left = look(s, key_of_access(&k, id, key))};
    if (!r.left.len)
        return refuse(why, VIEW_UNKNOWN_KEY);
    *out = access_key_decode(&r, a);
    return true;
}

// A list in the arena grows by doubling.
static void *grown(struct arena *a, const void *list, size_t count, size_t *room, size_t size) {
    *room = *room ? 2 * *room : 16;
    void *out = arena_calloc(a, *room, size);
    if (count)
        memcpy(out, list, count * size);
    return out;
}

struct key_collector {
    struct arena *arena;
    size_t account_len, room, max;
    struct view_keys *out;
};

static bool collect_key(void *ctx, struct slice key, struct blob *value) {
    struct key_collector *c = ctx;
    struct view_keys *out = c->out;
    struct public_key parsed;
    if (!access_key_of(&parsed, key, c->account_len))
        return true;
    out->more = out->count == c->max;
    if (out->more)
        return false;
    if (out->count == c->room)
        out->list = grown(c->arena, out->list, out->count, &c->room, sizeof *out->list);
    struct borsh r = {.left = blob_slice(value)};
    out->list[out->count++] = (struct keyed_access){parsed, access_key_decode(&r, c->arena)};
    return true;
}

bool view_access_keys(const struct snapshot *s, struct arena *a, const struct account_id *id,
                      const struct public_key *after, uint32_t limit, struct view_keys *out, struct view_error *why) {
    struct state_key k, from;
    struct slice behind = after ? key_of_access(&from, id, after) : (struct slice){0};
    key_of_account(&k, COLUMN_ACCESS_KEY, id);
    k.b[k.len++] = COLUMN_ACCESS_KEY;
    struct key_collector c = {.arena = a, .account_len = strlen(id->s), .max = VIEW_KEYS_MAX, .out = out};
    if (limit && limit < c.max)
        c.max = limit;
    *out = (struct view_keys){0};
    trie_walk_after(s->block->root, key_slice(&k), behind, collect_key, &c);
    return limit || after || !out->more || refuse(why, VIEW_TOO_MANY_KEYS);
}

bool view_code(const struct snapshot *s, struct arena *a, const struct account_id *id, struct slice *code,
               struct hash *code_hash, struct view_error *why) {
    struct state_key k;
    struct account_state account;
    if (!view_account(s, id, &account, why))
        return false;
    struct slice bytes = look(s, key_of_account(&k, COLUMN_CODE, id));
    if (!bytes.len)
        return refuse(why, VIEW_NO_CODE);
    *code = arena_copy(a, bytes);
    *code_hash = account.code_hash;
    return true;
}

struct entry_collector {
    struct arena *arena;
    size_t skip; // bytes of a state key before the contract's own
    size_t room, max, bytes;
    struct view_entries *out;
};

// As nodes count a page: the entry that goes beyond its bytes is the last one in it.
static bool collect_entry(void *ctx, struct slice key, struct blob *value) {
    struct entry_collector *c = ctx;
    struct view_entries *out = c->out;
    out->more = out->count == c->max || c->bytes >= VIEW_STATE_MAX;
    if (out->more)
        return false;
    c->bytes += key.len + value->len;
    if (out->count == c->room)
        out->list = grown(c->arena, out->list, out->count, &c->room, sizeof *out->list);
    out->list[out->count++] =
        (struct view_entry){arena_copy(c->arena, slice_skip(key, c->skip)), arena_copy(c->arena, blob_slice(value))};
    return true;
}

// Nodes judge the whole account, whatever the prefix. What was patched into the state does not count in its usage, so
// what is given counts, too.
static bool state_too_large(const struct snapshot *s, const struct account_id *id, const struct account_state *account,
                            const struct entry_collector *c) {
    struct state_key k;
    uint64_t code = look(s, key_of_account(&k, COLUMN_CODE, id)).len;
    bool large = account->storage_usage > code && account->storage_usage - code > VIEW_STATE_MAX;
    return large || c->out->more || c->bytes > VIEW_STATE_MAX;
}

bool view_state(const struct snapshot *s, struct arena *a, const struct account_id *id, struct slice prefix,
                const struct slice *after, uint32_t limit, struct view_entries *out, struct view_error *why) {
    struct state_key k, from;
    struct account_state account;
    *out = (struct view_entries){0};
    if (!view_account(s, id, &account, why))
        return false;
    struct entry_collector c = {.arena = a, .skip = strlen(id->s) + 2, .max = VIEW_STATE_PAGE_MAX, .out = out};
    if (limit && limit < c.max)
        c.max = limit;
    bool paged = limit || after;
    if (!paged)
        c.max = SIZE_MAX;
    if (prefix.len > STORAGE_KEY_MAX || (after && after->len > STORAGE_KEY_MAX))
        return true;
    struct slice behind = after ? key_of_part(&from, COLUMN_DATA, id, *after) : (struct slice){0};
    trie_walk_after(s->block->root, key_of_part(&k, COLUMN_DATA, id, prefix), behind, collect_entry, &c);
    return paged || !state_too_large(s, id, &account, &c) || refuse(why, VIEW_TOO_LARGE);
}

static bool stake_of(void *ctx, const struct account_id *id, u128 *stake) {
    const struct snapshot *s = ctx;
    const struct account_id *validator = &s->chain->config.validator;
    struct account_state a;
    struct view_error why;
    if ((id && strcmp(id->s, validator->s) != 0) || !view_account(s, validator, &a, &why))
        return false;
    *stake = a.locked.v;
    return true;
}

bool view_call(const struct snapshot *s, struct arena *a, const struct account_id *id, const char *method,
               struct slice args, struct view_call_result *out, struct view_error *why) {
    static const struct public_key nobody = {.type = KEY_ED25519};
    const struct chain_block *b = &s->block->pub;
    struct account_state account;
    struct vm_outcome o;
    *out = (struct view_call_result){0};
    if (!view_account(s, id, &account, why))
        return false;
    struct vm_call v = {.engine = s->chain->vm,
                        .state = state_new(trie_ref(s->block->root), a),
                        .arena = a,
                        .chain_id = s->chain->config.chain_id,
                        .current = id,
                        .signer = id,
                        .predecessor = id,
                        .refund_to = id,
                        .signer_key = &nobody,
                        .code_hash = account.code_hash,
                        .method = method,
                        .args = args,
                        .balance = account.amount.v,
                        .locked = account.locked.v,
                        .storage_usage = account.storage_usage,
                        .gas = GAS_MAX,
                        .height = b->height,
                        .timestamp_ns = b->timestamp_ns,
                        .epoch_height = b->epoch_height,
                        .random_seed = b->random_value,
                        .gas_price = b->gas_price,
                        .view = true,
                        .stake_of = stake_of,
                        .stake_ctx = (void *)(uintptr_t)s};
    vm_run(&v, &o);
    state_free(v.state);
    out->value = o.returned == VM_RETURN_VALUE ? o.value : (struct slice){0};
    out->logs = o.logs;
    out->log_count = o.log_count;
    out->gas_burnt = o.gas_burnt;
    if (!o.failed)
        return true;
    why->kind = VIEW_EXECUTION;
    why->call = o.error;
    return false;
}

char *view_error_text(struct arena *a, const struct view_error *why, const struct account_id *id,
                      const struct public_key *key) {
    switch (why->kind) {
    case VIEW_UNKNOWN_BLOCK: return arena_strdup(a, "the state of this block is not kept any more");
    case VIEW_UNKNOWN_ACCOUNT: return arena_printf(a, "account %s does not exist while viewing", id->s);
    case VIEW_UNKNOWN_KEY:
        return arena_printf(a, "access key %s does not exist while viewing", key ? public_key_text(a, key) : "");
    case VIEW_TOO_LARGE: return arena_printf(a, "State of contract %s is too large to be viewed", id->s);
    case VIEW_TOO_MANY_KEYS:
        return arena_printf(a, "Account %s has more than %d access keys; use a paginated view_access_key_list request",
                            id->s, VIEW_KEYS_MAX);
    case VIEW_NO_CODE:
        return arena_printf(a, "Contract code for contract ID #%s has never been observed on the node", id->s);
    case VIEW_EXECUTION: break;
    }
    return arena_printf(a, "wasm execution failed with error: %s", why->call.debug);
}

// --- parameters ----------------------------------------------------------------------------------------------------

static json_t *fee_json(enum action_cost cost) {
    const struct fee *f = &fees[cost];
    return json_pack("{s:I, s:I, s:I}", "send_sir", (json_int_t)f->send_sir, "send_not_sir",
                     (json_int_t)f->send_not_sir, "execution", (json_int_t)f->exec);
}

static json_t *action_fees(void) {
    json_t *keys = json_pack("{s:o, s:o, s:o}", "full_access_cost", fee_json(COST_ADD_FULL_ACCESS_KEY),
                             "function_call_cost", fee_json(COST_ADD_FUNCTION_CALL_KEY_BASE),
                             "function_call_cost_per_byte", fee_json(COST_ADD_FUNCTION_CALL_KEY_BYTE));
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "create_account_cost",
                     fee_json(COST_CREATE_ACCOUNT), "deploy_contract_cost", fee_json(COST_DEPLOY_CONTRACT_BASE),
                     "deploy_contract_cost_per_byte", fee_json(COST_DEPLOY_CONTRACT_BYTE), "function_call_cost",
                     fee_json(COST_FUNCTION_CALL_BASE), "function_call_cost_per_byte",
                     fee_json(COST_FUNCTION_CALL_BYTE), "transfer_cost", fee_json(COST_TRANSFER), "stake_cost",
                     fee_json(COST_STAKE), "add_key_cost", keys, "delete_key_cost", fee_json(COST_DELETE_KEY),
                     "delete_account_cost", fee_json(COST_DELETE_ACCOUNT), "delegate_cost", fee_json(COST_DELEGATE));
}

static json_t *transaction_costs(void) {
    json_t *data = json_pack("{s:o, s:o}", "base_cost", fee_json(COST_NEW_DATA_RECEIPT_BASE), "cost_per_byte",
                             fee_json(COST_NEW_DATA_RECEIPT_BYTE));
    return json_pack("{s:o, s:o, s:o, s:{s:i, s:i}, s:[i, i], s:[i, i]}", "action_receipt_creation_config",
                     fee_json(COST_NEW_ACTION_RECEIPT), "data_receipt_creation_config", data, "action_creation_config",
                     action_fees(), "storage_usage_config", "num_bytes_account", STORAGE_ACCOUNT,
                     "num_extra_bytes_record", STORAGE_RECORD, "burnt_gas_reward", 3, 10,
                     "pessimistic_gas_price_inflation_ratio", 1, 1);
}

static json_t *limits(void) {
    return json_pack("{s:I, s:I, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i}", "max_gas_burnt",
                     (json_int_t)GAS_MAX, "max_total_prepaid_gas", (json_int_t)GAS_MAX, "max_contract_size",
                     (int)CONTRACT_MAX, "max_transaction_size", (int)NEAR_TX_MAX, "max_arguments_length", (int)ARGS_MAX,
                     "max_length_storage_key", (int)STORAGE_KEY_MAX, "max_length_storage_value", (int)VALUE_MAX,
                     "max_promises_per_function_call_action", (int)PROMISES_MAX, "max_number_input_data_dependencies",
                     (int)INPUTS_MAX, "max_number_logs", (int)LOGS_MAX, "max_total_log_length", (int)LOGS_BYTES_MAX,
                     "yield_timeout_length_in_blocks", CHAIN_YIELD_BLOCKS, "max_yield_payload_size",
                     (int)YIELD_PAYLOAD_MAX);
}

static json_t *wasm_config(void) {
    json_t *ext = json_object();
#define X(name, lower, gas) json_set_u64(ext, #lower, gas);
    EXT_COSTS(X)
#undef X
    return json_pack("{s:o, s:I, s:s, s:o}", "ext_costs", ext, "regular_op_cost", (json_int_t)GAS_PER_OP, "vm_kind",
                     "Wasmtime", "limit_config", limits());
}

json_t *chain_runtime_config(const struct chain *c) {
    json_t *o = json_object();
    json_set_u128(o, "storage_amount_per_byte", STORAGE_BYTE_PRICE);
    json_object_set_new(o, "transaction_costs", transaction_costs());
    json_object_set_new(o, "wasm_config", wasm_config());
    json_object_set_new(o, "account_creation_config",
                        json_pack("{s:I, s:s}", "min_allowed_top_level_account_length",
                                  (json_int_t)c->config.min_top_level_length, "registrar_account_id",
                                  c->config.registrar.s));
    return o;
}
