// SPDX-License-Identifier: Apache-2.0
#include "chain/execute.h"

#define NEW_ACCOUNT_PRICE ((u128)7000000000000000000ull * 1000) // NEP-642: 0.007 NEAR for an account that appears

void execution_add(struct execution *x, const struct receipt *r) {
    CHUNK_GROW(x->chunk, x->out, x->out_count, x->out_room);
    x->out[x->out_count] = *r;
    x->out[x->out_count++].tx_hash = x->receipt->tx_hash;
}

static u128 burn_price(const struct receipt *r) { return r->gas_price < GAS_PRICE ? r->gas_price : GAS_PRICE; }

// --- the actions -----------------------------------------------------------------------------------------------------

static void begin(struct execution *x) {
    const struct receipt *r = x->receipt;
    x->actor = r->predecessor;
    x->exists = account_get(x->chunk->state, &r->receiver, &x->account);
    x->gas_burnt = x->gas_used = fees[COST_NEW_ACTION_RECEIPT].exec;
    x->action_gas[COST_NEW_ACTION_RECEIPT] = x->gas_burnt;
}

static bool covers_storage(struct execution *x) {
    u128 lack = x->exists ? storage_lack(&x->account) : 0;
    if (!lack)
        return true;
    x->error = (struct action_error){
        .kind = ACTION_ERR_STORAGE, .account = x->receipt->receiver, .amount.v = lack, .has_index = false};
    return false;
}

static bool run_actions(struct execution *x) {
    const struct receipt *r = x->receipt;
    for (size_t i = 0; i < r->action_count; i++) {
        x->error = (struct action_error){.has_index = true, .index = i};
        if (!action_apply(x, i))
            return false;
    }
    if (!covers_storage(x))
        return false;
    if (x->exists)
        account_put(x->chunk->state, &r->receiver, &x->account);
    return true;
}

// Its changes, or none at all.
static void run(struct execution *x) {
    struct chunk *c = x->chunk;
    size_t mark = state_mark(c->state);
    begin(x);
    x->failed = !run_actions(x);
    if (!x->failed) {
        state_record(c->state, mark, CAUSE_RECEIPT, &x->receipt->id);
        return;
    }
    state_rollback(c->state, mark);
    x->out_count = 0;
    x->gas_used = x->gas_burnt;
    x->minted = 0;
    x->created = false;
    x->returned = VM_RETURN_NONE;
}

// --- what it leaves ----------------------------------------------------------------------------------------------

static void add_refund(struct execution *x, const struct account_id *to, const struct account_id *signer, u128 amount) {
    struct action *give = arena_calloc(x->chunk->arena, 1, sizeof *give);
    *give = (struct action){.kind = ACTION_TRANSFER, .deposit.v = amount};
    execution_add(x, &(struct receipt){.kind = RECEIPT_ACTION,
                                       .predecessor = {"system"},
                                       .receiver = *to,
                                       .signer = *signer,
                                       .signer_key = x->receipt->signer_key,
                                       .actions = give,
                                       .action_count = 1});
}

// An account that appears has a price of its own (NEP-642). What the burnt gas has not paid of that price is withheld
// from `surplus`, which would go back to the signer otherwise.
static u128 withheld(const struct execution *x, u128 surplus) {
    u128 paid = burn_price(x->receipt) * fees[COST_CREATE_ACCOUNT].exec;
    u128 more = NEW_ACCOUNT_PRICE > paid ? NEW_ACCOUNT_PRICE - paid : 0;
    if (!x->created)
        return 0;
    return more < surplus ? more : surplus;
}

// Deposits of a failed receipt, and gas that was paid for and not burnt. Gives their number.
static size_t add_refunds(struct execution *x) {
    const struct receipt *r = x->receipt;
    uint64_t prepaid, exec, delegated;
    u128 deposit = 0, price = r->gas_price, burn = burn_price(r);
    size_t before = x->out_count;
    x->tokens_burnt = burn * x->gas_burnt;
    if (strcmp(r->predecessor.s, "system") == 0)
        return 0;
    BUG_ON(!gas_prepaid(r->actions, r->action_count, &prepaid) ||
           !gas_exec_fees(r->actions, r->action_count, &r->receiver, &exec) ||
           !gas_delegated_send(r->actions, r->action_count, &delegated) ||
           !actions_deposit(r->actions, r->action_count, &deposit)); // checked when the receipt was made
    if (x->failed && deposit)
        add_refund(x, r->has_refund_to ? &r->refund_to : &r->predecessor, &(struct account_id){"system"}, deposit);
    uint64_t total = prepaid + exec + delegated + fees[COST_NEW_ACTION_RECEIPT].exec;
    BUG_ON(total < x->gas_used);
    u128 surplus = (price - burn) * x->gas_burnt, kept = withheld(x, surplus);
    u128 gas = price * (total - x->gas_used) + surplus - kept;
    x->tokens_burnt += kept;
    if (gas)
        add_refund(x, &r->signer, &r->signer, gas);
    return x->out_count - before;
}

// Whoever waits for the result gets it, or waits for the receipt that the contract returned instead.
static void add_data(struct execution *x) {
    const struct receipt *r = x->receipt;
    if (!x->failed && x->returned == VM_RETURN_RECEIPT) {
        struct receipt *next = &x->out[x->returned_receipt];
        struct data_output *both = arena_calloc(x->chunk->arena, next->output_count + r->output_count, sizeof *both);
        if (next->output_count)
            memcpy(both, next->outputs, next->output_count * sizeof *both);
        if (r->output_count)
            memcpy(both + next->output_count, r->outputs, r->output_count * sizeof *both);
        next->outputs = both;
        next->output_count += r->output_count;
        return;
    }
    for (size_t i = 0; i < r->output_count; i++)
        execution_add(x, &(struct receipt){.kind = RECEIPT_DATA,
                                           .predecessor = r->receiver,
                                           .receiver = r->outputs[i].receiver,
                                           .data_id = r->outputs[i].data_id,
                                           .has_data = !x->failed,
                                           .data = x->failed ? (struct slice){0} : x->value});
}

// Three tenths of what the contract's code burnt belong to its account.
static void reward(struct execution *x) {
    struct chunk *c = x->chunk;
    struct account_state account;
    u128 amount = (u128)(x->vm_burnt * 3 / 10) * burn_price(x->receipt);
    size_t mark = state_mark(c->state);
    if (!amount || !account_get(c->state, &x->receipt->receiver, &account))
        return;
    BUG_ON(ckd_add(&account.amount.v, account.amount.v, amount));
    account_put(c->state, &x->receipt->receiver, &account);
    state_record(c->state, mark, CAUSE_GAS_REWARD, &x->receipt->id);
    c->minted += amount; // tokens_burnt has it too
}

static void send_out(struct execution *x) {
    struct chunk *c = x->chunk;
    for (size_t i = 0; i < x->out_count; i++) {
        struct receipt *r = &x->out[i];
        r->id = chunk_id(c, &x->receipt->id, i);
        if (r->is_yield)
            chunk_yield(c, r);
        else
            chunk_send(c, r);
    }
}

// --- the outcome -------------------------------------------------------------------------------------------------

static size_t put_costs(struct gas_cost *out, const char *category, const char *const *names, const uint64_t *gas,
                        size_t n) {
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        if (gas[i])
            out[count++] = (struct gas_cost){category, names[i], gas[i]};
    return count;
}

static const char *const action_names[] = {
#define X(name, sir, not_sir, exec) #name,
    ACTION_COSTS(X)
#undef X
};
static const char *const ext_names[] = {
#define X(name, lower, gas) #name,
    EXT_COSTS(X)
#undef X
};

static void put_profile(const struct execution *x, struct outcome *o) {
    struct gas_cost *list = arena_calloc(x->chunk->arena, COST_COUNT + EXT_COUNT + 1, sizeof *list);
    size_t n = put_costs(list, "ACTION_COST", action_names, x->action_gas, COST_COUNT);
    n += put_costs(list + n, "WASM_HOST_COST", ext_names, x->ext_gas, EXT_COUNT);
    if (x->wasm_gas)
        list[n++] = (struct gas_cost){"WASM_HOST_COST", "WASM_INSTRUCTION", x->wasm_gas};
    o->profile = list;
    o->profile_count = n;
}

static void put_status(const struct execution *x, struct outcome *o) {
    if (x->failed) {
        struct action_error *copy = arena_alloc(x->chunk->arena, sizeof *copy);
        *copy = x->error;
        o->status = OUTCOME_FAILURE;
        o->action_error = copy;
    } else if (x->returned == VM_RETURN_RECEIPT) {
        o->status = OUTCOME_RECEIPT;
        o->next = x->out[x->returned_receipt].id;
    } else {
        o->status = OUTCOME_VALUE;
        o->value = x->value;
    }
}

static struct outcome outcome_of(const struct execution *x, size_t refunds) {
    const struct receipt *r = x->receipt;
    struct outcome o = {.id = r->id,
                        .executor = r->receiver,
                        .logs = x->logs,
                        .log_count = x->log_count,
                        .refund_count = refunds,
                        .gas_burnt = x->gas_burnt,
                        .tokens_burnt = x->tokens_burnt};
    struct hash *ids = arena_calloc(x->chunk->arena, x->out_count, sizeof *ids);
    for (size_t i = 0; i < x->out_count; i++)
        if (x->out[i].kind == RECEIPT_ACTION)
            ids[o.receipt_count++] = x->out[i].id;
    o.receipt_ids = ids;
    put_status(x, &o);
    put_profile(x, &o);
    return o;
}

void execute_receipt(struct chunk *c, const struct receipt *r, const struct promise_result *results, size_t count) {
    struct execution x = {.chunk = c, .receipt = r, .results = results, .result_count = count};
    run(&x);
    if (x.returned != VM_RETURN_VALUE)
        x.value = (struct slice){0};
    size_t refunds = add_refunds(&x);
    add_data(&x);
    send_out(&x);
    reward(&x);
    c->gas_used += x.gas_burnt;
    c->burnt += x.tokens_burnt;
    c->minted += x.minted;
    CHUNK_GROW(c, c->executions, c->execution_count, c->execution_room);
    c->executions[c->execution_count++] = (struct chain_execution){r, outcome_of(&x, refunds)};
}
