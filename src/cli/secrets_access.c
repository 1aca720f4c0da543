// SPDX-License-Identifier: Apache-2.0
#include "cli/secrets_access.h"

#include "base/text.h"
#include "codec/json.h"

static json_t *whitelist(struct arena *a, const char *list) {
    json_t *accounts = json_array();
    for (const char *p = list; *p;) {
        size_t n = strcspn(p, ", ");
        if (n)
            json_array_append_new(accounts, json_string(arena_text(a, slice_of(p, n))));
        p += n + (p[n] != 0);
    }
    return json_pack("{s:{s:o}}", "Whitelist", "accounts", accounts);
}

static bool balance(const char *amount, json_t **out, struct err *e) {
    struct yocto y;
    char digits[U128_TEXT_MAX];
    if (!yocto_parse(&y, amount, e))
        return err_wrap(e, "--min-balance");
    *out = json_pack("{s:{s:s,s:s}}", "NearBalance", "operator", "Gte", "value", u128_text(y.v, digits));
    return true;
}

// "CONTRACT:REST" into its parts; *rest NULL where there is no colon.
static const char *split(struct arena *a, const char *text, const char **rest) {
    const char *colon = strchr(text, ':');
    *rest = colon ? colon + 1 : NULL;
    return arena_text(a, slice_of(text, colon ? (size_t)(colon - text) : strlen(text)));
}

static bool incomplete(const char *option, const char *form, struct err *e) {
    err_set(e, ERR_USAGE, "%s is not complete", option);
    return err_hint(e, "%s takes %s", option, form);
}

static bool add(json_t *parts, json_t *part) { return json_array_append_new(parts, part) == 0; }

static bool collect(const struct access_options *o, struct arena *a, json_t *parts, struct err *e) {
    const char *contract, *rest;
    json_t *part = NULL;
    if (o->all)
        add(parts, json_string("AllowAll"));
    if (o->allow)
        add(parts, whitelist(a, o->allow));
    if (o->pattern)
        add(parts, json_pack("{s:{s:s}}", "AccountPattern", "pattern", o->pattern));
    if (o->min_balance && (!balance(o->min_balance, &part, e) || !add(parts, part)))
        return false;
    if (o->min_ft) {
        contract = split(a, o->min_ft, &rest);
        if (!rest)
            return incomplete("--min-ft", "CONTRACT:AMOUNT", e);
        add(parts, json_pack("{s:{s:s,s:s,s:s}}", "FtBalance", "contract", contract, "operator", "Gte", "value", rest));
    }
    if (o->nft) {
        contract = split(a, o->nft, &rest);
        add(parts, json_pack("{s:{s:s,s:s?}}", "NftOwned", "contract", contract, "token_id", rest));
    }
    if (o->dao) {
        contract = split(a, o->dao, &rest);
        if (!rest)
            return incomplete("--dao", "CONTRACT:ROLE", e);
        add(parts, json_pack("{s:{s:s,s:s}}", "DaoMember", "dao_contract", contract, "role", rest));
    }
    if (o->json && (!(part = json_parse(slice_str(o->json), ACCESS_JSON_MAX, e)) || !add(parts, part)))
        return err_wrap(e, "--access");
    return true;
}

const char *access_option_given(const struct access_options *o) {
    const struct {
        const char *name;
        bool given;
    } all[] = {{"--allow", o->allow},   {"--all", o->all}, {"--pattern", o->pattern}, {"--min-balance", o->min_balance},
               {"--min-ft", o->min_ft}, {"--nft", o->nft}, {"--dao", o->dao},         {"--access", o->json}};
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        if (all[i].given)
            return all[i].name;
    return NULL;
}

bool access_from_options(const struct access_options *o, struct arena *a, struct access **out, struct err *e) {
    SCOPED_JSON(parts) = json_array();
    *out = NULL;
    if (!collect(o, a, parts, e))
        return false;
    if (!json_array_size(parts))
        return true;
    SCOPED_JSON(any) = json_array_size(parts) == 1
                           ? json_incref(json_array_get(parts, 0))
                           : json_pack("{s:{s:s,s:O}}", "Logic", "operator", "Or", "conditions", parts);
    return access_of_json(out, a, any, e) || err_wrap(e, "condition of access");
}
