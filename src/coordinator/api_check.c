// SPDX-License-Identifier: Apache-2.0
#include "coordinator/api.h"

#include "base/text.h"
#include "crypto/hash.h"
#include "near/types.h"
#include <inttypes.h>

#define TEXT_MAX 4096 // bytes of a parameter that has no bound of its own

bool api_is_word(const char *words, const char *value) {
    size_t n = strlen(value);
    for (const char *at = words; *at; at += strcspn(at, " "), at += *at == ' ')
        if (n && strcspn(at, " ") == n && memcmp(at, value, n) == 0)
            return true;
    return false;
}

static bool check_text(const struct api_field *f, const char *value, struct err *e) {
    size_t n = strlen(value), max = f->max ? f->max : TEXT_MAX;
    if (!text_is_utf8(slice_str(value)))
        return err_set(e, ERR_INVALID, "'%s' is not UTF-8", f->name);
    if (n >= f->min && n <= max)
        return true;
    return err_set(e, ERR_INVALID, "'%s' has %" PRIu64 " to %zu bytes, not %zu", f->name, f->min, max, n);
}

static bool check_number(const struct api_field *f, const char *value, struct err *e) {
    uint64_t n, max = f->max ? f->max : INT64_MAX;
    if (text_u64(slice_str(value), &n) && n >= f->min && n <= max)
        return true;
    return err_set(e, ERR_INVALID, "'%s' is a number from %" PRIu64 " to %" PRIu64 ", not '%.40s'", f->name, f->min,
                   max, value);
}

static bool check_amount(const struct api_field *f, const char *value, struct err *e) {
    u128 n;
    return text_u128(slice_str(value), &n) ||
           err_set(e, ERR_INVALID, "'%s' is a decimal number of up to 128 bits, not '%.60s'", f->name, value);
}

static bool check_value(const struct api_field *f, const char *value, struct err *e) {
    struct hash hash;
    struct err why;
    switch (f->kind) {
    case API_TEXT: return check_text(f, value, e);
    case API_NUMBER: return check_number(f, value, e);
    case API_AMOUNT: return check_amount(f, value, e);
    case API_HASH:
        return hash_from_hex(&hash, slice_str(value), &why) ||
               err_set(e, ERR_INVALID, "'%s' is 64 hex digits, not '%.80s'", f->name, value);
    case API_ACCOUNT:
        return account_id_valid(slice_str(value)) ||
               err_set(e, ERR_INVALID, "'%s' is not a NEAR account: '%.80s'", f->name, value);
    case API_BOOL:
        return api_is_word("true false", value) ||
               err_set(e, ERR_INVALID, "'%s' is true or false, not '%.40s'", f->name, value);
    case API_WORD:
        return api_is_word(f->words, value) ||
               err_set(e, ERR_INVALID, "'%s' is one of %s, not '%.40s'", f->name, f->words, value);
    case API_NANOS:
    case API_TEXTS:
    case API_OBJECT:
    case API_LIST:
    case API_ANY: break;
    }
    return true;
}

struct checking {
    const struct api_about *about;
    struct err *e;
    uint64_t seen; // by the parameter's place
    bool ok;
};

static void names_hint(const struct api_about *about, struct err *e) {
    char names[sizeof e->hint - 32] = "";
    size_t n = 0;
    for (size_t i = 0; i < about->param_count && n < sizeof names; i++)
        if (!(about->params[i].flags & API_PATH))
            n += (size_t)snprintf(names + n, sizeof names - n, "%s%s", n ? ", " : "", about->params[i].name);
    err_hint(e, names[0] ? "this path takes %s" : "this path takes no parameters%s", names);
}

static bool check_one(struct checking *x, const char *name, const char *value) {
    for (size_t i = 0; i < x->about->param_count; i++) {
        const struct api_field *f = &x->about->params[i];
        if ((f->flags & API_PATH) || strcmp(f->name, name) != 0)
            continue;
        if (x->seen & (uint64_t)1 << i)
            return err_set(x->e, ERR_INVALID, "'%s' is given twice", f->name);
        x->seen |= (uint64_t)1 << i;
        return value ? check_value(f, value, x->e)
                     : err_set(x->e, ERR_INVALID, "'%s' has a broken percent escape", f->name);
    }
    err_set(x->e, ERR_INVALID, "'%.80s' is no parameter of this path", name);
    names_hint(x->about, x->e);
    return false;
}

static void check_each(void *ctx, const char *name, const char *value) {
    struct checking *x = ctx;
    if (x->ok)
        x->ok = check_one(x, name, value);
}

bool api_check(const struct http_request *r, const struct api_about *about, struct err *e) {
    struct checking x = {.about = about, .e = e, .ok = true};
    BUG_ON(about->param_count > 64);
    if (about->page)
        return true;
    http_each_query(r, check_each, &x);
    for (size_t i = 0; x.ok && i < about->param_count; i++) {
        const struct api_field *f = &about->params[i];
        if (f->flags & API_PATH)
            x.ok = check_value(f, http_param(r, f->name), e);
        else if ((f->flags & API_MUST) && !(x.seen & (uint64_t)1 << i))
            x.ok = err_set(e, ERR_INVALID, "'%s' is missing: %s", f->name, f->what);
    }
    return x.ok;
}

uint64_t api_number(const struct http_request *r, const char *name, uint64_t otherwise) {
    const char *text = http_query(r, name);
    uint64_t n = otherwise;
    return text && text_u64(slice_str(text), &n) ? n : otherwise;
}
