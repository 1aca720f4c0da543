// SPDX-License-Identifier: Apache-2.0
// Conditions of access to secrets, as the contract stores them (externally tagged JSON):
//   "AllowAll"   {"Whitelist":{"accounts":[A,…]}}   {"AccountPattern":{"pattern":P}}
//   {"NearBalance":{"operator":OP,"value":"yocto"}}   {"FtBalance":{"contract":A,"operator":OP,"value":"u128"}}
//   {"NftOwned":{"contract":A,"token_id":T or null}}   {"DaoMember":{"dao_contract":A,"role":R}}
//   {"Logic":{"operator":"And" or "Or","conditions":[…]}}   {"Not":{"condition":…}}
// OP is Gte, Lte, Gt, Lt, Eq or Ne. A pattern is a PCRE2 expression that must match the whole account id.
#pragma once
#include "base/arena.h"
#include "base/err.h"
#include "near/types.h"
#include <jansson.h>

#define ACCESS_DEPTH_MAX 16
#define ACCESS_NODES_MAX 256
#define ACCESS_JSON_MAX (8u << 10)
#define ACCESS_TEXT_MAX 256 // bytes of a pattern, role or token id
#define ACCESS_LIST_MAX 200 // accounts of a whitelist

enum access_kind {
    ACCESS_ALL,
    ACCESS_WHITELIST,
    ACCESS_PATTERN,
    ACCESS_NEAR,
    ACCESS_FT,
    ACCESS_NFT,
    ACCESS_DAO,
    ACCESS_AND,
    ACCESS_OR,
    ACCESS_NOT
};
enum access_op { OP_GTE, OP_LTE, OP_GT, OP_LT, OP_EQ, OP_NE };

struct access {
    enum access_kind kind;
    enum access_op op; // NEAR, FT
    u128 value;
    struct account_id contract; // FT, NFT, DAO
    const char *text;           // PATTERN; NFT: token id or NULL; DAO: role
    struct account_id *accounts;
    struct access **parts; // AND, OR, NOT (one)
    size_t count;          // of accounts or parts
};

// Everything is checked, patterns are compiled once. Texts live in `a`.
[[nodiscard]] bool access_of_json(struct access **out, struct arena *a, const json_t *j, struct err *e);
[[nodiscard]] bool access_parse(struct access **out, struct arena *a, struct slice json, struct err *e);
json_t *access_json(const struct access *c); // and back
// For people: "alice.near or bob.near", "an account with at least 5 NEAR".
const char *access_text(struct arena *a, const struct access *c);
bool access_compare(enum access_op op, u128 left, u128 right);
// Whether the whole account id matches. ERR_INVALID: not a pattern; ERR_LIMIT: it needs more steps than are allowed.
[[nodiscard]] bool access_match(const char *pattern, const char *account, bool *matches, struct err *e);
