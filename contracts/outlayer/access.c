// SPDX-License-Identifier: Apache-2.0
// Conditions of access: the shapes that the keystore evaluates, so that a condition which is stored can be decided.
#include "secrets.h"

#define DEPTH_MAX 16
#define NODES_MAX 256
#define TEXT_MAX 256
#define ACCOUNTS_MAX 200
static const char *const op_names[] = {"Gte", "Lte", "Gt", "Lt", "Eq", "Ne"};
static const char *const logic_names[] = {"And", "Or"};
static const struct json_choices ops = {op_names, 6}, logics = {logic_names, 2};
static const struct text all = {"AllowAll", 8};
static unsigned depth, nodes;

static void read_condition(struct json_in *in, void *out, const void *more);

static struct text take_short_text(struct json_in *in) {
    in->nul = false;
    struct text t = json_take_string(in);
    if (t.len == 0 || t.len > TEXT_MAX || in->nul)
        json_stop(in, ": expected 1 to 256 bytes, none of them NUL");
    return t;
}

static void read_short_text(struct json_in *in, void *out, const void *more) {
    (void)out, (void)more;
    take_short_text(in);
}

// Brackets that are not closed are in no regular expression. The rest of what can be wrong the keystore finds.
static void read_pattern(struct json_in *in, void *out, const void *more) {
    (void)out, (void)more;
    struct text t = take_short_text(in);
    size_t i = 0;
    int open = 0;
    bool set = false;
    for (; i < t.len && open >= 0; i++) {
        char c = t.ptr[i];
        i += c == '\\';
        set = c == '[' || (set && c != ']');
        if (!set)
            open += (c == '(') - (c == ')');
    }
    if (i != t.len || open || set)
        json_stop(in, ": not a regular expression");
}

static void read_list(struct json_in *in, json_decoder *one, void *out, unsigned max) {
    json_expect(in, '[');
    if (json_peek(in) == ']')
        json_stop(in, ": an empty list decides nothing");
    do {
        if (max-- == 0)
            json_stop(in, ": too many entries");
        one(in, out, NULL);
    } while (json_take(in, ','));
    json_expect(in, ']');
}

static void read_accounts(struct json_in *in, void *out, const void *more) {
    (void)more;
    read_list(in, json_read_account, out, ACCOUNTS_MAX);
}

static void read_conditions(struct json_in *in, void *out, const void *more) {
    (void)more;
    read_list(in, read_condition, out, ACCOUNTS_MAX);
}

// What is read goes into one scratch struct: only the shape counts.
struct scratch {
    struct account account;
    struct yocto value;
    uint8_t choice;
};
#define PART(name, member, decoder, more)                                                                              \
    { name, sizeof(name) - 1, true, offsetof(struct scratch, member), decoder, more }
static const struct json_field whitelist[] = {PART("accounts", account, read_accounts, NULL)};
static const struct json_field pattern[] = {PART("pattern", account, read_pattern, NULL)};
static const struct json_field near[] = {PART("operator", choice, json_read_choice, &ops),
                                         PART("value", value, json_read_yocto, NULL)};
static const struct json_field ft[] = {PART("contract", account, json_read_account, NULL),
                                       PART("operator", choice, json_read_choice, &ops),
                                       PART("value", value, json_read_yocto, NULL)};
static const struct json_field nft[] = {
    PART("contract", account, json_read_account, NULL),
    {"token_id", 8, false, offsetof(struct scratch, account), read_short_text, NULL}};
static const struct json_field dao[] = {PART("dao_contract", account, json_read_account, NULL),
                                        PART("role", account, read_short_text, NULL)};
static const struct json_field logic[] = {PART("operator", choice, json_read_choice, &logics),
                                          PART("conditions", account, read_conditions, NULL)};
static const struct json_field not [] = {PART("condition", account, read_condition, NULL)};

static const struct variant {
    const char *name;
    struct json_shape shape;
} variants[] = {
    {"Whitelist", JSON_SHAPE(whitelist, CLOSED)}, {"AccountPattern", JSON_SHAPE(pattern, CLOSED)},
    {"NearBalance", JSON_SHAPE(near, CLOSED)},    {"FtBalance", JSON_SHAPE(ft, CLOSED)},
    {"NftOwned", JSON_SHAPE(nft, CLOSED)},        {"DaoMember", JSON_SHAPE(dao, CLOSED)},
    {"Logic", JSON_SHAPE(logic, CLOSED)},         {"Not", JSON_SHAPE(not, CLOSED)},
};

static void read_tagged(struct json_in *in, void *out) {
    struct text name = json_take_string(in);
    json_expect(in, ':');
    for (size_t i = 0; i < sizeof variants / sizeof variants[0]; i++) {
        if (text_eq(name, text_of(variants[i].name))) {
            json_read_shape(in, out, &variants[i].shape);
            json_expect(in, '}');
            return;
        }
    }
    if (!text_eq(name, all) || !text_eq(json_take_value(in), TEXT("null")))
        json_stop(in, ": unknown condition of access");
    json_expect(in, '}');
}

static void read_condition(struct json_in *in, void *out, const void *more) {
    (void)more;
    if (depth++ == DEPTH_MAX || nodes++ == NODES_MAX)
        json_stop(in, ": conditions nested too deeply, or more than 256");
    if (json_take(in, '{'))
        read_tagged(in, out);
    else if (!text_eq(json_take_string(in), all))
        json_stop(in, ": unknown condition of access");
    depth--;
}

// Without white space between tokens, in place.
static struct text compact(struct text json) {
    char *to = (char *)json.ptr;
    bool inside = false;
    for (const char *p = to, *end = p + json.len; p < end; p++) {
        if (*p == '"')
            inside = !inside;
        if (inside && *p == '\\')
            *to++ = *p++;
        if (inside || (uint8_t)*p > ' ')
            *to++ = *p;
    }
    return (struct text){json.ptr, (size_t)(to - json.ptr)};
}

// Reading decodes texts in place, so it works on a copy.
struct text access_read(struct text json) {
    static char copy[ACCESS_MAX];
    json = compact(json);
    require(json.len <= ACCESS_MAX, "The access condition is longer than 8192 bytes");
    memcpy(copy, json.ptr, json.len);
    struct json_in in = {.p = copy, .end = copy + json.len, .field = "access"};
    struct scratch scratch;
    depth = nodes = 0;
    read_condition(&in, &scratch, NULL);
    return json;
}
