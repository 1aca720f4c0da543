// SPDX-License-Identifier: Apache-2.0
#include "secrets/access.h"

#include "base/text.h"
#include "codec/json.h"
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#define MATCH_STEPS 100000 // a few milliseconds
#define MATCH_DEPTH 1000
#define MATCH_HEAP_KIB 1024

static const char *const ops[] = {"Gte", "Lte", "Gt", "Lt", "Eq", "Ne"};
static const char *const op_words[] = {"at least", "at most", "more than", "less than", "exactly", "other than"};

struct reader {
    struct arena *a;
    size_t nodes, depth;
};

static bool read_node(struct reader *r, struct access **out, const json_t *j, struct err *e);

bool access_compare(enum access_op op, u128 left, u128 right) {
    switch (op) {
    case OP_GTE: return left >= right;
    case OP_LTE: return left <= right;
    case OP_GT: return left > right;
    case OP_LT: return left < right;
    case OP_EQ: return left == right;
    case OP_NE: return left != right;
    }
    __builtin_unreachable();
}

// --- patterns

static pcre2_code *compile(const char *pattern, struct err *e) {
    int code;
    size_t at;
    // The whole name must match. Not by putting something around the pattern: `a)|(?:b` would take it apart.
    const uint32_t options = PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_NEVER_UTF | PCRE2_NEVER_BACKSLASH_C;
    pcre2_code *re = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, options, &code, &at, NULL);
    if (re)
        return re;
    PCRE2_UCHAR why[128] = "";
    pcre2_get_error_message(code, why, sizeof why);
    err_set(e, ERR_INVALID, "the pattern '%.100s' is not valid: %s", pattern, (const char *)why);
    return NULL;
}

bool access_match(const char *pattern, const char *account, bool *matches, struct err *e) {
    pcre2_code *re = compile(pattern, e);
    *matches = false;
    if (!re)
        return false;
    pcre2_match_context *limits = pcre2_match_context_create(NULL);
    pcre2_match_data *data = pcre2_match_data_create_from_pattern(re, NULL);
    BUG_ON(!limits || !data);
    pcre2_set_match_limit(limits, MATCH_STEPS);
    pcre2_set_depth_limit(limits, MATCH_DEPTH);
    pcre2_set_heap_limit(limits, MATCH_HEAP_KIB);
    int found = pcre2_match(re, (PCRE2_SPTR)account, strlen(account), 0, 0, data, limits);
    pcre2_match_data_free(data);
    pcre2_match_context_free(limits);
    pcre2_code_free(re);
    *matches = found >= 0;
    return found >= 0 || found == PCRE2_ERROR_NOMATCH ||
           err_set(e, ERR_LIMIT, "the pattern '%.100s' needs more steps than a decision may take", pattern);
}

// --- reading

static bool read_text(struct reader *r, const json_t *o, const char *key, const char **out, struct err *e) {
    const char *s;
    if (!json_get_text(o, key, &s, e))
        return false;
    if (!s[0] || strlen(s) > ACCESS_TEXT_MAX)
        return err_set(e, ERR_INVALID, "field '%s' must have 1 to %d bytes", key, ACCESS_TEXT_MAX);
    *out = arena_strdup(r->a, s);
    return true;
}

static bool read_account(const json_t *o, const char *key, struct account_id *out, struct err *e) {
    const char *s;
    return json_get_text(o, key, &s, e) && (account_id_parse(out, slice_str(s), e) || err_wrap(e, "field '%s'", key));
}

// "Name", or {"Name":null}, which clients of the reference may write.
static bool read_operator(const json_t *o, const char **out, struct err *e) {
    json_t *j = json_object_get(o, "operator");
    void *only = json_object_size(j) == 1 ? json_object_iter(j) : NULL;
    if (!only || !json_is_null(json_object_iter_value(only)))
        return json_get_text(o, "operator", out, e);
    *out = json_object_iter_key(only);
    return true;
}

static bool read_comparison(struct access *c, const json_t *o, struct err *e) {
    const char *op;
    if (!read_operator(o, &op, e))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(ops); i++) {
        if (strcmp(op, ops[i]) == 0) {
            c->op = (enum access_op)i;
            return json_is_string(json_object_get(o, "value"))
                       ? json_get_u128(o, "value", &c->value, e)
                       : err_set(e, ERR_INVALID, "field 'value' must be a decimal number as a text");
        }
    }
    return err_set(e, ERR_INVALID, "field 'operator' must be Gte, Lte, Gt, Lt, Eq or Ne");
}

static bool read_whitelist(struct reader *r, struct access *c, const json_t *o, struct err *e) {
    json_t *list;
    if (!json_get_array(o, "accounts", &list, e))
        return false;
    c->count = json_array_size(list);
    if (c->count > ACCESS_LIST_MAX)
        return err_set(e, ERR_TOO_LARGE, "a whitelist has at most %d accounts", ACCESS_LIST_MAX);
    c->accounts = arena_calloc(r->a, c->count + 1, sizeof *c->accounts);
    for (size_t i = 0; i < c->count; i++) {
        const char *s = json_string_value(json_array_get(list, i));
        if (!s || !account_id_parse(&c->accounts[i], slice_str(s), e))
            return err_set(e, ERR_INVALID, "an entry of field 'accounts' is not an account id");
    }
    return true;
}

static bool read_pattern(struct reader *r, struct access *c, const json_t *o, struct err *e) {
    if (!read_text(r, o, "pattern", &c->text, e))
        return false;
    pcre2_code *re = compile(c->text, e);
    pcre2_code_free(re);
    return re != NULL;
}

static bool read_nft(struct reader *r, struct access *c, const json_t *o, struct err *e) {
    const json_t *token = json_object_get(o, "token_id");
    return read_account(o, "contract", &c->contract, e) &&
           (!token || json_is_null(token) || read_text(r, o, "token_id", &c->text, e));
}

static bool read_logic(struct reader *r, struct access *c, const json_t *o, struct err *e) {
    const char *op;
    json_t *list;
    if (!read_operator(o, &op, e) || !json_get_array(o, "conditions", &list, e))
        return false;
    if (strcmp(op, "And") != 0 && strcmp(op, "Or") != 0)
        return err_set(e, ERR_INVALID, "field 'operator' must be And or Or");
    c->kind = op[0] == 'A' ? ACCESS_AND : ACCESS_OR;
    c->count = json_array_size(list);
    if (c->count > ACCESS_NODES_MAX)
        return err_set(e, ERR_TOO_LARGE, "a condition has at most %d parts", ACCESS_NODES_MAX);
    c->parts = arena_calloc(r->a, c->count + 1, sizeof(struct access *));
    for (size_t i = 0; i < c->count; i++)
        if (!read_node(r, &c->parts[i], json_array_get(list, i), e))
            return false;
    return true;
}

static bool read_variant(struct reader *r, struct access *c, const char *name, const json_t *o, struct err *e) {
    static const char *const names[] = {"AllowAll", "Whitelist", "AccountPattern", "NearBalance", "FtBalance",
                                        "NftOwned", "DaoMember", "Logic",          "Not"};
    size_t i = 0;
    while (i < ARRAY_LEN(names) && strcmp(name, names[i]) != 0)
        i++;
    if (i && i < ARRAY_LEN(names) && !json_is_object(o))
        return err_set(e, ERR_INVALID, "'%s' must hold an object", name);
    c->kind = (enum access_kind)i;
    switch (i) {
    case 0: return !o || json_is_null(o) || err_set(e, ERR_INVALID, "'AllowAll' holds nothing");
    case 1: return read_whitelist(r, c, o, e);
    case 2: return read_pattern(r, c, o, e);
    case 3: return read_comparison(c, o, e);
    case 4: return read_account(o, "contract", &c->contract, e) && read_comparison(c, o, e);
    case 5: return read_nft(r, c, o, e);
    case 6: return read_account(o, "dao_contract", &c->contract, e) && read_text(r, o, "role", &c->text, e);
    case 7: return read_logic(r, c, o, e);
    case 8:
        c->kind = ACCESS_NOT;
        c->count = 1;
        c->parts = arena_calloc(r->a, 1, sizeof(struct access *));
        return read_node(r, &c->parts[0], json_object_get(o, "condition"), e);
    default: return err_set(e, ERR_INVALID, "unknown condition '%.40s'", name);
    }
}

static bool read_node(struct reader *r, struct access **out, const json_t *j, struct err *e) {
    *out = arena_calloc(r->a, 1, sizeof **out);
    if (++r->nodes > ACCESS_NODES_MAX)
        return err_set(e, ERR_TOO_LARGE, "a condition has at most %d parts", ACCESS_NODES_MAX);
    if (r->depth == ACCESS_DEPTH_MAX)
        return err_set(e, ERR_TOO_LARGE, "conditions may be nested %d deep", ACCESS_DEPTH_MAX);
    if (json_is_string(j))
        return strcmp(json_string_value(j), "AllowAll") == 0 ||
               err_set(e, ERR_INVALID, "unknown condition '%.40s'", json_string_value(j));
    if (json_object_size(j) != 1)
        return err_set(e, ERR_INVALID, "a condition is \"AllowAll\" or an object with one member that names its kind");
    const char *name = json_object_iter_key(json_object_iter((json_t *)j));
    r->depth++;
    bool ok = read_variant(r, *out, name, json_object_get(j, name), e);
    r->depth--;
    return ok;
}

bool access_of_json(struct access **out, struct arena *a, const json_t *j, struct err *e) {
    struct reader r = {.a = a};
    return read_node(&r, out, j, e);
}

bool access_parse(struct access **out, struct arena *a, struct slice json, struct err *e) {
    SCOPED_JSON(j) = json_parse(json, ACCESS_JSON_MAX, e);
    return j && access_of_json(out, a, j, e);
}

// --- writing

static json_t *comparison(const struct access *c) {
    char digits[U128_TEXT_MAX];
    return json_pack("{s:s,s:s}", "operator", ops[c->op], "value", u128_text(c->value, digits));
}

static json_t *whitelist(const struct access *c) {
    json_t *list = json_array();
    for (size_t i = 0; i < c->count; i++)
        json_array_append_new(list, json_string(c->accounts[i].s));
    return json_pack("{s:{s:o}}", "Whitelist", "accounts", list);
}

static json_t *logic(const struct access *c) {
    json_t *list = json_array();
    for (size_t i = 0; i < c->count; i++)
        json_array_append_new(list, access_json(c->parts[i]));
    return json_pack("{s:{s:s,s:o}}", "Logic", "operator", c->kind == ACCESS_AND ? "And" : "Or", "conditions", list);
}

static json_t *ft(const struct access *c) {
    json_t *o = json_pack("{s:s}", "contract", c->contract.s);
    SCOPED_JSON(rest) = comparison(c);
    json_object_update(o, rest);
    return json_pack("{s:o}", "FtBalance", o);
}

json_t *access_json(const struct access *c) {
    switch (c->kind) {
    case ACCESS_ALL: return json_string("AllowAll");
    case ACCESS_WHITELIST: return whitelist(c);
    case ACCESS_PATTERN: return json_pack("{s:{s:s}}", "AccountPattern", "pattern", c->text);
    case ACCESS_NEAR: return json_pack("{s:o}", "NearBalance", comparison(c));
    case ACCESS_FT: return ft(c);
    case ACCESS_NFT: return json_pack("{s:{s:s,s:s?}}", "NftOwned", "contract", c->contract.s, "token_id", c->text);
    case ACCESS_DAO: return json_pack("{s:{s:s,s:s}}", "DaoMember", "dao_contract", c->contract.s, "role", c->text);
    case ACCESS_AND:
    case ACCESS_OR: return logic(c);
    case ACCESS_NOT: return json_pack("{s:{s:o}}", "Not", "condition", access_json(c->parts[0]));
    }
    __builtin_unreachable();
}

static const char *joined(struct arena *a, const struct access *c, const char *empty) {
    const char *text = c->count ? "" : empty, *by = c->kind == ACCESS_AND ? " and " : " or ";
    for (size_t i = 0; i < c->count; i++) {
        const char *part = c->parts ? access_text(a, c->parts[i]) : c->accounts[i].s;
        text = arena_printf(a, "%s%s%s", text, i ? by : "", part);
    }
    return text;
}

const char *access_text(struct arena *a, const struct access *c) {
    char digits[U128_TEXT_MAX], near[64];
    switch (c->kind) {
    case ACCESS_ALL: return "everybody";
    case ACCESS_WHITELIST: return joined(a, c, "nobody");
    case ACCESS_PATTERN: return arena_printf(a, "accounts that match %s", c->text);
    case ACCESS_NEAR:
        return arena_printf(a, "an account with %s %s", op_words[c->op], yocto_text((struct yocto){c->value}, near));
    case ACCESS_FT:
        return arena_printf(a, "a holder of %s %s of %s", op_words[c->op], u128_text(c->value, digits), c->contract.s);
    case ACCESS_NFT:
        return c->text ? arena_printf(a, "the owner of token %s of %s", c->text, c->contract.s)
                       : arena_printf(a, "an owner of a token of %s", c->contract.s);
    case ACCESS_DAO: return arena_printf(a, "members of %s in role %s", c->contract.s, c->text);
    case ACCESS_AND: return arena_printf(a, "(%s)", joined(a, c, "everybody"));
    case ACCESS_OR: return arena_printf(a, "(%s)", joined(a, c, "nobody"));
    case ACCESS_NOT: return arena_printf(a, "not %s", access_text(a, c->parts[0]));
    }
    __builtin_unreachable();
}
