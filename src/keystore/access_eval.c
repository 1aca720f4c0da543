// SPDX-License-Identifier: Apache-2.0
#include "keystore/access_eval.h"

#include "base/text.h"
#include "codec/json.h"

struct eval {
    const struct access_chain *chain;
    const char *caller;
};

static bool eval(struct eval *v, const struct access *c, bool *out, struct err *e);

// Takes args.
static json_t *view(struct eval *v, const char *contract, const char *method, json_t *args, struct err *e) {
    json_t *answer = v->chain->view(v->chain->ctx, contract, method, args, e);
    json_decref(args);
    return answer;
}

// A number that a contract gives as a decimal text (NEP-141's U128).
static bool view_u128(struct eval *v, const char *contract, const char *method, u128 *out, struct err *e) {
    SCOPED_JSON(j) = view(v, contract, method, json_pack("{s:s}", "account_id", v->caller), e);
    if (!j)
        return false;
    return (json_is_string(j) && text_u128(slice_str(json_string_value(j)), out)) ||
           err_set(e, ERR_CHAIN, "%s of %s did not answer with a number as a text", method, contract);
}

static bool eval_balance(struct eval *v, const struct access *c, bool *out, struct err *e) {
    u128 balance;
    if (c->kind == ACCESS_FT ? !view_u128(v, c->contract.s, "ft_balance_of", &balance, e)
                             : !v->chain->balance(v->chain->ctx, v->caller, &balance, e))
        return false;
    *out = access_compare(c->op, balance, c->value);
    return true;
}

static bool eval_token(struct eval *v, const struct access *c, bool *out, struct err *e) {
    const char *owner;
    SCOPED_JSON(j) = view(v, c->contract.s, "nft_token", json_pack("{s:s}", "token_id", c->text), e);
    if (!j)
        return false;
    *out = false;
    if (json_is_null(j)) // there is no such token
        return true;
    if (!json_is_object(j) || !json_get_text(j, "owner_id", &owner, NULL))
        return err_set(e, ERR_CHAIN, "nft_token of %s did not answer with a token", c->contract.s);
    *out = strcmp(owner, v->caller) == 0;
    return true;
}

static bool eval_any_token(struct eval *v, const struct access *c, bool *out, struct err *e) {
    SCOPED_JSON(j) =
        view(v, c->contract.s, "nft_tokens_for_owner", json_pack("{s:s,s:i}", "account_id", v->caller, "limit", 1), e);
    if (!j)
        return false;
    if (!json_is_array(j))
        return err_set(e, ERR_CHAIN, "nft_tokens_for_owner of %s did not answer with a list", c->contract.s);
    *out = json_array_size(j) > 0;
    return true;
}

// --- DAOs (Sputnik's policy)

static bool in_group(const struct eval *v, const json_t *group, bool *out) {
    *out = false;
    for (size_t i = 0; i < json_array_size(group); i++) {
        const char *member = json_string_value(json_array_get(group, i));
        if (!member)
            return false;
        *out |= strcmp(member, v->caller) == 0;
    }
    return json_is_array(group);
}

// {"Member": threshold}: who has at least so much delegated.
static bool has_weight(struct eval *v, const struct access *c, const json_t *threshold, bool *out, struct err *e) {
    u128 need, has;
    const char *text = json_string_value(threshold);
    if (!text || !text_u128(slice_str(text), &need))
        return err_set(e, ERR_CHAIN, "role %s of %s has a malformed threshold", c->text, c->contract.s);
    if (!view_u128(v, c->contract.s, "delegation_balance_of", &has, e))
        return false;
    *out = has >= need;
    return true;
}

static bool eval_role(struct eval *v, const struct access *c, const json_t *kind, bool *out, struct err *e) {
    const json_t *group = json_object_get(kind, "Group"), *member = json_object_get(kind, "Member");
    *out = json_is_string(kind) && strcmp(json_string_value(kind), "Everyone") == 0;
    if (*out || (group && json_object_size(kind) == 1 && in_group(v, group, out)))
        return true;
    if (member && json_object_size(kind) == 1)
        return has_weight(v, c, member, out, e);
    return err_set(e, ERR_CHAIN, "role %s of %s is of a kind that is not known", c->text, c->contract.s);
}

static bool eval_dao(struct eval *v, const struct access *c, bool *out, struct err *e) {
    SCOPED_JSON(policy) = view(v, c->contract.s, "get_policy", NULL, e);
    const json_t *roles = json_object_get(policy, "roles");
    if (!policy)
        return false;
    if (!json_is_array(roles))
        return err_set(e, ERR_CHAIN, "get_policy of %s answered without roles", c->contract.s);
    *out = false;
    for (size_t i = 0; i < json_array_size(roles); i++) {
        const json_t *role = json_array_get(roles, i);
        const char *name = json_string_value(json_object_get(role, "name"));
        if (!name)
            return err_set(e, ERR_CHAIN, "get_policy of %s has a role without a name", c->contract.s);
        if (strcmp(name, c->text) == 0)
            return eval_role(v, c, json_object_get(role, "kind"), out, e);
    }
    return true;
}

// --- the tree

static bool eval_list(const struct eval *v, const struct access *c, bool *out) {
    *out = false;
    for (size_t i = 0; i < c->count; i++)
        *out |= strcmp(c->accounts[i].s, v->caller) == 0;
    return true;
}

// Left to right, no further than is needed.
static bool eval_parts(struct eval *v, const struct access *c, bool *out, struct err *e) {
    bool stop_at = c->kind == ACCESS_OR;
    *out = !stop_at;
    for (size_t i = 0; i < c->count && *out != stop_at; i++)
        if (!eval(v, c->parts[i], out, e))
            return false;
    return true;
}

static bool eval(struct eval *v, const struct access *c, bool *out, struct err *e) {
    switch (c->kind) {
    case ACCESS_ALL: *out = true; return true;
    case ACCESS_WHITELIST: return eval_list(v, c, out);
    case ACCESS_PATTERN: return access_match(c->text, v->caller, out, e);
    case ACCESS_NEAR:
    case ACCESS_FT: return eval_balance(v, c, out, e);
    case ACCESS_NFT: return c->text ? eval_token(v, c, out, e) : eval_any_token(v, c, out, e);
    case ACCESS_DAO: return eval_dao(v, c, out, e);
    case ACCESS_AND:
    case ACCESS_OR: return eval_parts(v, c, out, e);
    case ACCESS_NOT:
        if (!eval(v, c->parts[0], out, e))
            return false;
        *out = !*out;
        return true;
    }
    __builtin_unreachable();
}

bool access_eval(const struct access_chain *chain, struct arena *a, const struct access *c, const char *caller,
                 bool *allowed, const char **why, struct err *e) {
    struct eval v = {.chain = chain, .caller = caller};
    bool result = false;
    *allowed = false;
    if (!eval(&v, c, &result, e))
        return false;
    *allowed = result;
    *why = result ? NULL : arena_printf(a, "they are for %s", access_text(a, c));
    return true;
}

// --- the real chain

static bool view_balance(void *ctx, const char *account, u128 *out, struct err *e) {
    return chain_view_balance(ctx, account, out, e);
}

static json_t *view_ask(void *ctx, const char *contract, const char *method, const json_t *args, struct err *e) {
    return chain_view_foreign(ctx, contract, method, args, e);
}

struct access_chain access_chain_of_view(struct chain_view *v) {
    return (struct access_chain){v, view_balance, view_ask};
}
